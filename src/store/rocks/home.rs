//! The folder that a ledger lives in, and copies of it.
//!
//! A copy of a ledger knows its original's key. If both signed, the log would have
//! two histories, and its honest owner would be convicted of that. So a ledger
//! records the path of its folder, and a writer that opens it elsewhere looks there:
//!
//! 1. The path leads to this very folder: that is the ledger, whatever else it is
//!    called.
//! 2. Nothing is there, or another ledger: this one was moved. The new path is
//!    recorded. So that an older copy does not pass for its original which was renamed,
//!    the folder itself is recorded too, by device and inode, and looked for under
//!    another name: beside where it was, or where the folder was that it was in, and
//!    beside this one. Where it was moved farther, or to another file system, nothing
//!    is left on this machine that could tell a copy from it.
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
use super::tables::{HOME_FOLDER_KEY, HOME_KEY};
use super::{Access, RocksStore, of_rocks, options};
use crate::ledger::position::Seq;
use crate::store::{Store, StoreError};

/// Names in a folder that are looked at, at most.
const NEAR: usize = 10_000;

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
        let folder = folder_bytes(&fs::metadata(&self.dir)?);
        let same = self.meta(HOME_FOLDER_KEY)?.as_deref() == Some(&folder);
        match self.recorded_home()? {
            Some(recorded) if same && leads_to(&recorded, &self.dir)? => Ok(()),
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
        if self.holds(&recorded)? {
            return Ok(Some(recorded));
        }
        match self.renamed(&recorded)? {
            Some(renamed) if self.holds(&renamed)? => Ok(Some(renamed)),
            _ => Ok(None),
        }
    }

    /// Where the folder that this ledger was written in is now, if it is another than
    /// this one, and is near.
    fn renamed(&self, recorded: &Path) -> Result<Option<PathBuf>, StoreError> {
        let own = folder_bytes(&fs::metadata(&self.dir)?);
        let Some(folder) = self.meta(HOME_FOLDER_KEY)?.filter(|it| *it != own) else {
            return Ok(None);
        };
        let was = recorded.ancestors().skip(1).find(|path| path.is_dir());
        let here = fs::canonicalize(&self.dir)?;
        for near in was.into_iter().chain(here.parent()) {
            // What the folder was called in the one that has another name now.
            let inside = recorded.strip_prefix(near).unwrap_or(Path::new(""));
            let inside: PathBuf = inside.components().skip(1).collect();
            let Ok(names) = fs::read_dir(near) else {
                continue;
            };
            for name in names.take(NEAR).flatten() {
                for path in [name.path().join(&inside), name.path()] {
                    let found =
                        fs::metadata(&path).is_ok_and(|it| folder_bytes(&it)[..] == *folder);
                    if found {
                        return Ok(Some(path));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether the folder at `path` holds this log, or may.
    fn holds(&self, path: &Path) -> Result<bool, StoreError> {
        let there = match RocksStore::open_read_only(path) {
            Err(StoreError::Locked { .. }) => RocksStore::open_beside(path),
            opened => opened,
        };
        match there.and_then(|there| there.entry(Seq::FIRST)) {
            Ok(first) => Ok(first == self.entry(Seq::FIRST)?),
            // What cannot be looked at may be the original.
            Err(StoreError::Io { .. }) => Ok(true),
            // It is gone, is another ledger, or is too damaged to be written.
            Err(_) => Ok(false),
        }
    }

    fn recorded_home(&self) -> Result<Option<PathBuf>, StoreError> {
        let recorded = self.meta(HOME_KEY)?;
        Ok(recorded.map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes))))
    }

    pub(super) fn record_home(&self, path: &Path) -> Result<(), StoreError> {
        let mut write = WriteBatch::default();
        write.put(HOME_KEY, path.as_os_str().as_bytes());
        write.put(HOME_FOLDER_KEY, folder_bytes(&fs::metadata(path)?));
        self.db
            .write_opt(write, &options::synced())
            .map_err(of_rocks)
    }
}

/// The device and inode of a folder.
fn folder_bytes(folder: &fs::Metadata) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (device, inode) = bytes.split_at_mut(8);
    device.copy_from_slice(&folder.dev().to_be_bytes());
    inode.copy_from_slice(&folder.ino().to_be_bytes());
    bytes
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
