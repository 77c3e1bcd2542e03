//! Reading a ledger beside the process that writes it, as a secondary instance
//! of RocksDB: it reads the manifest, the files and the write-ahead log that
//! are there, writes nothing among them, and stays at what it saw until it is
//! told to catch up.
//!
//! The writer knows nothing of its readers and removes what it needs no longer:
//! a table that was compacted, a log whose entries were flushed. RocksDB takes a
//! log that is gone for one that is not needed, which is true of the writer's
//! newest state and not of the one that was read a moment before: entries would
//! be missing in the middle. So a view counts only if every file that was there
//! before it was taken is there after it; else it is taken again. Files that a
//! view uses are held open and outlive their names.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::super::listing;
use super::checks::{
    check_format, check_lengths, check_place, check_tables, check_write_ahead_log,
};
use super::lock::Lock;
use super::tables::FORMAT_KEY;
use super::{Access, DB_DIR, RocksStore, of_rocks, options};
use crate::store::{Store, StoreError};

/// How often a view is taken before it is given up: the writer would have to
/// remove files every few milliseconds.
const ATTEMPTS: usize = 200;

impl RocksStore {
    /// Opens the ledger in `dir` for reading, whether or not another process
    /// writes it. It is seen as it is now, until [`RocksStore::catch_up`]; every
    /// entry that was acknowledged before the call is there. Nobody is kept from
    /// writing, and nothing is written in `dir`.
    ///
    /// # Errors
    /// Those of [`RocksStore::open`] but [`StoreError::Locked`];
    /// [`StoreError::Restless`] if it changes faster than it can be read.
    pub fn open_beside(dir: &Path) -> Result<RocksStore, StoreError> {
        check_place(dir)?;
        let mut attempts = 0..ATTEMPTS;
        loop {
            let before = files(&dir.join(DB_DIR))?;
            let opened = open_once(dir);
            let whole = before.is_subset(&files(&dir.join(DB_DIR))?);
            match opened {
                Ok(store) if whole => return store.settled(),
                Ok(store) => {
                    store.catch_up()?;
                    return store.settled();
                }
                // What was missing may have been removed meanwhile.
                Err(_) if !whole && attempts.next().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on to what the ledger is now. Does nothing where nobody else can
    /// write. Readers that were begun before stay where they are.
    pub fn catch_up(&self) -> Result<(), StoreError> {
        if self.access != Access::Beside {
            return Ok(());
        }
        let path = self.dir.join(DB_DIR);
        let mut attempts = 0..ATTEMPTS;
        loop {
            let before = files(&path)?;
            let caught_up = self.db.try_catch_up_with_primary().map_err(of_rocks);
            let whole = before.is_subset(&files(&path)?);
            match caught_up {
                Ok(()) if whole => return self.look(),
                Err(error) if whole => return Err(error),
                _ if attempts.next().is_some() => {}
                _ => {
                    let dir = self.dir.clone();
                    return Err(StoreError::Restless { dir });
                }
            }
        }
    }

    /// Takes note of where the view ends.
    fn look(&self) -> Result<(), StoreError> {
        let tail = self.read_tail()?;
        *self.tail.write().unwrap_or_else(PoisonError::into_inner) = tail;
        self.index_distrusted.store(false, Ordering::Relaxed);
        self.settle_index()
    }

    fn settled(self) -> Result<RocksStore, StoreError> {
        check_format(self.meta(FORMAT_KEY)?)?;
        self.look()?;
        Ok(self)
    }
}

fn open_once(dir: &Path) -> Result<RocksStore, StoreError> {
    let path = dir.join(DB_DIR);
    check_lengths(&path)?;
    check_tables(&path)?;
    check_write_ahead_log(&path)?;
    let scratch = tempfile::Builder::new()
        .prefix("sealbook-beside-")
        .tempdir()?;
    let db = options::open_beside(&path, scratch.path()).map_err(of_rocks)?;
    let mut store = RocksStore::around(db, Lock::none(), dir, Access::Beside);
    store.scratch = Some(scratch);
    Ok(store)
}

/// The names of the files that a view is made of.
fn files(path: &Path) -> Result<BTreeSet<OsString>, StoreError> {
    let mut names = BTreeSet::new();
    for name in listing::names(path)? {
        let text = name.to_string_lossy();
        let extension = Path::new(&name).extension().unwrap_or_default();
        if extension == "sst" || extension == "log" || text.starts_with("MANIFEST-") {
            names.insert(name);
        }
    }
    Ok(names)
}
