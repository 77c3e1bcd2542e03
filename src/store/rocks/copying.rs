//! Copies of a ledger: a checkpoint where it is ours to write, row by row where
//! it is not.

use std::path::Path;
use std::sync::PoisonError;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{DB, FlushOptions, WriteBatch};

use super::creation::Building;
use super::lock::Lock;
use super::tables::Table;
use super::{Access, RocksStore, of_rocks, options};
use crate::store::{Corruption, StoreError};

/// Bytes of rows written together.
const STEP_BYTES: usize = 4 << 20;

impl RocksStore {
    /// Makes a copy of the ledger as it is now in `target`, which must not
    /// exist or be an empty directory. Commits wait for it; the files are
    /// linked and not copied where the file system can.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::ReadOnly`], [`StoreError::Corrupt`]
    /// and [`StoreError::Io`].
    pub fn checkpoint(&self, target: &Path) -> Result<(), StoreError> {
        if self.access != Access::Write {
            return Err(StoreError::ReadOnly);
        }
        let building = Building::begin(target)?;
        {
            let _no_commits = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
            let checkpoint = Checkpoint::new(&self.db).map_err(of_rocks)?;
            checkpoint
                .create_checkpoint(building.db_dir())
                .map_err(of_rocks)?;
        }
        finish(building)
    }

    /// Makes the same copy by reading every row of the ledger as this store
    /// sees it: for a store that only reads. `progress` is told the bytes
    /// copied so far.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Corrupt`] and [`StoreError::Io`].
    pub fn copy_rows(
        &self,
        target: &Path,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), StoreError> {
        let building = Building::begin(target)?;
        let copy = options::create(&building.db_dir()).map_err(of_rocks)?;
        let mut copied = 0;
        for table in Table::ALL {
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
        let tables: Result<Vec<_>, _> = Table::ALL
            .map(|t| family_of(&copy, t))
            .into_iter()
            .collect();
        copy.flush_cfs_opt(&tables?, &FlushOptions::default())
            .map_err(of_rocks)?;
        copy.cancel_all_background_work(true);
        drop(copy);
        finish(building)
    }
}

/// A checkpoint has no write-ahead log, which every ledger must have: opening
/// gives it one, and shows that it can be opened.
fn finish(building: Building) -> Result<(), StoreError> {
    drop(options::open(&building.db_dir()).map_err(of_rocks)?);
    drop(Lock::create(building.path())?);
    building.finish()?;
    Ok(())
}

fn family_of(db: &DB, table: Table) -> Result<&rocksdb::ColumnFamily, StoreError> {
    let family = db.cf_handle(table.name());
    family.ok_or(StoreError::corrupt(Corruption::ColumnFamilies))
}
