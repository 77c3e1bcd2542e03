//! Why something was not delivered.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem::Error as PemError;
use thiserror::Error;

use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;
use crate::logbook::error::OpenError;
use crate::store::StoreError;
use crate::store::query::QueryError;

/// Why a sink delivers nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A setting is wrong.
    #[error("{what} `{given}`: {expected}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Its value.
        given: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The output that was asked for takes no more.
    #[error("could not write the output: {0}")]
    Output(io::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of certificates or a key has none, or cannot be read.
    #[error("{}: {source}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// A certificate or key cannot be used.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    /// The position is not a position.
    #[error("{}: it is not a position of a sink", path.display())]
    NoPosition {
        /// Where it lies.
        path: PathBuf,
    },
    /// The position is another log's.
    #[error("{}: it is the position of another log", path.display())]
    OtherLog {
        /// Where it lies.
        path: PathBuf,
    },
    /// Another process delivers from the same position.
    #[error("{}: another process delivers from this position", path.display())]
    InUse {
        /// Where it lies.
        path: PathBuf,
    },
    /// The ledger does not have what was delivered.
    #[error("the ledger has no entry {seq} with the hash {hash}, which was delivered")]
    Parted {
        /// Its place.
        seq: Seq,
        /// Its hash.
        hash: Hash,
    },
    /// The other end could not be reached, or went away.
    #[error("{to}: {source}")]
    Unreachable {
        /// The address, without what is secret in it.
        to: String,
        /// What the system says.
        source: io::Error,
    },
    /// A webhook answered, and not that it took the batch.
    #[error("{to}: it answered with status {status}")]
    Refused {
        /// The address, without what is secret in it.
        to: String,
        /// The status.
        status: u16,
        /// Seconds that it asks to wait.
        after: Option<u64>,
    },
    /// The ledger could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry could not be read.
    #[error(transparent)]
    Entry(#[from] OpenError),
}

impl SinkError {
    /// Whether the same may succeed later without anybody's help.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(
            self,
            SinkError::Unreachable { .. } | SinkError::Refused { .. } | SinkError::File { .. }
        )
    }
}
