//! The one error of the facade: what went wrong, by which code a program tells
//! it, and where.

mod code;
mod place;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::audit::AuditError;
use crate::backup::BackupError;
#[cfg(feature = "bucket")]
use crate::bucket::BucketError;
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportError;
use crate::imports::reading::ImportReadError;
use crate::ledger::bundle::BundleError;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::parse::ParseError;
use crate::ledger::position::Seq;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError, ServerRefusal};
use crate::logbook::init::InitError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
#[cfg(feature = "parquet")]
use crate::parquet::TableError;
use crate::publish::PublicError;
use crate::record::RecordError;
use crate::record::hall_files::HallError;
use crate::signers::SignerError;
use crate::store::StoreError;
use crate::store::query::QueryError;

pub use place::Place;

use super::resume::ResumeRefusal;

/// Why a ledger did not do what it was asked, or a file got no verdict.
///
/// [`Error::code`] is the word for programs, [`Error::place`] says where, and
/// the text is for people.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages say what each is")]
#[non_exhaustive]
pub enum Error {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("could not write the output: {0}")]
    Write(io::Error),
    #[error("{}: {source}", path.display())]
    Json { path: PathBuf, source: ParseError },
    #[error("{}: larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: usize },
    #[error("{} exists already", path.display())]
    Exists { path: PathBuf },
    /// A ledger is to be made where something is mounted, with its key or mark
    /// beside it.
    #[error("{} is a mount point: what lies beside it is not on its storage", path.display())]
    MountPoint { path: PathBuf },
    #[error("{} would lie in the ledger's own folder", path.display())]
    InsideLedger { path: PathBuf },
    #[error("there is no folder {}", path.display())]
    NoFolder { path: PathBuf },
    /// What lies where a new key is to be written is not taken for one that an interrupted
    /// rotation left.
    #[error("{} is the place of the new key, and has {has}", path.display())]
    KeyInPlace { path: PathBuf, has: String },
    /// Where a new ledger's key is to be written there is something: another log's key, or
    /// one that an interrupted making of this ledger left.
    #[error("{} exists already", path.display())]
    KeyLeft { path: PathBuf },
    /// Where a new ledger's mark is to be written there is something: another ledger's mark,
    /// or one that an interrupted making of this ledger left.
    #[error("{} exists already", path.display())]
    MarkInPlace { path: PathBuf },
    #[error("{} would be the place of two: key, second key and mark have a file each", path.display())]
    OnePlace { path: PathBuf },
    /// What lies in the place of a mark would be lost with the next mark.
    #[error("{} holds {what}, which no mark replaces", path.display())]
    NoMark { path: PathBuf, what: &'static str },
    /// A ledger in a bucket was to have its key beside it, to be lost with it.
    #[error("{} would lie beside the ledger, and be lost with it", path.display())]
    KeyBeside { path: PathBuf },
    #[cfg(feature = "bucket")]
    #[error("bucket: {0}")]
    Bucket(BucketError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error("no passphrase was given for the new key")]
    NoPassphrase,
    #[error("{0}")]
    Passphrase(io::Error),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the ledger is open for reading only")]
    ReadOnly,
    #[error(transparent)]
    Append(#[from] LogbookError),
    #[error(transparent)]
    Hall(#[from] HallError),
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
    #[error("not recorded: {0}")]
    Record(#[from] RecordError),
    #[error("nothing was found")]
    NoSuchEntry { seq: Seq },
    /// Nothing that is kept apart is there, or no longer.
    #[error("entry {seq} keeps nothing at `{pointer}` that could be opened or erased")]
    NotErasable {
        /// The entry.
        seq: Seq,
        /// The place in it.
        pointer: Pointer,
    },
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    #[error("the closing record cannot be signed: {0}")]
    NotSigned(Box<Error>),
    /// A logbook is the log from its first entry on, and something else was
    /// asked for.
    #[error("a logbook is the log from its first entry on")]
    NotAPrefix,
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{}its content is not a ledger, logbook, bundle or proof", named(path.as_deref()))]
    NotRecognised { path: Option<PathBuf> },
    /// What was to be read as the evidence of one log is a report over several.
    #[error("the report is over several logs")]
    SeveralLogs,
    #[error("{}{detail}", line.map_or_else(String::new, |line| format!("line {line}: ")))]
    Unreadable { line: Option<u64>, detail: String },
    #[error("only ledgers, logbooks, bundles and Parquet tables can be compared")]
    NotComparable,
    #[error("{}: only the verification of a logbook file can be gone on with", path.display())]
    NotALogbook { path: PathBuf },
    #[error("the book was closed in favour of the key {successor}, which {} does not hold", path.display())]
    OtherSuccessor { path: PathBuf, successor: PublicKey },
    #[error("{}: {why}", path.display())]
    NotAChain { path: PathBuf, why: &'static str },
    #[error(transparent)]
    Resume(#[from] ResumeRefusal),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Public(#[from] PublicError),
    /// Which of two checkpoints of two sizes begins with the other, they do not say.
    #[error(
        "the checkpoints are of two sizes, and no log was given that leads from one to the other"
    )]
    TwoSizes,
    /// The file of the second key holds another than the log binds.
    #[error("{}: it is not the second key that the log binds", path.display())]
    OtherSecondKey { path: PathBuf },
    /// The checkpoint does not reach the entry, or there is none.
    #[error("entry {seq} is not published yet")]
    NotPublished { seq: Seq },
    #[error("{place}: {error}")]
    PublicLog {
        place: String,
        error: Box<crate::ledger::tlog::source::TileReadError<io::Error>>,
    },
    #[error(transparent)]
    Halted(#[from] super::Halt),
    #[error(transparent)]
    Backup(BackupError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("{}: only a bundle, a proof or a logbook can be imported", path.display())]
    NotImportable { path: PathBuf },
    #[cfg(feature = "parquet")]
    #[error(transparent)]
    Table(TableError),
    #[error(transparent)]
    Imported(ImportReadError),
}

impl Error {
    /// What the system refused of a store is said with where that is.
    pub(super) fn of_store(dir: &Path, error: StoreError) -> Error {
        match error {
            StoreError::Io { kind, source } => Error::file(dir, io::Error::new(kind, source)),
            error => error.into(),
        }
    }

    /// What the system said of a file.
    pub(crate) fn file(path: &Path, source: io::Error) -> Error {
        Error::File {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether it only says that nobody reads the output any more.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Error::Write(error)
            | Error::Evidence(EvidenceError::Bundle(BundleError::Io(error))) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

fn named(path: Option<&Path>) -> String {
    path.map_or_else(String::new, |path| format!("{}: ", path.display()))
}

#[cfg(feature = "parquet")]
impl From<TableError> for Error {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Evidence(error) => Error::Evidence(error),
            TableError::Write(error) => Error::Write(error),
            TableError::Exists { path } => Error::Exists { path },
            other => Error::Table(other),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Open(OpenError::Store(error))
    }
}

#[cfg(feature = "bucket")]
impl From<BucketError> for Error {
    fn from(error: BucketError) -> Self {
        match error {
            BucketError::Open(error) => Error::Open(error),
            BucketError::Local(error) => error.into(),
            BucketError::Sign(error) => error.into(),
            other => Error::Bucket(other),
        }
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        Error::Append(LogbookError::from(error))
    }
}

impl From<BundleError> for Error {
    fn from(error: BundleError) -> Self {
        Error::Evidence(EvidenceError::Bundle(error))
    }
}

impl From<MarkFault> for Error {
    fn from(fault: MarkFault) -> Self {
        Error::Open(OpenError::Mark(fault))
    }
}

impl From<AuditError> for Error {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Open(error) => Error::Open(error),
            AuditError::Read(error) => Error::Read(error),
        }
    }
}

impl From<ImportReadError> for Error {
    fn from(error: ImportReadError) -> Self {
        match error {
            ImportReadError::Write(error) => Error::Write(error),
            ImportReadError::Store(error) => error.into(),
            other => Error::Imported(other),
        }
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Exists { dir } => Error::Exists { path: dir },
            BackupError::Open(error) => Error::Open(error),
            BackupError::Store(error) => error.into(),
            BackupError::Audit(error) => error.into(),
            other => Error::Backup(other),
        }
    }
}

impl From<ServerRefusal> for Error {
    fn from(refusal: ServerRefusal) -> Error {
        Error::Append(LogbookError::Server(refusal))
    }
}
