//! What goes into a store: plain data, so that a store which loses, delays or
//! mangles it can be written for a test.

use std::time::Duration;

use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::tile::TileId;

use super::term::TermKey;

/// What one commit writes, all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The next entries, in order.
    pub entries: Vec<NewEntry>,
    /// Tiles that became full, or are the partial ones of an epoch that is
    /// sealed.
    pub tiles: Vec<(TileKey, Vec<u8>)>,
    /// All tiles under these epoch numbers are forgotten: trees of the index that
    /// nothing stands over any more.
    pub forget_trees: Vec<EpochNumber>,
    pub epoch: Option<NewEpoch>,
    /// Names and what they stand for from now on.
    pub meta: Vec<(&'static str, Vec<u8>)>,
    /// What is remembered beside the entries for a while.
    pub notes: Vec<Note>,
    /// What opens redacted members of the entries.
    pub openings: Vec<(OpeningKey, Vec<u8>)>,
    /// Openings that are erased: gone for readers with this write, and from the files
    /// with [`Store::purge`](super::Store::purge).
    pub erased: Vec<OpeningKey>,
    /// Every note of an earlier hour than this one is forgotten.
    pub forget_notes_before: Option<u64>,
}

/// Where the opening of a redacted member is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpeningKey {
    pub seq: Seq,
    /// What stands in the entry.
    pub commitment: Hash,
}

/// How much is taken together into one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimit {
    /// Entries from which on no further ones are taken.
    pub entries: usize,
    /// Bytes from which on no further entries are taken.
    pub bytes: usize,
    /// How long those that were answered together are waited for: where a write takes
    /// long, one that misses it waits for two.
    pub gather: Duration,
}

impl Default for BatchLimit {
    /// Large enough that a sync is shared by many, small enough that the first does not
    /// wait long for the last.
    fn default() -> BatchLimit {
        BatchLimit {
            entries: 1_024,
            bytes: 4 << 20,
            gather: Duration::ZERO,
        }
    }
}

/// Something that is remembered for some hours, in the same write as the
/// entries it is about. It is not evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, in hours since 1970: by it notes are forgotten together.
    pub hour: u64,
    pub key: [u8; 32],
    pub value: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    pub seq: Seq,
    pub hash: Hash,
    pub record: Vec<u8>,
}

/// A sealed epoch to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEpoch {
    pub number: EpochNumber,
    /// Its last entry, which is in the store or in the same batch.
    pub last_seq: Seq,
    pub header: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileKey {
    pub epoch: EpochNumber,
    pub tile: TileId,
}

/// A line of the index: entry `seq` has `term`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Posting {
    pub term: TermKey,
    pub seq: Seq,
}
