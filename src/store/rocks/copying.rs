//! Copies of a ledger: file by file where nobody writes, row by row beside a writer.
//! The source is read, and nothing of it changes.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rocksdb::{DB, FlushOptions, WriteBatch};

use super::super::listing;
use super::creation::Building;
use super::lock::Lock;
use super::tables::RocksTable;
use super::{Access, DB_DIR, RocksStore, of_rocks, options};
use crate::store::{Corruption, StoreError};

/// Bytes of rows written together.
const STEP_BYTES: usize = 4 << 20;

impl RocksStore {
    /// Copies the ledger's files to `target`, which must not exist or be a folder with
    /// nothing in it: for a store that was opened by [`RocksStore::open_read_only`], under
    /// whose hold nobody writes. The source is only read. With `link` the tables, which
    /// never change, are linked and not copied.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::NotHeld`] of a store that was opened
    /// otherwise, and [`StoreError::Io`].
    pub fn copy_files(&self, target: &Path, link: bool) -> Result<(), StoreError> {
        if self.access != Access::Read {
            return Err(StoreError::NotHeld);
        }
        let building = Building::begin(target)?;
        let (from, to) = (self.dir.join(DB_DIR), building.db_dir());
        fs::create_dir(&to)?;
        for name in listing::names(&from)? {
            let text = name.to_string_lossy();
            // RocksDB's own log and its own lock.
            if text.starts_with("LOG") || text == "LOCK" {
                continue;
            }
            let (source, copy) = (from.join(&name), to.join(&name));
            if link && text.ends_with(".sst") {
                fs::hard_link(source, copy)?;
            } else {
                // Where the file system can, the blocks are shared.
                io::copy(&mut File::open(source)?, &mut File::create_new(copy)?)?;
            }
        }
        drop(Lock::create(building.path())?);
        building.finish()?;
        Ok(())
    }

    /// Makes a copy by reading every row of the ledger as this store
    /// sees it, also while another writes. `progress` is told the bytes
    /// copied so far.
    pub fn copy_rows(
        &self,
        target: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let building = Building::begin(target)?;
        let copy = options::create(&building.db_dir()).map_err(of_rocks)?;
        let mut copied = 0;
        for table in RocksTable::ALL {
            let family = family_of(&copy, table)?;
            let mut batch = WriteBatch::default();
            for row in self.scan_all(table) {
                let (key, value) = row?;
                batch.put_cf(family, key, value);
                if batch.size_in_bytes() >= STEP_BYTES {
                    copied += batch.size_in_bytes() as u64;
                    let full = std::mem::take(&mut batch);
                    copy.write_opt(full, &options::unlogged())
                        .map_err(of_rocks)?;
                    progress(copied);
                }
            }
            copy.write_opt(batch, &options::unlogged())
                .map_err(of_rocks)?;
        }
        // Nothing of it is in the log: now it is in files, or this fails.
        let tables: Result<Vec<_>, _> = RocksTable::ALL
            .map(|t| family_of(&copy, t))
            .into_iter()
            .collect();
        copy.flush_cfs_opt(&tables?, &FlushOptions::default())
            .map_err(of_rocks)?;
        copy.cancel_all_background_work(true);
        drop(copy);
        drop(Lock::create(building.path())?);
        building.finish()?;
        Ok(())
    }
}

fn family_of(db: &DB, table: RocksTable) -> Result<&rocksdb::ColumnFamily, StoreError> {
    let family = db.cf_handle(table.name());
    family.ok_or(StoreError::corrupt(Corruption::ColumnFamilies))
}
