//! What RocksDB's errors mean.
//!
//! Two things must never be mixed up: the data is wrong, or the system would
//! not let us at it. RocksDB says both by text, of which the first words are
//! its error code.

use std::io;
use std::sync::Arc;

use rocksdb::ErrorKind;

use super::super::{Corruption, EngineError, StoreError};

/// The store's word for an error of RocksDB on a ledger that is open or being
/// opened.
pub(super) fn of_rocks(error: rocksdb::Error) -> StoreError {
    let text: &str = error.as_ref();
    let kind = match error.kind() {
        ErrorKind::IOError => io_kind(text),
        // What it was told to open names features, files or tables that there
        // are none of. We only ever wrote what it knows.
        ErrorKind::Corruption
        | ErrorKind::NotFound
        | ErrorKind::NotSupported
        | ErrorKind::InvalidArgument => None,
        _ => Some(io::ErrorKind::Other),
    };
    match kind {
        Some(kind) => {
            let refused = KINDS.into_iter().find(|(_, known)| *known == kind);
            let source: EngineError = match refused {
                Some((words, _)) => Arc::new(SystemRefusal { words, error }),
                None => Arc::new(error),
            };
            StoreError::Io { kind, source }
        }
        None => StoreError::Corrupt {
            what: Corruption::Engine,
            source: Some(Arc::new(error)),
        },
    }
}

/// What the system refused to the engine, whose own words name what it was about to do
/// inside, and no cause that anybody can act on.
#[derive(Debug, thiserror::Error)]
#[error("{words}, as a file of the database was opened or written")]
struct SystemRefusal {
    words: &'static str,
    #[source]
    error: rocksdb::Error,
}

const KINDS: [(&str, io::ErrorKind); 5] = [
    ("No space left on device", io::ErrorKind::StorageFull),
    ("Disk quota exceeded", io::ErrorKind::QuotaExceeded),
    ("File too large", io::ErrorKind::FileTooLarge),
    ("Permission denied", io::ErrorKind::PermissionDenied),
    ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
];

/// What the system refused; `None` if a file is missing. The ledger's directory
/// was there a moment ago, so that file is one that RocksDB had written down.
fn io_kind(text: &str) -> Option<io::ErrorKind> {
    if text.contains("No such file or directory") {
        return None;
    }
    let known = KINDS.into_iter().find(|(words, _)| text.contains(words));
    Some(known.map_or(io::ErrorKind::Other, |(_, kind)| kind))
}
