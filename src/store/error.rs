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
#[non_exhaustive]
pub enum StoreError {
    /// There is no ledger here. Opening never makes one.
    #[error("there is no ledger in {}", dir.display())]
    Missing {
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// There is something here already. Creating never replaces it.
    #[error("{} exists already", dir.display())]
    Exists {
        /// Where a ledger was to be made.
        dir: PathBuf,
    },
    /// The path leads to something that is not a directory.
    #[error("{} is not a directory", dir.display())]
    NotADirectory {
        /// The path.
        dir: PathBuf,
    },
    /// Somebody holds the ledger: a writer, or, if this was to be one, anyone.
    #[error("the ledger in {} is held by another process", dir.display())]
    Locked {
        /// The ledger.
        dir: PathBuf,
    },
    /// The ledger's folder was moved, removed or replaced while it was open.
    #[error("the ledger in {} was moved or replaced while it was open", dir.display())]
    Moved {
        /// Where it was opened.
        dir: PathBuf,
    },
    /// It is a copy of a ledger that is still where it was. If both were written, the
    /// log would have two histories.
    #[error("the ledger in {} is a copy of that in {}, which is still there", dir.display(), original.display())]
    Copy {
        /// The copy.
        dir: PathBuf,
        /// Its original.
        original: PathBuf,
    },
    /// The original of a copy has an entry that the copy has not.
    #[error("the original in {} has an entry {last} that the copy has not", original.display())]
    OriginalAhead {
        /// The original.
        original: PathBuf,
        /// Its last entry.
        last: Seq,
    },
    /// Another process changes the ledger faster than it can be read.
    #[error("the ledger in {} changes faster than it can be read", dir.display())]
    Restless {
        /// The ledger.
        dir: PathBuf,
    },
    /// A ledger of a format that this program does not know.
    #[error(
        "the ledger has format {found:?}, this program knows {:?}",
        super::FORMAT
    )]
    UnknownFormat {
        /// What the ledger says of itself.
        found: String,
    },
    /// What is on the disk is not what was written.
    #[error("the store is corrupt: {what}")]
    Corrupt {
        /// What is wrong.
        what: Corruption,
        /// What the engine says of it, if it was the one to notice.
        source: Option<EngineError>,
    },
    /// There is too little room on the disk. Nothing was written, and nothing is lost.
    #[error("No space left on device: {free} bytes are free, and {needed} may be needed")]
    NoRoom {
        /// Bytes that are free.
        free: u64,
        /// Bytes that the write and what follows from it may take.
        needed: u64,
    },
    /// The operating system refused. Nothing is said about the data.
    #[error("the store failed: {source}")]
    Io {
        /// The sort of refusal, such as [`io::ErrorKind::StorageFull`].
        kind: io::ErrorKind,
        /// What was refused.
        source: EngineError,
    },
    /// An entry that does not follow the last one.
    #[error("entry {found} cannot be committed where entry {expected} comes next")]
    EntryNotNext {
        /// What comes next.
        expected: u64,
        /// What was offered.
        found: Seq,
    },
    /// An epoch that does not follow the last one, or ends after the last entry.
    #[error(
        "epoch {found} up to entry {last_seq} cannot be committed where epoch {expected} comes next"
    )]
    EpochNotNext {
        /// What comes next.
        expected: u64,
        /// What was offered.
        found: EpochNumber,
        /// Its last entry.
        last_seq: Seq,
    },
    /// An earlier commit failed, and whether it is on the disk is not known.
    #[error("an earlier write failed; the ledger must be reopened before more is written")]
    Stopped,
    /// The ledger was opened for reading only.
    #[error("the ledger is open for reading only")]
    ReadOnly,
    /// Files are copied only where nobody may write them meanwhile.
    #[error("the ledger is not held against writers: its files cannot be copied")]
    NotHeld,
}

/// What is wrong with bytes that were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// The engine's own checksums, files or structure.
    #[error("a database file is damaged or missing")]
    Engine,
    /// The write-ahead log, which every database has, is not there.
    #[error("the write-ahead log is missing")]
    NoWriteAheadLog,
    /// The ledger does not say which format it has.
    #[error("the format version is missing")]
    NoFormat,
    /// Not the column families of the format that the ledger says it has.
    #[error("the column families are not those of the format")]
    ColumnFamilies,
    /// A key or a fixed-size value of another length.
    #[error("a row of {table} has the wrong shape")]
    Row {
        /// Where it stands.
        table: &'static str,
    },
    /// An epoch seals entries that are not there.
    #[error("epoch {epoch} is sealed, but its last entry {last_seq} is missing")]
    EpochBeyondEntries {
        /// The epoch.
        epoch: EpochNumber,
        /// Its last entry.
        last_seq: Seq,
    },
}

impl StoreError {
    /// Whether there is no room on the disk.
    #[must_use]
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
