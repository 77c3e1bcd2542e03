//! Why a bucket did not do what it was asked.

use std::sync::Arc;

use thiserror::Error;

use crate::ledger::hash::Hash;
use crate::ledger::key::SignError;
use crate::ledger::wal::{OBJECT_BYTES, WalError, WalPosition};
use crate::logbook::error::OpenError;
use crate::store::StoreError;

/// Why a log in a bucket could not be made, opened, written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BucketError {
    /// The URL is none that names a bucket.
    #[error("{url}: {problem}")]
    Url {
        /// As it was given.
        url: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The store refused, or could not be asked.
    #[error("{key}: {source}")]
    Store {
        /// What it was asked for.
        key: String,
        /// What it said.
        source: Arc<object_store::Error>,
    },
    /// There is no log below the URL.
    #[error("there is no log in {url}")]
    NoLog {
        /// The URL.
        url: String,
    },
    /// There are several, and none was named.
    #[error("{count} logs lie in {url}, one of them {one}")]
    SeveralLogs {
        /// The URL.
        url: String,
        /// How many.
        count: usize,
        /// The genesis of one.
        one: Hash,
    },
    /// An object is not what must be there.
    #[error("{place}: {error}")]
    Object {
        /// Where.
        place: WalPosition,
        /// What is wrong.
        error: WalError,
    },
    /// An object has more bytes than any that the log writes.
    #[error("{key}: larger than {OBJECT_BYTES} bytes")]
    TooLarge {
        /// The object.
        key: String,
    },
    /// An object does not go on from the entries before it.
    #[error("{place}: it does not go on from entry {last}")]
    NotNext {
        /// Where.
        place: WalPosition,
        /// The last entry before it.
        last: u64,
    },
    /// An object seals an epoch that its entries do not give.
    #[error("{place}: the header that it seals is not that of its entries")]
    Header {
        /// Where.
        place: WalPosition,
    },
    /// The index of the log begins, and the secret key that it needs is not there.
    #[error("{place}: the log's index begins here, and no object up to it has its secret key")]
    IndexKey {
        /// Where.
        place: WalPosition,
    },
    /// An object is missing, and others come after it.
    #[error("{place} is missing, and {beyond} is there")]
    Hole {
        /// What is missing.
        place: WalPosition,
        /// What comes after it.
        beyond: WalPosition,
    },
    /// The local copy was made from an object that the bucket does not have.
    #[error("{place} is missing: the bucket is an older copy than the ledger beside it")]
    OlderCopy {
        /// The object.
        place: WalPosition,
    },
    /// The local copy was made from another object.
    #[error("{place} is not what the ledger beside it was made from: it is another history")]
    OtherHistory {
        /// The object.
        place: WalPosition,
    },
    /// The store takes several objects for one key.
    #[error("the store created {key} {times} times: it cannot fence a writer")]
    NotExclusive {
        /// The key.
        key: String,
        /// How many of the writers were told that they created it.
        times: usize,
    },
    /// Something is held back from deletion that must be deletable.
    #[error("{key} is held by a retention: what is erased there would stay")]
    Retained {
        /// The object.
        key: String,
    },
    /// The log has fewer entries than a checkpoint of it that was kept.
    #[error("the log has {entries} entries, and the kept checkpoint holds {size}")]
    BehindCheckpoint {
        /// Entries that the bucket has.
        entries: u64,
        /// Those of the checkpoint.
        size: u64,
    },
    /// The log is not the one of a checkpoint that was kept.
    #[error("the first {size} entries are not those of the kept checkpoint")]
    OtherCheckpoint {
        /// Entries of the checkpoint.
        size: u64,
    },
    /// A kept checkpoint is not one that is believed.
    #[error("the kept checkpoint says nothing here: {reason}")]
    CheckpointUntrusted {
        /// Why.
        reason: String,
    },
    /// The bucket was not found to hold the condition that fencing stands on.
    #[error("{url} was not checked")]
    NotChecked {
        /// The bucket.
        url: String,
    },
    /// An object that was to be erased is held.
    #[error("{key} is under an object lock: nothing was erased")]
    Locked {
        /// The object.
        key: String,
    },
    /// Older versions of an object that was to be erased may be kept, and cannot be removed.
    #[error("{key} may be kept in older versions, which are not to be had: nothing was erased")]
    VersionsUnknown {
        /// The object.
        key: String,
    },
    /// An archived epoch is missing, or is not what was sealed.
    #[error("{key} is not the epoch that was sealed")]
    Archived {
        /// The object.
        key: String,
    },
    /// The checkpoint under which epochs were to go is not of the entries that are here.
    #[error("the cosigned checkpoint that the log keeps is not of its entries")]
    Checkpoint,
    /// A file on the way to the bucket could not be read.
    #[error("could not be read: {0}")]
    File(Arc<std::io::Error>),
    /// The signer does not give the same signature twice.
    #[error("the signer gives another signature each time: what it signs cannot be made again")]
    NotDeterministic,
    /// The signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The local ledger could not be read or written.
    #[error(transparent)]
    Local(#[from] StoreError),
    /// The local ledger could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The local ledger was not made in a bucket.
    #[error("the ledger's record is not in a bucket")]
    NotInBucket,
    /// The ledger's record is in a bucket that was not named.
    #[error("the ledger's record is in {url}, which was not named")]
    BucketNotNamed {
        /// Where.
        url: String,
    },
    /// Another writer took over while this one did.
    #[error("{place}: another writer took over")]
    Fenced {
        /// Where its object was met.
        place: WalPosition,
    },
    /// Whether an object was created cannot be found out.
    #[error("{place}: whether it was written cannot be found out")]
    Unknown {
        /// The place.
        place: WalPosition,
    },
    /// A machine without cache and mark has nothing to hold the bucket against.
    #[error("nothing here tells the bucket from an older copy of it")]
    HeadUnknown,
    /// The system gave no randomness.
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
    /// The threads that talk to the bucket could not be started.
    #[error("the bucket's threads: {0}")]
    Runtime(Arc<std::io::Error>),
}

impl BucketError {
    /// Whether the way to the bucket failed, and not what lies there.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            BucketError::Store { .. } | BucketError::Unknown { .. }
        )
    }
}
