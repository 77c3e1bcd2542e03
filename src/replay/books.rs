//! Several books as one custody: of each up to where it is complete, and whether it
//! continues the one before.

use std::fmt;

use serde::Serialize;

use crate::ledger::fault::Complete;
use crate::ledger::key::PublicKey;
use crate::ledger::position::{EpochNumber, Seq};

/// What is known of one of several books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookReach {
    /// Its number in the timeline; none if nothing of it is there.
    pub book: Option<u64>,
    /// Its key.
    pub log: Option<PublicKey>,
    /// Entries of it that were read.
    pub entries: u64,
    /// Up to where its signed index says that these are all.
    pub complete: Option<CompleteTo>,
    /// Why the index says it of nothing.
    pub not_complete: Option<NotComplete>,
    /// Whether the book before ends with this one's key, and this one names that end; none
    /// for the first book.
    pub continues: Option<bool>,
}

/// Up to where a book is complete by its signed index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompleteTo {
    /// The last epoch that the index covers, and its last entry.
    pub epoch: u64,
    pub seq: u64,
    /// The first epoch that it covers, if that is not the first of the log.
    pub since: Option<u64>,
    /// Of which entries a selection has all; none of a whole ledger, whose index was
    /// computed again.
    pub of: Option<SelectionOf>,
}

/// What all entries of a selection have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SelectionOf {
    pub field: &'static str,
    pub value: String,
    pub entries: u64,
}

/// Why no index says that a book is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotComplete {
    /// The log has none.
    NoIndex,
    /// No epoch is sealed that it covers.
    NotSealed,
    /// No answer of an index is with what was given out of the book.
    NotShown,
    /// Nothing is there of the book but proofs of its first or last entry.
    OnlyProofs,
    /// The book does not verify.
    Fault,
}

impl CompleteTo {
    /// Of a ledger whose index was computed again, and is the one that it signed.
    #[must_use]
    pub fn whole(since: EpochNumber, epoch: EpochNumber, seq: Seq) -> CompleteTo {
        CompleteTo {
            epoch: epoch.0,
            seq: seq.0,
            since: (since > EpochNumber::FIRST).then_some(since.0),
            of: None,
        }
    }

    /// Of a selection that a bundle carries.
    #[must_use]
    pub fn selection(complete: &Complete) -> CompleteTo {
        CompleteTo {
            epoch: complete.epoch,
            seq: complete.seq,
            since: complete.since,
            of: Some(SelectionOf {
                field: complete.field.name(),
                value: complete.value.clone(),
                entries: complete.entries,
            }),
        }
    }
}

impl fmt::Display for BookReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.book, self.log) {
            (Some(number), _) => write!(f, "book {number}: ")?,
            (None, Some(log)) => write!(f, "the book of {log}: ")?,
            (None, None) => f.write_str("a book: ")?,
        }
        match (&self.complete, self.not_complete) {
            (Some(complete), _) => write!(f, "{complete}"),
            (None, Some(why)) => write!(f, "{why}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for CompleteTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("complete by the log's signed index ")?;
        if let Some(since) = self.since {
            write!(f, "from epoch {since} ")?;
        }
        write!(f, "up to entry {} (epoch {})", self.seq, self.epoch)?;
        match &self.of {
            Some(SelectionOf {
                field,
                value,
                entries,
            }) => write!(
                f,
                ": {entries} entries with {field} \"{value}\", and no others"
            ),
            None => Ok(()),
        }
    }
}

impl fmt::Display for NotComplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotComplete::NoIndex => {
                "its log has no index: that none is missing rests on the chain of its entries alone"
            }
            NotComplete::NotSealed => "nothing is sealed yet that its index covers",
            NotComplete::NotShown => {
                "nothing here shows that these are all: no answer of a signed index is with them"
            }
            NotComplete::OnlyProofs => {
                "only proofs of it are here: nothing shows that it has nothing of this"
            }
            NotComplete::Fault => "it does not verify, and nothing is said of what is missing",
        })
    }
}
