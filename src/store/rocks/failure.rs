//! What RocksDB's errors mean.
//!
//! Two things must never be mixed up: the data is wrong, or the system would
//! not let us at it. RocksDB says both by text, of which the first words are
//! its error code.

use std::io;
use std::sync::Arc;

use rocksdb::ErrorKind;

use super::super::{Corruption, StoreError};

/// The store's word for an error of RocksDB on a ledger that is open or being
/// opened.
pub(super) fn of_rocks(error: rocksdb::Error) -> StoreError {
    let text: &str = error.as_ref();
    let kind = match error.kind() {
        // The ledger's directory was there a moment ago: the file that is
        // missing is one that RocksDB had written down.
        ErrorKind::IOError if text.contains("No such file or directory") => None,
        ErrorKind::IOError if text.contains("No space left on device") => {
            Some(io::ErrorKind::StorageFull)
        }
        ErrorKind::IOError if text.contains("Permission denied") => {
            Some(io::ErrorKind::PermissionDenied)
        }
        ErrorKind::IOError if text.contains("Read-only file system") => {
            Some(io::ErrorKind::ReadOnlyFilesystem)
        }
        // What it was told to open names features, files or tables that there
        // are none of. We only ever wrote what it knows.
        ErrorKind::Corruption
        | ErrorKind::NotFound
        | ErrorKind::NotSupported
        | ErrorKind::InvalidArgument => None,
        _ => Some(io::ErrorKind::Other),
    };
    let source = Arc::new(error);
    match kind {
        Some(kind) => StoreError::Io { kind, source },
        None => StoreError::Corrupt {
            what: Corruption::Engine,
            source: Some(source),
        },
    }
}
