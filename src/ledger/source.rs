//! What verification reads: a stream of events, whatever it comes from.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use thiserror::Error;

use super::entry::Entry;
use super::epoch::SignedEpoch;
use super::fault::{Fault, Format, NotChecked, WarningCode};
use super::hash::Hash;
use super::head::SignedHead;
use super::index::omitted::Omitted;
use super::index::proof::TermProof;
use super::index::term::Placed;
use super::json::Value;
use super::key::PublicKey;
use super::position::Seq;
use super::redact::opened::Opened;
use super::spill::{Spill, SpillError};
use super::version::Unsupported;

/// What a source says of itself before its first event. None of it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub format: Format,
    pub log: Option<PublicKey>,
    /// The hash it names as that of entry 0.
    pub genesis: Option<Hash>,
    pub first_seq: Seq,
    /// The number of its last entry, where it says.
    pub last_seq: Option<Seq>,
    /// Whether entries follow each other without gaps (all but selections).
    pub contiguous: bool,
    pub not_checked: Vec<NotChecked>,
}

impl Subject {
    /// Whether the source promises to hold entry `seq`, if the log does: all
    /// for a ledger and a logbook, what it says for a range, none for a
    /// selection, whose entries are some.
    pub fn covers(&self, seq: Seq) -> bool {
        match self.format {
            Format::Ledger | Format::Logbook => true,
            Format::Bundle
            | Format::Proof
            | Format::Equivocation
            | Format::Report
            | Format::Parquet
            | Format::TlogProof
            | Format::TlogTiles => {
                self.contiguous
                    && self.first_seq <= seq
                    && self.last_seq.is_some_and(|last| seq <= last)
            }
        }
    }
}

/// The bytes of an entry, as its source spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    LogbookLine(Vec<u8>),
    /// A record of a store, under its sequence number.
    Record(Seq, Vec<u8>),
    /// A canonical line of a bundle: `{"entry":{…}}`, or `{"entry":{…},"path":[…]}`.
    BundleLine(Vec<u8>),
    /// A canonical line of a bundle with a document that its entries refer to:
    /// `{"document":{…}}`.
    DocumentLine(Vec<u8>),
    /// A canonical line of a bundle with the log's entry 0: `{"opening":{…}}`.
    OpeningLine(Vec<u8>),
    /// An entry that was read already, its number where the format has them, and its path
    /// where one came with it.
    Read(Option<Seq>, Box<Entry>, Option<Vec<Hash>>),
    /// A line that could not be read to its end.
    TooLong {
        /// How many bytes it has.
        bytes: u64,
    },
}

impl Raw {
    pub fn weight(&self) -> usize {
        match self {
            Raw::LogbookLine(bytes)
            | Raw::BundleLine(bytes)
            | Raw::DocumentLine(bytes)
            | Raw::OpeningLine(bytes)
            | Raw::Record(_, bytes) => bytes.len(),
            Raw::Read(_, entry, _) => entry.record().len(),
            Raw::TooLong { .. } => 0,
        }
    }
}

/// The next thing that a source holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Entry(Raw, Option<u64>),
    /// The log's entry 0, which stands beside the entries of what is taken out of
    /// it, and its line.
    Opening(Raw, Option<u64>),
    /// A document that stands beside the entries of a bundle, before them all,
    /// and its line.
    Document(Raw, Option<u64>),
    /// An epoch header. The entries up to its last follow.
    Epoch(Box<SignedEpoch>, Option<u64>),
    /// The complete subtrees of the current epoch before the entries that
    /// follow.
    Before(Vec<Hash>, Option<u64>),
    /// The complete subtrees of the current epoch after the entries so far.
    After(Vec<Hash>, Option<u64>),
    /// What the index of the log says of the term that all entries of a selection
    /// have.
    Term(Box<TermProof>, Option<u64>),
    /// An entry that has the term, and that the rest of the filter leaves out.
    Omitted(Omitted),
    /// Where hidden terms of the index stand, before the first entries that have
    /// them.
    Placed(Vec<Placed>),
    Head(Box<SignedHead>, Option<u64>),
    /// What opens a redacted member of the entry before.
    Opened(Box<Opened>, Option<u64>),
    Fault(Fault),
    /// The closing record of a bundle, in that line, which nobody signed.
    Unsigned(u64),
    /// The selection that a bundle answers, as its signed closing record says;
    /// `null` for a range.
    Answers(Value),
    /// Something to know that is not a fault.
    Warning(WarningCode, String),
    /// The entry before has no newline: the file may have been cut there.
    Unended {
        /// Whether it breaks off in the middle of a document besides.
        midway: bool,
    },
    Offset(Offset),
}

/// A place in a file between two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Bytes before it.
    pub bytes: u64,
    /// The hash of those bytes.
    pub hash: Hash,
    /// Lines before it.
    pub lines: u64,
}

impl Event {
    pub fn is_signed(&self) -> bool {
        matches!(
            self,
            Event::Entry(..)
                | Event::Document(..)
                | Event::Opening(..)
                | Event::Epoch(..)
                | Event::Head(..)
                | Event::Term(..)
        )
    }
}

/// Why a source could not be read on. This is not a verdict: nothing is known of
/// what was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("could not be read: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    #[error(transparent)]
    Spill(#[from] SpillError),
}

/// A stream of events in the order of the log.
pub trait Source: Send {
    fn subject(&self) -> Subject;

    /// The commitments of what is known to have been erased.
    fn erased(&self) -> BTreeSet<Hash> {
        BTreeSet::new()
    }

    /// Where what a verification cannot hold in memory may lie: files of this machine, if
    /// there are any for it.
    fn spill(&self) -> Option<Arc<dyn Spill>> {
        None
    }

    /// Adds the next events to `batch`, about [`BATCH_ENTRIES`] or
    /// [`BATCH_BYTES`] of them. Adding none ends the stream.
    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError>;
}

/// Entries that a batch holds at most.
pub const BATCH_ENTRIES: usize = 4_096;

/// Entries of the first batch of a file: so few that it is not long until they
/// are judged while the rest is read.
pub(crate) const FIRST_ENTRIES: usize = 256;

pub(crate) const DOES_NOT_DECOMPRESS: &str = "the compressed file ends or is damaged here";

/// Bytes from which on a batch is full.
pub const BATCH_BYTES: usize = 4 << 20;
