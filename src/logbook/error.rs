//! Why a ledger could not be opened or written.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::ledger::entry::EntryError;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::redact::RedactError;
use crate::ledger::time::Timestamp;
use crate::store::StoreError;
use crate::store::query::QueryError;
use crate::store::terms::TermsError;
use crate::store::tree::TreeError;

use super::mark::MarkFault;

/// Why an entry was not recorded or an epoch not sealed.
#[derive(Clone, Debug, Error)]
pub enum LogbookError {
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("kind: `{prefix}` is reserved")]
    ReservedKind { prefix: &'static str },
    #[error(transparent)]
    Sign(Arc<SignError>),
    /// The write failed. Whether these entries are on the disk is not known;
    /// nothing more is written before the ledger is reopened, unless there was no
    /// room: then it goes on when there is some, without them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index of an epoch could not be made: rows of it are damaged. The epoch is
    /// not sealed, and nothing more is written before the ledger is reopened.
    #[error(transparent)]
    Terms(TermsError),
    /// The high-water mark could not be moved. Whether the entries of the same
    /// call are on the disk is not known; nothing more is written before the
    /// ledger is reopened.
    #[error("the high-water mark could not be written: {0}")]
    Mark(Arc<io::Error>),
    #[error("more entries are waiting to be written than may wait")]
    Busy,
    /// Members of the payload cannot be redactable.
    #[error(transparent)]
    Redact(#[from] RedactError),
    /// The store cannot erase what opens redactable members.
    #[error(
        "the bucket does not say which older versions it keeps: a log in it has no redactable members"
    )]
    NoOpenings,
    #[error("the book is closed: another one continues it")]
    Closed,
    #[error(transparent)]
    Clocks(#[from] ClocksParted),
    #[error("the ledger takes no more entries until it is reopened")]
    Stopped,
    /// Another writer has the log, which is only followed here.
    #[error("this server stands by: another one writes the log")]
    StandingBy,
    /// A server holds the ledger, and did not record it.
    #[error(transparent)]
    Server(#[from] ServerRefusal),
}

/// What a server that holds a ledger said instead of an answer, or what kept it
/// from answering.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct ServerRefusal {
    /// The word for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl From<TermsError> for LogbookError {
    fn from(error: TermsError) -> Self {
        match error {
            TermsError::Store(error) => LogbookError::Store(error),
            error => LogbookError::Terms(error),
        }
    }
}

impl From<SignError> for LogbookError {
    fn from(error: SignError) -> Self {
        LogbookError::Sign(Arc::new(error))
    }
}

/// Within one boot, the wall clock went another way than the clock that nobody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the clock says {wall}; by the time since the machine was started it is {expected}")]
pub struct ClocksParted {
    pub wall: Timestamp,
    pub expected: Timestamp,
}

/// Why a ledger was not opened for writing.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the ledger has no first entry: its creation was interrupted")]
    Unfinished,
    #[error("the key {given} is not this ledger's, which is {log}")]
    OtherKey { log: PublicKey, given: PublicKey },
    #[error("entry {seq}: {error}")]
    Entry { seq: Seq, error: EntryError },
    #[error("entry 0 does not open a ledger")]
    NotALedger,
    #[error("the header of epoch {epoch} is damaged")]
    Epoch { epoch: EpochNumber },
    #[error("entry {seq} is missing")]
    EntryMissing { seq: Seq },
    #[error("the hash index leads to entry {seq}, which has another hash")]
    IndexWrong { seq: Seq },
    #[error("the tree of the open epoch: {0}")]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Mark(#[from] MarkFault),
    #[error("the high-water mark could not be read: {0}")]
    MarkIo(#[from] io::Error),
    #[error("the high-water mark is in order: there is nothing to accept")]
    NothingToAccept,
    #[error(transparent)]
    Clocks(#[from] ClocksParted),
    #[error(transparent)]
    Append(#[from] LogbookError),
}

impl From<QueryError> for OpenError {
    fn from(error: QueryError) -> OpenError {
        match error {
            QueryError::Store(error) => OpenError::Store(error),
            QueryError::Gap { seq } => OpenError::EntryMissing { seq },
            QueryError::Entry { seq, error } => OpenError::Entry { seq, error },
        }
    }
}
