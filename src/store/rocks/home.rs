//! The folder that a ledger lives in, and copies of it.
//!
//! A copy of a ledger knows its original's key. If both signed, the log would have
//! two histories, and its honest owner would be convicted of that. So a ledger
//! records the path of its folder, and a writer that opens it elsewhere looks there:
//!
//! 1. The path leads to this very folder: that is the ledger, whatever else it is
//!    called.
//! 2. Nothing is there, or another ledger: this one was moved. The new path is
//!    recorded.
//! 3. Another folder with the same entry 0 is there: this is a copy. It is read, and
//!    not written, until it is adopted.
//!
//! Nothing else counts: no boot, no host, no container.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rocksdb::WriteBatch;

use super::checks::check_place;
use super::lock::Lock;
use super::tables::HOME_KEY;
use super::{Access, RocksStore, of_rocks, options};
use crate::ledger::position::Seq;
use crate::store::{Store, StoreError};

impl RocksStore {
    /// Makes the copy in `dir` the ledger that is written: from then on its original
    /// is the copy. The path of the original, if there was one.
    ///
    /// # Errors
    /// [`StoreError::OriginalAhead`] if the original has entries that the copy has
    /// not; [`StoreError::Locked`] while anyone has one of them open; those of
    /// [`RocksStore::open`].
    pub fn adopt(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
        check_place(dir)?;
        let lock = Lock::exclusive(dir)?;
        let copy = RocksStore::open_locked(dir, lock, Access::Write)?;
        let Some(original) = copy.original()? else {
            return Ok(None);
        };
        let lock = Lock::exclusive(&original)?;
        let other = RocksStore::open_locked(&original, lock, Access::Write)?;
        if let Some(last) = other.last_seq()?
            && other.entry(last)? != copy.entry(last)?
        {
            return Err(StoreError::OriginalAhead { original, last });
        }
        let here = fs::canonicalize(dir)?;
        // The original first: at no time may both sign.
        other.record_home(&here)?;
        other.close()?;
        copy.record_home(&here)?;
        copy.close()?;
        Ok(Some(original))
    }

    /// Refuses a copy; records where the ledger is, if that is not known.
    pub(super) fn settle_home(&self) -> Result<(), StoreError> {
        if let Some(original) = self.original()? {
            let dir = self.dir.clone();
            return Err(StoreError::Copy { dir, original });
        }
        match self.recorded_home()? {
            Some(recorded) if leads_to(&recorded, &self.dir)? => Ok(()),
            _ => self.record_home(&fs::canonicalize(&self.dir)?),
        }
    }

    /// The folder of the ledger that this is a copy of.
    fn original(&self) -> Result<Option<PathBuf>, StoreError> {
        let Some(recorded) = self.recorded_home()? else {
            return Ok(None);
        };
        if leads_to(&recorded, &self.dir)? {
            return Ok(None);
        }
        let there = match RocksStore::open_read_only(&recorded) {
            Err(StoreError::Locked { .. }) => RocksStore::open_beside(&recorded),
            opened => opened,
        };
        match there.and_then(|there| there.entry(Seq::FIRST)) {
            Ok(first) if first == self.entry(Seq::FIRST)? => Ok(Some(recorded)),
            // What cannot be looked at may be the original.
            Err(StoreError::Io { .. }) => Ok(Some(recorded)),
            // It is gone, is another ledger, or is too damaged to be written.
            _ => Ok(None),
        }
    }

    fn recorded_home(&self) -> Result<Option<PathBuf>, StoreError> {
        let recorded = self.meta(HOME_KEY)?;
        Ok(recorded.map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes))))
    }

    pub(super) fn record_home(&self, path: &Path) -> Result<(), StoreError> {
        let mut write = WriteBatch::default();
        write.put(HOME_KEY, path.as_os_str().as_bytes());
        self.db
            .write_opt(write, &options::synced())
            .map_err(of_rocks)
    }
}

/// Whether `path` leads to the folder `dir`.
fn leads_to(path: &Path, dir: &Path) -> io::Result<bool> {
    use io::ErrorKind::{NotADirectory, NotFound};
    let here = fs::metadata(dir)?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (here.dev(), here.ino())),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(false),
        // What may not be looked at is not this folder, which may.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
        Err(error) => Err(error),
    }
}
