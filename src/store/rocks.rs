//! The ledger on disk.
//!
//! ```text
//! DIR/lock     held exclusively by the writer, shared by readers
//! DIR/db/      RocksDB's own files, and no others
//! ```
//!
//! RocksDB has a lock of its own, but it keeps writers from writers only, and
//! what a plain reader sees beside a live writer is undefined. So these openings
//! take `DIR/lock` first, and hold it as long as the store lives. One does not:
//! [`RocksStore::open_beside`] reads what another process writes.
//!
//! Making and opening a ledger are different verbs. [`RocksStore::create`] never
//! touches what is there; the open ones never make anything, and
//! [`RocksStore::open_read_only`] and [`RocksStore::open_beside`] write nothing
//! at all.

mod access;
mod beside;
mod checks;
mod copying;
mod creation;
mod erasing;
mod failure;
mod home;
mod interrupted;
mod lock;
mod merging;
mod options;
mod postings;
mod pruning;
mod room;
mod rows;
mod run;
mod scrubbing;
mod tables;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use rocksdb::{ColumnFamily, DB, WriteBatch};
use tempfile::TempDir;

use crate::ledger::position::{EpochNumber, Seq};

use super::archived::Archived;
use super::readers::Settling;
use super::tail::Tail;
use super::{Batch, Corruption, FORMAT, ReadOrder, Store, StoreError, listing};
use checks::{check_format, check_lengths, check_place, check_tables, check_write_ahead_log};
use creation::{Building, is_empty_folder};
use failure::of_rocks;
use interrupted::interrupted_bytes;
use lock::Lock;
use room::check_room;
use scrubbing::OPENING_BYTES;
pub use scrubbing::{Scrubbed, Scrubbing};
use tables::{
    FORMAT_KEY, INDEX_VERSION, INDEX_VERSION_KEY, INDEXED_TO_KEY, RocksTable, be, number_in,
};

/// The engine's directory in a ledger's.
const DB_DIR: &str = "db";

pub struct RocksStore {
    // Dropped in this order: the lock goes when the database is closed.
    /// Shared with nobody, unless it is abandoned: see `check_not_moved`.
    db: Arc<DB>,
    _settling: Option<Settling>,
    lock: Lock,
    /// RocksDB's own log files, where the folder of the ledger may not be written.
    scratch: Option<TempDir>,
    dir: PathBuf,
    /// The folder of the database, by device and inode.
    database: Option<(u64, u64)>,
    access: Access,
    /// Bytes of a write that was cut off before this opening.
    interrupted: u64,
    /// What was synced. Readers look at it while a commit is under way.
    tail: RwLock<Tail>,
    /// Taken by a commit from its check to its end. `true` after one failed.
    stopped: Mutex<bool>,
    /// The last write failed for want of room.
    was_full: AtomicBool,
    /// Taken while the index is added to.
    indexing: Mutex<()>,
    /// The index claims entries that are not there, and cannot be reset.
    index_distrusted: AtomicBool,
    /// It lacks terms of facts that were not known when it was made.
    index_version: AtomicU64,
    /// Where entries are that were pruned.
    archive: OnceLock<Arc<Archived>>,
    /// The first damage that was met. Nothing is written after it.
    damage: OnceLock<StoreError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    /// Nobody writes.
    Read,
    /// Another process may be writing.
    Beside,
}

impl RocksStore {
    /// Makes a ledger in `dir` that holds `first`, and opens it for writing.
    /// `dir` must not exist, or be an empty directory.
    ///
    /// The ledger is built beside `dir`, synced, and renamed into its place: a
    /// crash leaves a `.NAME.creating-…` directory, never half a ledger. So one
    /// that exists has its first entry, if `first` has it.
    pub fn create(dir: &Path, first: Batch) -> Result<RocksStore, StoreError> {
        let building = Building::begin(dir)?;
        let mut format = WriteBatch::default();
        format.put(FORMAT_KEY, FORMAT);
        let db = options::create(&building.db_dir()).map_err(of_rocks)?;
        db.write_opt(format, &options::synced()).map_err(of_rocks)?;
        drop(db);
        let lock = Lock::create(building.path())?;
        let store = RocksStore::open_locked(building.path(), lock, Access::Write)?;
        store.commit(first)?;
        let lock = store.close_keeping_lock()?;
        let dir = building.finish()?;
        let store = RocksStore::open_locked(&dir, lock, Access::Write)?;
        store.settle_home()?;
        Ok(store)
    }

    /// That a ledger can be made in `dir`: nothing is there, or a folder with nothing
    /// in it.
    pub fn check_free(dir: &Path) -> Result<(), StoreError> {
        is_empty_folder(dir).map(drop)
    }

    /// Opens the ledger in `dir` for writing.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NotADirectory`],
    /// [`StoreError::Locked`] while anyone else has it open,
    /// [`StoreError::Copy`] beside its original, [`StoreError::UnknownFormat`],
    /// [`StoreError::Corrupt`] and [`StoreError::Io`].
    pub fn open(dir: &Path) -> Result<RocksStore, StoreError> {
        RocksStore::open_within(dir, Duration::ZERO)
    }

    /// The same, waiting so long for its holder to close it.
    pub fn open_within(dir: &Path, wait: Duration) -> Result<RocksStore, StoreError> {
        check_place(dir)?;
        let lock = Lock::exclusive_within(dir, wait)?;
        let store = RocksStore::open_locked(dir, lock, Access::Write)?;
        store.settle_home()?;
        Ok(store)
    }

    /// Opens the ledger in `dir` for reading, beside other readers. Writes
    /// nothing, so that it works on a read-only file system and leaves evidence
    /// as it found it.
    ///
    /// # Errors
    /// Those of [`RocksStore::open`]; [`StoreError::Locked`] while somebody
    /// writes.
    pub fn open_read_only(dir: &Path) -> Result<RocksStore, StoreError> {
        check_place(dir)?;
        RocksStore::open_locked(dir, Lock::shared(dir)?, Access::Read)
    }

    fn open_locked(dir: &Path, lock: Lock, access: Access) -> Result<RocksStore, StoreError> {
        let path = dir.join(DB_DIR);
        check_lengths(&path)?;
        if access == Access::Write {
            check_room(&path)?;
        }
        check_tables(&path)?;
        check_write_ahead_log(&path)?;
        // Before it is opened for writing, which begins another log.
        let interrupted = interrupted_bytes(&path)?;
        let db = match access {
            Access::Write => options::open(&path),
            Access::Read | Access::Beside => options::open_read_only(&path),
        };
        let mut store = RocksStore::around(db.map_err(of_rocks)?, lock, dir, access);
        store.interrupted = interrupted;
        check_format(store.meta(FORMAT_KEY)?)?;
        *store.tail.write().unwrap_or_else(PoisonError::into_inner) = store.read_tail()?;
        store.settle_index()?;
        if access == Access::Write {
            store.merge_small_files()?;
            store.purge_erased()?;
            store.read_on(OPENING_BYTES)?;
        }
        Ok(store)
    }

    /// Begins a write: refused where nothing may be written. What is given back is set
    /// until it is known what the disk holds.
    fn begin_write(&self) -> Result<MutexGuard<'_, bool>, StoreError> {
        if self.access != Access::Write {
            return Err(StoreError::ReadOnly);
        }
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_undamaged()?;
        if *stopped {
            return Err(StoreError::Stopped);
        }
        self.check_not_moved()?;
        Ok(stopped)
    }

    /// A store around a database that nothing was read of yet.
    fn around(db: DB, lock: Lock, dir: &Path, access: Access) -> RocksStore {
        RocksStore {
            db: Arc::new(db),
            _settling: (access == Access::Write).then(|| Settling::new(dir)),
            lock,
            scratch: None,
            dir: dir.to_owned(),
            database: lock::identity(&dir.join(DB_DIR)),
            access,
            interrupted: 0,
            tail: RwLock::default(),
            stopped: Mutex::new(false),
            was_full: AtomicBool::new(false),
            indexing: Mutex::default(),
            index_distrusted: AtomicBool::new(false),
            index_version: AtomicU64::new(INDEX_VERSION),
            archive: OnceLock::new(),
            damage: OnceLock::new(),
        }
    }

    /// Takes note of damage that a reader or writer met.
    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ StoreError::Corrupt { .. }) = &result {
            // Only the first is kept.
            let _ = self.damage.set(error.clone());
        }
        result
    }

    /// Refuses to write beside damage: what is built on it could not be told from it.
    fn check_undamaged(&self) -> Result<(), StoreError> {
        self.damage.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Bytes at the end of the write-ahead log that were the beginning of a
    /// write when the ledger was opened: what a crash leaves. A write counts
    /// only if it is whole, so nothing of it is there. Always 0 beside a writer,
    /// who may be in the middle of one.
    pub const fn interrupted_bytes(&self) -> u64 {
        self.interrupted
    }

    /// That the ledger is still where it was opened. The engine makes and
    /// removes files by their names: if another folder has taken this one's
    /// place, it would take its own for that folder's.
    fn check_not_moved(&self) -> Result<(), StoreError> {
        let database = self.dir.join(DB_DIR);
        let here = lock::identity(&database);
        if self.lock.is_in(&self.dir)? && here.is_some() && here == self.database {
            // Without it nothing of the database is found when it is opened next.
            return match database.join("CURRENT").exists() {
                true => Ok(()),
                false => self.noted(Err(StoreError::corrupt(Corruption::Engine))),
            };
        }
        // Never closed then, as that would write and remove files too. What was
        // committed is synced, in files that went with the folder.
        std::mem::forget(Arc::clone(&self.db));
        Err(StoreError::Moved {
            dir: self.dir.clone(),
        })
    }

    /// Brings every table into its smallest form. Takes long, and room for a
    /// copy of the largest table.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.flush()?;
        for table in RocksTable::ALL {
            self.db
                .compact_range_cf(self.table(table)?, None::<&[u8]>, None::<&[u8]>);
        }
        Ok(())
    }

    /// How many bytes the database's files have.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        let dir = self.dir.join(DB_DIR);
        for name in listing::names(&dir)? {
            bytes += match fs::symlink_metadata(dir.join(name)) {
                Ok(metadata) => metadata.len(),
                // Compaction removes files while they are counted.
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(bytes)
    }

    /// Flushes and closes. Dropping closes too, but can tell nobody what went
    /// wrong; committed entries are safe either way.
    pub fn close(self) -> Result<(), StoreError> {
        self.close_keeping_lock().map(drop)
    }

    fn close_keeping_lock(self) -> Result<Lock, StoreError> {
        if self.access == Access::Write {
            self.flush()?;
        }
        self.db.cancel_all_background_work(true);
        drop(self.scratch);
        Ok(self.lock)
    }

    fn table(&self, table: RocksTable) -> Result<&ColumnFamily, StoreError> {
        let family = self.db.cf_handle(table.name());
        family.ok_or(StoreError::corrupt(Corruption::ColumnFamilies))
    }

    /// The tail as it lies on the disk.
    fn read_tail(&self) -> Result<Tail, StoreError> {
        let last_seq = self.last_key(RocksTable::Entries)?.map(Seq);
        let last_epoch = self.last_key(RocksTable::Epochs)?.map(EpochNumber);
        let sealed_to = self.last_key(RocksTable::EpochEnds)?.map(Seq);
        if let Some(last_seq) = sealed_to.filter(|_| sealed_to > last_seq) {
            let epoch = last_epoch.unwrap_or_default();
            return Err(StoreError::corrupt(Corruption::EpochBeyondEntries {
                epoch,
                last_seq,
            }));
        }
        Ok(Tail {
            last_seq,
            last_epoch,
        })
    }

    fn last_key(&self, table: RocksTable) -> Result<Option<u64>, StoreError> {
        let mut rows = self.scan(table, .., ReadOrder::Descending);
        Ok(rows.next().transpose()?.map(|(key, _): (u64, _)| key))
    }

    /// The index is not synced with the entries. If the entries lost their end,
    /// to an older copy or a cut log, it may know entries that are gone, and
    /// would be wrong about those that take their numbers. It is derived, so it
    /// is made again; a reader, who may not, does without. So it is with an index
    /// that an earlier version made, which a reader uses for what it has.
    fn settle_index(&self) -> Result<(), StoreError> {
        let version = self.get(RocksTable::Index, INDEX_VERSION_KEY)?;
        let version = number_in(RocksTable::Index, version)?.unwrap_or(1);
        let ahead = self.indexed_to()? > self.count()?;
        if version == INDEX_VERSION && !ahead || self.access != Access::Write {
            self.index_version.store(version, Ordering::Relaxed);
            self.index_distrusted.store(ahead, Ordering::Relaxed);
            return Ok(());
        }
        let index = self.table(RocksTable::Index)?;
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(index, [0x00].as_slice(), [0xff].as_slice());
        batch.put_cf(index, INDEXED_TO_KEY, be(0));
        batch.put_cf(index, INDEX_VERSION_KEY, be(INDEX_VERSION));
        self.db
            .write_opt(batch, &options::unlogged())
            .map_err(of_rocks)
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RocksStore({})", self.dir.display())
    }
}
