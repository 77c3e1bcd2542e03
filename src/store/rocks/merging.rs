//! Few files, whatever the pattern of writes.
//!
//! Every process that writes leaves its rows in new tables, however few they are.
//! RocksDB merges those that overlap; those of a table whose keys only grow it moves
//! down as they are, and they would be as many as there were processes. So a writer
//! that opens a ledger merges what has become too much, before it writes.
//!
//! A merge takes the smallest files, and each next one that is not much larger than
//! those together. So sizes grow by a factor from file to file, there are never many,
//! and a row is written again a logarithmic number of times: one append among a
//! hundred thousand costs what one among a hundred does.

use rocksdb::{BottommostLevelCompaction, CompactOptions, WaitForCompactOptions};

use super::tables::RocksTable;
use super::{RocksStore, of_rocks};
use crate::store::StoreError;

/// Small files that a table may have.
const MOST_FILES: usize = 8;

/// A file of so many bytes is not small: tables that are filled in one go have
/// such ones.
const SMALL_BYTES: usize = 24 << 20;

/// A file is merged with smaller ones if it has at most so many times their bytes.
const FACTOR: usize = 6;

struct TableFile {
    bytes: usize,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl RocksStore {
    /// Merges the small files of every table that has too many.
    pub(super) fn merge_small_files(&self) -> Result<(), StoreError> {
        let mut files = self.small_files()?;
        if files.iter().all(|(_, files)| files.len() <= MOST_FILES) {
            return Ok(());
        }
        // Whatever RocksDB itself finds to be merged comes first. A table whose rows go
        // everywhere is in order then, unless an earlier version left it in pieces.
        self.db
            .wait_for_compact(&WaitForCompactOptions::default())
            .map_err(of_rocks)?;
        files = self.small_files()?;
        files.retain(|(_, files)| files.len() > MOST_FILES);
        for (table, files) in files {
            let mut forced = CompactOptions::default();
            // Else files that overlap nothing are moved, and stay as many.
            forced.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
            let family = self.table(table)?;
            let (first, last) = match table.overlaps() {
                true => (None, None),
                false => range_to_merge(files),
            };
            self.db.compact_range_cf_opt(family, first, last, &forced);
        }
        Ok(())
    }

    fn small_files(&self) -> Result<Vec<(RocksTable, Vec<TableFile>)>, StoreError> {
        let mut of_tables = RocksTable::ALL.map(|table| (table, Vec::new()));
        for file in self.db.live_files().map_err(of_rocks)? {
            let table = of_tables
                .iter_mut()
                .find(|(table, _)| table.name() == file.column_family_name);
            if file.size < SMALL_BYTES
                && let Some((_, files)) = table
            {
                files.push(TableFile {
                    bytes: file.size,
                    first: file.start_key.unwrap_or_default(),
                    last: file.end_key.unwrap_or_default(),
                });
            }
        }
        Ok(of_tables.into())
    }
}

/// The keys of the files to merge.
fn range_to_merge(mut files: Vec<TableFile>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    files.sort_by_key(|file| file.bytes);
    let mut bytes = 0;
    let mut range: Option<(Vec<u8>, Vec<u8>)> = None;
    for (count, file) in files.into_iter().enumerate() {
        if count >= MOST_FILES / 2 && file.bytes > FACTOR * bytes {
            break;
        }
        bytes += file.bytes;
        range = Some(match range {
            None => (file.first, file.last),
            Some((first, last)) => (first.min(file.first), last.max(file.last)),
        });
    }
    range.unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(at: u8, bytes: usize) -> TableFile {
        TableFile {
            bytes,
            first: vec![at],
            last: vec![at, 9],
        }
    }

    #[test]
    fn the_small_files_are_merged_and_a_large_one_is_left() {
        let large = [file(0, 10_000_000), file(1, 900_000)];
        let small = (2..11).map(|at| file(at, 1_000));
        let range = range_to_merge(large.into_iter().chain(small).collect());
        assert_eq!(range, (Some(vec![2]), Some(vec![10, 9])));
    }

    #[test]
    fn files_of_like_size_are_merged_together() {
        let files = (0..20)
            .map(|at| file(at, 1_000 + usize::from(at)))
            .collect();
        let range = range_to_merge(files);
        assert_eq!(range, (Some(vec![0]), Some(vec![19, 9])));
    }
}
