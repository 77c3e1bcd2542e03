//! The one error of the facade: what went wrong, by which code a program tells
//! it, and where.

mod code;
mod place;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::audit::AuditError;
#[cfg(feature = "rocks")]
use crate::backup::BackupError;
use crate::evidence::EvidenceError;
use crate::imports::accept::ImportError;
use crate::imports::shelf::ShelfError;
use crate::ledger::bundle::BundleError;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::parse::ParseError;
use crate::ledger::position::Seq;
use crate::ledger::source::ReadError;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::init::InitError;
use crate::logbook::key_file::KeyFileError;
use crate::logbook::mark::MarkFault;
use crate::logbook::publish::PublishError;
use crate::record::RecordError;
use crate::record::hall_files::HallError;
use crate::store::StoreError;
use crate::store::query::QueryError;

pub use place::Place;

use super::resume::ResumeRefusal;

/// Why a ledger did not do what it was asked, or a file got no verdict.
///
/// [`Error::code`] is the word for programs, [`Error::place`] says where, and
/// the text is for people.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was to be given out could not be written.
    #[error("could not write the output: {0}")]
    Write(io::Error),
    /// A file is not JSON as it is read here.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: ParseError,
    },
    /// A file is larger than what it should hold can be.
    #[error("{}: larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes it may have.
        limit: usize,
    },
    /// There is something where a new file or ledger was to be.
    #[error("{} exists already", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// A ledger is to be made where something is mounted, with its key or mark
    /// beside it.
    #[error("{} is a mount point: what lies beside it is not on its storage", path.display())]
    MountPoint {
        /// The ledger's place.
        path: PathBuf,
    },
    /// The key or the mark would lie in the ledger's own folder.
    #[error("{} would lie in the ledger's own folder", path.display())]
    InsideLedger {
        /// The file.
        path: PathBuf,
    },
    /// A key file could not be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A new key was to be under a passphrase, and nobody gave one.
    #[error("no passphrase was given for the new key")]
    NoPassphrase,
    /// The passphrase could not be had.
    #[error("{0}")]
    Passphrase(io::Error),
    /// A ledger was not made.
    #[error(transparent)]
    Init(#[from] InitError),
    /// A ledger was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger is open for reading only.
    #[error("the ledger is open for reading only")]
    ReadOnly,
    /// An entry was not recorded, or an epoch not sealed.
    #[error(transparent)]
    Append(#[from] LogbookError),
    /// A Hall's file was not taken up.
    #[error(transparent)]
    Hall(#[from] HallError),
    /// The system gave no randomness.
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
    /// An outcome was not recorded.
    #[error("not recorded: {0}")]
    Record(#[from] RecordError),
    /// There is no entry with this number.
    #[error("nothing was found")]
    NoSuchEntry {
        /// The number asked for.
        seq: Seq,
    },
    /// There is no evidence to give.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A bundle's closing record cannot be signed.
    #[error("the closing record cannot be signed: {0}")]
    NotSigned(Box<Error>),
    /// A logbook is the log from its first entry on, and something else was
    /// asked for.
    #[error("a logbook is the log from its first entry on")]
    NotAPrefix,
    /// The entries could not be found.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A file could not be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file is nothing that can be verified.
    #[error("{}its content is no ledger, logbook, bundle or proof", named(path.as_deref()))]
    NotRecognised {
        /// The file, if it has a name.
        path: Option<PathBuf>,
    },
    /// Something that has no entries in order was to be compared.
    #[error("only ledgers, logbooks and bundles can be compared")]
    NotComparable,
    /// A file is no logbook, and only a verification of one can be gone on with.
    #[error("{}: only the verification of a logbook file can be gone on with", path.display())]
    NotALogbook {
        /// The file.
        path: PathBuf,
    },
    /// A book was closed in favour of another key than the one at hand.
    #[error("the book was closed in favour of the key {successor}, which {} does not hold", path.display())]
    OtherSuccessor {
        /// The key file at hand.
        path: PathBuf,
        /// The key that continues the book.
        successor: PublicKey,
    },
    /// A saved state of a verification is not gone on from.
    #[error(transparent)]
    Resume(#[from] ResumeRefusal),
    /// Headers and heads were not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// There is no copy.
    #[cfg(feature = "rocks")]
    #[error(transparent)]
    Backup(BackupError),
    /// A file was not imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file that is no bundle, proof or logbook was to be imported.
    #[error("{}: only a bundle, a proof or a logbook can be imported", path.display())]
    NotImportable {
        /// The file.
        path: PathBuf,
    },
    /// Imported evidence could not be read.
    #[error(transparent)]
    Imported(ShelfError),
}

impl Error {
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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Open(OpenError::Store(error))
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

impl From<ShelfError> for Error {
    fn from(error: ShelfError) -> Self {
        match error {
            ShelfError::Write(error) => Error::Write(error),
            ShelfError::Store(error) => error.into(),
            other => Error::Imported(other),
        }
    }
}

#[cfg(feature = "rocks")]
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
