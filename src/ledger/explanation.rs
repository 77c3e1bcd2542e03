//! Where trust ends: what a broken book still proves, what was done to it, and
//! from where on it is whole again.

use serde::Serialize;

use super::fault::FaultClass;
use super::hash::Hash;
use super::key::PublicKey;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the entries are to follow each other. Those of a selection stand
    /// apart, each proven by itself; then the prefix says only where the first
    /// of them stands that cannot be trusted.
    pub chained: bool,
    pub trusted: Prefix,
    pub incidents: Vec<Incident>,
    pub cut: bool,
}

/// The entries from the first on that are whole and undisputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Prefix {
    pub entries: u64,
    /// The hash of the last of them; zeros if there is none.
    pub head: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Incident {
    pub class: FaultClass,
    /// What it may have been as well: the file alone does not tell them apart.
    pub or: Vec<FaultClass>,
    /// The first entry that it concerns, as faults are numbered; `None` if it
    /// concerns the end of the book.
    pub index: Option<u64>,
    pub line: Option<u64>,
    /// How many entries of the file it concerns; `None` where nobody can know,
    /// because they are missing.
    pub entries: Option<u64>,
    pub evidence: Evidence,
    /// From where on the book is whole again; `None` if it is not.
    pub whole_again: Option<WholeAgain>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Evidence {
    /// The next entry names another hash than these bytes have: they are not
    /// what stood there.
    ContentReplaced {
        original: Hash,
    },
    /// The next entry names exactly these bytes: only the signature is not the
    /// key's.
    SignatureReplaced,
    /// The signature is another key's, which the caller knows.
    SignedBy {
        key: PublicKey,
    },
    NothingFollows,
    /// The entries around it follow each other without it.
    ChainClosesWithout,
    /// An entry names one before it that is nowhere in the file.
    OneBeforeMissing {
        missing: Hash,
    },
    /// An entry names one before it that stands elsewhere in the file.
    OneBeforeElsewhere {
        /// Where, counted from 0.
        at: u64,
    },
    SameEntryElsewhere {
        /// Where, counted from 0.
        at: u64,
    },
    /// The key signed two different entries after one.
    TwoAfterOne {
        /// Where the one stands, counted from 0.
        at: u64,
    },
    AnotherBeginning,
    LineBreaksOff,
    /// What the book must hold, by a head, seal or receipt, is not there.
    EndMissing,
    /// What the book must hold, by a head, seal or receipt, is another entry.
    OtherEntry,
}

/// From where on entries follow each other again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WholeAgain {
    pub index: u64,
    pub line: Option<u64>,
    pub tie: Tie,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Tie {
    /// It names an entry that is here, counted from 0.
    Entry { at: u64 },
    /// It names an entry that is not here: with that one the gap can be
    /// closed. Until then only the key ties it to this book.
    MissingEntry { hash: Hash },
    /// It names none before it; only the key ties it to this book.
    KeyAlone,
}
