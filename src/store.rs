//! The storage seam: bytes in, bytes out.
//!
//! A [`Store`] keeps what the writer hands it and gives it back. It knows
//! positions, hashes and tiles as keys; it judges no signature, builds no tree
//! and reads no clock. Two stores pass the same contract test: [`MemoryStore`]
//! and `RocksStore`, and only the second one's files know RocksDB.
//!
//! # What is kept
//! ```text
//! entries     seq                      record: signing payload ‖ signature
//! hashes      entry hash               seq
//! epochs      epoch number             the signed header, canonical JSON
//! epoch ends  last seq of an epoch     epoch number
//! tiles       epoch, level, index      up to 16 node hashes (see ledger::tile); the trees
//!                                      of the signed index (see terms)
//! meta        name                     whatever the name says
//!             note, hour, key          what is remembered for some hours
//!             open, seq, commitment    what opens a redacted member of an entry
//!             erasing                  between which entries openings were erased that
//!                                      may be in files still
//! index       term, first seq          the distances to the seqs that follow
//! ```
//!
//! # The order of a commit
//! 1. The batch is checked against the tail: entries and epochs are appended
//!    one after the other and never overwritten.
//! 2. Everything in the batch becomes one write, visible together or not at
//!    all.
//! 3. The write is synced. **This is the commit point**: before it a crash
//!    loses the whole batch, after it none of it.
//! 4. The tail moves, and [`Store::commit`] answers.
//!
//! A commit that failed may or may not have reached the disk. Nobody can know
//! before the log is read again, so the store refuses every later commit with
//! [`StoreError::Stopped`] until it is reopened.
//!
//! # The index is derived
//! Entries, hashes, epochs and tiles are the ledger. The index only speeds up
//! [`query`]: it is built behind the commits by [`indexer`], may be lost or
//! lag, and says by [`Store::indexed_to`] how far it reaches. Queries scan what
//! lies beyond, and re-check what it finds against the entries themselves. It
//! is never evidence.

#[cfg(not(feature = "rocks"))]
mod absent;
#[cfg_attr(
    not(feature = "rocks"),
    allow(dead_code, reason = "only a store on disk is pruned")
)]
pub mod archived;
mod batch;
mod error;
pub mod facts;
pub mod indexer;
mod listing;
mod memory;
pub mod query;
pub mod readers;
#[cfg(feature = "rocks")]
mod rocks;
pub mod spill;
pub mod stats;
mod tail;
pub mod term;
pub mod terms;
pub mod tree;

use std::ops::Range;

use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};

#[cfg(not(feature = "rocks"))]
pub use absent::RocksStore;
pub use archived::{Archive, Pruned, Records};
pub use batch::{Batch, BatchLimit, NewEntry, NewEpoch, Note, OpeningKey, Posting, TileKey};
pub use error::{Corruption, EngineError, StoreError};
pub use memory::MemoryStore;
#[cfg(feature = "rocks")]
pub use rocks::{RocksStore, Scrubbed, Scrubbing};
use term::TermKey;

/// The format of the ledger on disk that this program reads and writes.
pub const FORMAT: &str = "1";

/// A row of imported evidence: its key and value.
pub type ImportedRow = (Vec<u8>, Vec<u8>);

/// Rows in key order, read as they are asked for.
pub type Rows<'s, K> = Box<dyn Iterator<Item = Result<(K, Vec<u8>), StoreError>> + Send + 's>;

/// Where a ledger's bytes live. See the [module](self) for what must hold.
pub trait Store: Send + Sync {
    /// Writes the batch, all of it or nothing, and syncs it. When this is
    /// `Ok`, a power cut loses none of it.
    ///
    /// # Errors
    /// [`StoreError::EntryNotNext`] and [`StoreError::EpochNotNext`] leave the
    /// store as it was. So does one that [is for want of room](StoreError::is_full), as
    /// long as the process lives: after a crash the batch may be there. After any other
    /// error it is [`StoreError::Stopped`].
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// Leaves as little as possible to be replayed at the next opening. What
    /// was committed is safe without it.
    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// That there is room for so many bytes more. Asked before anything is written, for
    /// after a write that failed for want of room nothing more is taken.
    fn check_room(&self, _bytes: usize) -> Result<(), StoreError> {
        Ok(())
    }

    /// How much is best committed together.
    fn batch_limit(&self) -> BatchLimit {
        BatchLimit::default()
    }

    /// What of it lies in memory now.
    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }

    /// Reads everything beside the entries once, for damage that no reader of
    /// entries would meet: what is derived from them is not evidence, but a
    /// store that lost a part of it is not whole.
    fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Reads on through everything that is stored, for damage: some `bytes` from where
    /// the call before stopped, which may have been an earlier process's, so that in the
    /// end all of it was read. Whether it came past the end, and begins again.
    fn scrub_on(&self, _bytes: u64) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// How far it was pruned: entries before that are read from an archive.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    fn pruned(&self) -> Result<Option<Pruned>, StoreError> {
        Ok(None)
    }

    /// Lets entries go that are archived, all before `to.seq` but those in `to.kept`: all of
    /// them, or none. The last sealed epoch stays. Anyone who calls it knows that they are
    /// there.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] of a store that cannot be pruned.
    fn prune(&self, _to: &Pruned) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    /// Gives the room of what was pruned back to the disk. Takes long where much went.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn make_room(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The record of entry `seq`: signing payload, then signature.
    fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError>;

    /// The records of `seqs`, in that order, read together.
    fn entries_of(&self, seqs: &[Seq]) -> Vec<Result<Option<Vec<u8>>, StoreError>> {
        seqs.iter().map(|seq| self.entry(*seq)).collect()
    }

    /// The records in `range`, ascending: what is there. A gap is the caller's
    /// to notice.
    fn entries(&self, range: Range<u64>) -> Rows<'_, Seq>;

    /// The records in `range`, descending.
    fn entries_rev(&self, range: Range<u64>) -> Rows<'_, Seq>;

    fn last_seq(&self) -> Result<Option<Seq>, StoreError>;

    /// How many entries there are, which is the number of the next one.
    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.last_seq()?.map_or(0, |last| last.0.saturating_add(1)))
    }

    fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, StoreError>;

    /// The signed header of epoch `number`, canonical JSON.
    fn epoch(&self, number: EpochNumber) -> Result<Option<Vec<u8>>, StoreError>;

    /// The signed headers from epoch `from` on, ascending.
    fn epochs(&self, from: EpochNumber) -> Rows<'_, EpochNumber>;

    fn last_epoch(&self) -> Result<Option<EpochNumber>, StoreError>;

    /// The epoch that sealed entry `seq`; `None` if none did yet. One seek,
    /// however many epochs there are.
    fn epoch_of(&self, seq: Seq) -> Result<Option<EpochNumber>, StoreError>;

    /// The tiles of `keys`, in that order, read together.
    fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// What was last committed under the name `key`.
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The note that was committed for `hour` under `key` and is not forgotten.
    fn note(&self, hour: u64, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The openings that are kept of the entries in `range`, by entry.
    fn openings(&self, _range: Range<u64>) -> Rows<'_, OpeningKey> {
        Box::new(std::iter::empty())
    }

    /// Whether openings can be kept, and erased.
    fn keeps_openings(&self) -> bool {
        true
    }

    /// That nothing keeps these openings from being erased.
    ///
    /// # Errors
    /// [`StoreError::ObjectLocked`], [`StoreError::VersionsUnknown`].
    fn check_erasable(&self, _erased: &[OpeningKey]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes what was erased out of every file, if anything was; after a crash the next
    /// opening for writing does it.
    fn purge(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Keeps rows of imported evidence, synced, all or none. A row that is there
    /// is replaced.
    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError>;

    /// The value of a row of imported evidence.
    fn imported(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The rows of imported evidence with keys in `range`.
    fn imported_rows(&self, range: Range<Vec<u8>>, order: ReadOrder) -> Rows<'_, Vec<u8>>;

    /// Adds postings and moves the index's mark to `indexed_to`, together and
    /// **not** synced: a crash may lose them, mark and all, and no commit
    /// waits for them. The index only grows at its end: postings of entries
    /// below the mark are there already and are passed over.
    fn index(&self, postings: &[Posting], indexed_to: u64) -> Result<(), StoreError>;

    /// The postings of every entry below this number are in the index.
    fn indexed_to(&self) -> Result<u64, StoreError>;

    /// Which version of the index this is: what it has terms of
    /// ([`query::select`]). One that an earlier program made is made again by the next
    /// writer.
    fn index_version(&self) -> u64 {
        u64::MAX
    }

    /// The postings of `term`, to be sought through in `order`.
    fn postings(
        &self,
        term: &TermKey,
        order: ReadOrder,
    ) -> Result<Box<dyn Postings + '_>, StoreError>;
}

/// Memory that a store takes, in bytes. None of it grows with the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Blocks kept for readers. They fill up to a bound, and stay there.
    pub cached: u64,
    /// Rows that are in the log but not in tables yet.
    pub unwritten: u64,
    pub tables: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOrder {
    /// From the oldest entry to the newest.
    Ascending,
    /// From the newest entry to the oldest.
    Descending,
}

impl ReadOrder {
    /// Whether `a` comes before `b`, going this way.
    pub fn precedes(self, a: Seq, b: Seq) -> bool {
        match self {
            ReadOrder::Ascending => a < b,
            ReadOrder::Descending => a > b,
        }
    }

    /// The position after `seq`, going this way.
    pub const fn step(self, seq: Seq) -> Option<Seq> {
        match self {
            ReadOrder::Ascending => seq.next(),
            ReadOrder::Descending => seq.before(),
        }
    }
}

/// The entries of a term, to be sought through in one direction.
pub trait Postings: Send {
    /// The first posting at `at` or beyond it. Each call must ask for a
    /// position beyond the answer to the call before.
    fn seek(&mut self, at: Seq) -> Result<Option<Seq>, StoreError>;
}
