//! In what two statements of one key contradict each other.

use std::fmt;

use crate::ledger::hash::Hash;
use crate::ledger::index::term::Term;
use crate::ledger::opening::Predecessor;
use crate::ledger::position::{EpochNumber, Seq};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    Entries {
        /// The hash of the entry before both.
        after: Hash,
    },
    Openings {
        predecessor: Predecessor,
    },
    Epochs {
        /// The log's entry 0.
        genesis: Hash,
        epoch: EpochNumber,
    },
    Heads {
        /// The log's entry 0.
        genesis: Hash,
        seq: Seq,
    },
    /// Two roots of one size.
    Checkpoints {
        origin: String,
        size: u64,
    },
    /// The older is not of the first entries of the newer.
    Growth {
        origin: String,
        from: u64,
        to: u64,
    },
    /// The index denies an entry.
    Index {
        /// The log's entry 0.
        genesis: Hash,
        seq: Seq,
        term: Term,
        /// The epoch of the header that the index stands under.
        epoch: EpochNumber,
        /// It has the term and is not counted; else it is counted and has it not.
        left_out: bool,
    },
}

/// The kind of a proof that has an entry, and the index that denies it.
pub(super) const OF_INDEX: &str = "index";

impl Contradiction {
    pub const fn name(&self) -> &'static str {
        match self {
            Contradiction::Entries { .. } => "entries",
            Contradiction::Openings { .. } => "openings",
            Contradiction::Epochs { .. } => "epochs",
            Contradiction::Heads { .. } => "heads",
            Contradiction::Checkpoints { .. } => "checkpoints",
            Contradiction::Growth { .. } => "growth",
            Contradiction::Index { .. } => OF_INDEX,
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contradiction::Entries { after } => {
                write!(f, "two different entries after the entry {after}")
            }
            Contradiction::Openings { predecessor } => write!(
                f,
                "two books that continue the book of {} after its entry {}",
                predecessor.log, predecessor.seq
            ),
            Contradiction::Epochs { genesis, epoch } => {
                write!(f, "two different epochs {epoch} of the log {genesis}")
            }
            Contradiction::Heads { genesis, seq } => {
                write!(f, "two different entries {seq} of the log {genesis}")
            }
            Contradiction::Checkpoints { origin, size } => {
                write!(
                    f,
                    "two checkpoints of {size} entries of {origin} with two roots"
                )
            }
            Contradiction::Growth { origin, from, to } => write!(
                f,
                "checkpoints of {from} and of {to} entries of {origin}, the newer of which does \
                 not begin with the older"
            ),
            Contradiction::Index {
                seq,
                term,
                epoch,
                left_out,
                ..
            } => {
                let how = match left_out {
                    true => "has it and is left out",
                    false => "is counted and does not have it",
                };
                write!(
                    f,
                    "an index under the header of epoch {epoch} that is not that of its \
                     entries: of {term}, entry {seq} {how}"
                )
            }
        }
    }
}
