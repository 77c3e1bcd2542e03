//! Why a ledger could not be opened or written.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::ledger::entry::EntryError;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::time::Timestamp;
use crate::store::StoreError;
use crate::store::tree::TreeError;

use super::mark::MarkFault;

/// Why an entry was not recorded or an epoch not sealed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LogbookError {
    /// The entry cannot be one.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The kind begins with a prefix that only the recording layer writes.
    #[error("kind: `{prefix}` is reserved")]
    ReservedKind {
        /// The prefix.
        prefix: &'static str,
    },
    /// The signer did not sign; nothing was written.
    #[error(transparent)]
    Sign(Arc<SignError>),
    /// The write failed. Whether these entries are on the disk is not known;
    /// nothing more is written before the ledger is reopened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The high-water mark could not be moved. Whether the entries of the same
    /// call are on the disk is not known; nothing more is written before the
    /// ledger is reopened.
    #[error("the high-water mark could not be written: {0}")]
    Mark(Arc<io::Error>),
    /// More waits to be written than may wait; later there is room again.
    #[error("more entries are waiting to be written than may wait")]
    Busy,
    /// The book's last entry closes it.
    #[error("the book is closed: another one continues it")]
    Closed,
    /// The clocks of the machine parted. Nothing was written.
    #[error(transparent)]
    Clocks(#[from] ClocksParted),
    /// An earlier write failed, or the writer has been closed.
    #[error("the ledger takes no more entries until it is reopened")]
    Stopped,
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
    /// What the wall clock says.
    pub wall: Timestamp,
    /// What it should say.
    pub expected: Timestamp,
}

/// Why a ledger was not opened for writing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store could not be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a store, but no entry 0: making the ledger was interrupted.
    #[error("the ledger has no first entry: its creation was interrupted")]
    Unfinished,
    /// The private key is not the ledger's.
    #[error("the key {given} is not this ledger's, which is {log}")]
    OtherKey {
        /// The ledger's.
        log: PublicKey,
        /// The one given.
        given: PublicKey,
    },
    /// A stored entry cannot be read.
    #[error("entry {seq}: {error}")]
    Entry {
        /// Which.
        seq: Seq,
        /// What is wrong.
        error: EntryError,
    },
    /// Entry 0 does not open a ledger.
    #[error("entry 0 does not open a ledger")]
    NotALedger,
    /// A stored epoch header cannot be read, or does not fit the entries.
    #[error("the header of epoch {epoch} is damaged")]
    Epoch {
        /// Which.
        epoch: EpochNumber,
    },
    /// An entry that must be there is not.
    #[error("entry {seq} is missing")]
    EntryMissing {
        /// Which.
        seq: Seq,
    },
    /// The hash index leads to an entry of another hash.
    #[error("the hash index leads to entry {seq}, which has another hash")]
    IndexWrong {
        /// Where it leads.
        seq: Seq,
    },
    /// The stored tree nodes of the open epoch do not fit its entries.
    #[error("the tree of the open epoch: {0}")]
    Tree(#[from] TreeError),
    /// The high-water mark and the database do not belong together.
    #[error(transparent)]
    Mark(#[from] MarkFault),
    /// The high-water mark could not be read.
    #[error("the high-water mark could not be read: {0}")]
    MarkIo(#[from] io::Error),
    /// A rollback was to be accepted where there is none.
    #[error("the high-water mark is in order: there is nothing to accept")]
    NothingToAccept,
    /// The clocks of the machine parted.
    #[error(transparent)]
    Clocks(#[from] ClocksParted),
    /// The rollback could not be recorded.
    #[error(transparent)]
    Append(#[from] LogbookError),
}
