//! Why a store did not do what it was asked.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::position::{EpochNumber, Seq};

/// What the engine or the operating system said. Shared, so that everyone
/// who waits for one commit can be told.
pub type EngineError = Arc<dyn Error + Send + Sync>;

/// Why a store could not be made, opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no ledger in {}", dir.display())]
    Missing { dir: PathBuf },
    #[error("{} is a ledger, and this program reads files only", dir.display())]
    Absent { dir: PathBuf },
    #[error("{} exists already", dir.display())]
    Exists { dir: PathBuf },
    #[error("{} is not a directory", dir.display())]
    NotADirectory { dir: PathBuf },
    #[error("this user may not use the ledger in {}", dir.display())]
    NotPermitted { dir: PathBuf },
    #[error("the ledger in {} is held by another process", dir.display())]
    Locked { dir: PathBuf },
    #[error("the ledger in {} was moved or replaced while it was open", dir.display())]
    Moved { dir: PathBuf },
    /// It is a copy of a ledger that is still where it was. If both were written, the
    /// log would have two histories.
    #[error("the ledger in {} is a copy of that in {}, which is still there", dir.display(), original.display())]
    Copy { dir: PathBuf, original: PathBuf },
    #[error("the original in {} has an entry {last} that the copy has not", original.display())]
    OriginalAhead { original: PathBuf, last: Seq },
    #[error("the ledger in {} changes faster than it can be read", dir.display())]
    Restless { dir: PathBuf },
    #[error(
        "the ledger has format \"{found}\", this program knows \"{}\"",
        super::FORMAT
    )]
    UnknownFormat { found: String },
    #[error("the store is corrupt: {what}")]
    Corrupt {
        what: Corruption,
        source: Option<EngineError>,
    },
    #[error("No space left on device: {free} bytes are free, and {needed} may be needed")]
    NoRoom { free: u64, needed: u64 },
    #[error("the store failed: {source}")]
    Io {
        kind: io::ErrorKind,
        source: EngineError,
    },
    #[error("entry {found} cannot be committed where entry {expected} comes next")]
    EntryNotNext { expected: u64, found: Seq },
    #[error(
        "epoch {found} up to entry {last_seq} cannot be committed where epoch {expected} comes next"
    )]
    EpochNotNext {
        expected: u64,
        found: EpochNumber,
        last_seq: Seq,
    },
    /// The erasure is recorded, and its rows are gone for readers: the file may hold them.
    #[error(
        "{} may still hold what was erased, and could not be removed: it is tried again when the ledger is opened for writing",
        file.display()
    )]
    NotErased { file: PathBuf },
    /// Nothing was erased.
    #[error("{object} is under an object lock: nothing was erased")]
    ObjectLocked {
        /// What has it in the bucket.
        object: String,
    },
    /// Nothing was erased.
    #[error("{object} may be kept in older versions, which are not to be had: nothing was erased")]
    VersionsUnknown {
        /// What has it in the bucket.
        object: String,
    },
    #[error("an earlier write failed; the ledger must be reopened before more is written")]
    Stopped,
    /// Another writer took the log over. Nothing of this write is in it.
    #[error("another writer took the log over, at {place}")]
    Fenced {
        /// The place of the object that was met.
        place: String,
    },
    /// The durable record could not be written, or it is not known whether it was.
    #[error("the bucket failed: {source}")]
    Record {
        /// What it answered.
        source: EngineError,
    },
    /// What an archive has of a sealed epoch is not what was sealed.
    #[error("epoch {epoch} was pruned here, and is damaged in the bucket: {detail}")]
    Archived {
        /// Which.
        epoch: EpochNumber,
        /// What is wrong with it.
        detail: String,
    },
    /// More than one write can hold. Nothing was written.
    #[error("{bytes} bytes are more than the {limit} that are written together")]
    TooMuch {
        /// How many bytes there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    #[error("the ledger is open for reading only")]
    ReadOnly,
    #[error("the ledger is not held against writers: its files cannot be copied")]
    NotHeld,
}

/// What is wrong with bytes that were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    #[error("a database file is damaged or missing")]
    Engine,
    #[error("the write-ahead log is missing")]
    NoWriteAheadLog,
    #[error("{file} is longer than the {most} bytes that any has")]
    TooLong { file: &'static str, most: u64 },
    #[error("the format version is missing")]
    NoFormat,
    #[error("the column families are not those of the format")]
    ColumnFamilies,
    #[error("a row of {table} has the wrong shape")]
    Row { table: &'static str },
    #[error("epoch {epoch} is sealed, but its last entry {last_seq} is missing")]
    EpochBeyondEntries { epoch: EpochNumber, last_seq: Seq },
}

impl StoreError {
    /// Whether there is no room on the disk.
    pub fn is_full(&self) -> bool {
        match self {
            StoreError::NoRoom { .. } => true,
            StoreError::Io { kind, .. } => *kind == io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    /// Bytes that this program itself found wrong.
    pub(crate) const fn corrupt(what: Corruption) -> StoreError {
        StoreError::Corrupt { what, source: None }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        StoreError::Io {
            kind: error.kind(),
            source: Arc::new(error),
        }
    }
}
