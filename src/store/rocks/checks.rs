//! What is looked at before a ledger is trusted to be one.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use super::super::listing;
use super::super::{Corruption, FORMAT, StoreError};
use super::lock::not_permitted;
use super::tables::{FORMAT_KEY, RocksTable};
use super::{DB_DIR, of_rocks, options};

/// That there is something which may be a ledger, before anything is opened.
pub(super) fn check_place(dir: &Path) -> Result<(), StoreError> {
    let missing = || StoreError::Missing {
        dir: dir.to_owned(),
    };
    let is_dir = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(missing()),
        Err(error) => Err(not_permitted(dir, error)),
    };
    if !is_dir(dir)? {
        return Err(StoreError::NotADirectory {
            dir: dir.to_owned(),
        });
    }
    if is_dir(&dir.join(DB_DIR))? {
        Ok(())
    } else {
        Err(missing())
    }
}

/// That the column families are ours. A later format may have others, so its
/// version is looked for before they are called corrupt.
pub(super) fn check_tables(path: &Path) -> Result<(), StoreError> {
    let mut found = options::list_tables(path).map_err(of_rocks)?;
    let mut known: Vec<_> = RocksTable::ALL.iter().map(|table| table.name()).collect();
    found.sort_unstable();
    known.sort_unstable();
    if found == known {
        return Ok(());
    }
    let db = options::open_default_table(path).map_err(of_rocks)?;
    check_format(db.get(FORMAT_KEY).map_err(of_rocks)?)?;
    Err(StoreError::corrupt(Corruption::ColumnFamilies))
}

pub(super) fn check_format(found: Option<Vec<u8>>) -> Result<(), StoreError> {
    let found = found.ok_or(StoreError::corrupt(Corruption::NoFormat))?;
    if found == FORMAT.as_bytes() {
        return Ok(());
    }
    Err(StoreError::UnknownFormat {
        found: String::from_utf8_lossy(&found).into_owned(),
    })
}

/// Bytes that a file of the database has at most, by what it is: the engine reads a log and
/// the manifest to their ends, and the smallest files whole into memory, whatever those who
/// make a file longer let them have. It writes no such file: logs of 256 MiB and a write, a
/// manifest of 1 GiB. That of a table has the length that the manifest says, or is refused.
const LOG_BYTES: u64 = 2 << 30;
const MANIFEST_BYTES: u64 = 2 << 30;
const SMALL_BYTES: u64 = 64 << 20;

/// That no file is longer than the engine makes it.
pub(super) fn check_lengths(path: &Path) -> Result<(), StoreError> {
    for name in listing::names(path)? {
        let text = name.to_string_lossy();
        let (most, file) = if text.ends_with(".log") {
            (LOG_BYTES, "a write-ahead log")
        } else if text.starts_with("MANIFEST-") {
            (MANIFEST_BYTES, "the database's manifest")
        } else if text.ends_with(".sst") {
            continue;
        } else {
            (SMALL_BYTES, "a small file of the database")
        };
        match fs::metadata(path.join(&name)) {
            Ok(metadata) if metadata.len() > most => {
                return Err(StoreError::corrupt(Corruption::TooLong { file, most }));
            }
            // A writer removes files while a reader looks.
            _ => {}
        }
    }
    Ok(())
}

/// RocksDB notes in its manifest which logs there must be, but not the one that
/// is being written: with that one gone it would open as if what it held had
/// never been. An open database always has one, and a closed one keeps it.
pub(super) fn check_write_ahead_log(path: &Path) -> Result<(), StoreError> {
    let is_log = |name: &OsString| Path::new(name).extension() == Some("log".as_ref());
    match listing::names(path)?.iter().any(is_log) {
        true => Ok(()),
        false => Err(StoreError::corrupt(Corruption::NoWriteAheadLog)),
    }
}
