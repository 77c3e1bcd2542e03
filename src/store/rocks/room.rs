//! Room on the disk, looked at before a write.
//!
//! A write that is refused before it is begun leaves nothing open. One that fails for want
//! of room may be on the disk in part, so the engine takes no more before it has written
//! out what it has, and begun another log. It looks every few seconds whether there is
//! room for the largest table that it may have in memory.

use std::path::Path;
use std::sync::atomic::Ordering;

use rocksdb::properties::CUR_SIZE_ALL_MEM_TABLES;

use super::tables::RocksTable;
use super::{RocksStore, options};
use crate::store::{StoreError, listing};

/// Beyond so many free bytes it is not looked closer.
const PLENTY: u64 = 1 << 30;

/// What is to be left for manifests and logs of the database.
const LEFT: u64 = 2 << 20;

/// What opening writes beside what the logs hold: options, a manifest, another log.
const OPENING: u64 = 256 << 10;

/// That there is room to open the database in `path` for writing: what its logs hold
/// becomes tables, and whatever the engine then says of a full disk is about itself.
pub(super) fn check_room(path: &Path) -> Result<(), StoreError> {
    let Ok(seen) = rustix::fs::statvfs(path) else {
        return Ok(());
    };
    let free = seen.f_bavail.saturating_mul(seen.f_frsize);
    if free >= PLENTY {
        return Ok(());
    }
    let mut needed = OPENING;
    for name in listing::names(path)? {
        if name.to_string_lossy().ends_with(".log") {
            let log = std::fs::metadata(path.join(name));
            needed = needed.saturating_add(log.map_or(0, |log| log.len()));
        }
    }
    match free < needed {
        true => Err(StoreError::NoRoom { free, needed }),
        false => Ok(()),
    }
}

impl RocksStore {
    pub(super) fn check_free_space(&self, bytes: u64) -> Result<(), StoreError> {
        // A folder that is gone is the commit's to name.
        let Ok(seen) = rustix::fs::statvfs(&self.dir) else {
            return Ok(());
        };
        let free = seen.f_bavail.saturating_mul(seen.f_frsize);
        if free >= PLENTY {
            return Ok(());
        }
        // Sooner or later what is in memory becomes tables, beside the logs that have
        // it already.
        let unwritten: u64 = RocksTable::ALL
            .into_iter()
            .filter_map(|table| {
                let family = self.db.cf_handle(table.name())?;
                let bytes = self
                    .db
                    .property_int_value_cf(family, CUR_SIZE_ALL_MEM_TABLES);
                bytes.ok().flatten()
            })
            .sum();
        let mut needed = unwritten + bytes.saturating_mul(2) + LEFT;
        if self.was_full.load(Ordering::Relaxed) {
            needed = needed.max(LEFT + options::LARGEST_MEMTABLE as u64);
        }
        if free < needed {
            return Err(StoreError::NoRoom { free, needed });
        }
        Ok(())
    }
}
