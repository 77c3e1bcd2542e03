//! What was erased leaves the files, too.
//!
//! A deletion hides a row: its bytes stay in the write-ahead log until that is dropped,
//! and in tables until they are rewritten. So a commit that erases notes between which
//! entries it did, in the same write. Then all that is in memory is written out, the old
//! logs go, the tables that may have the rows are rewritten, and only then the note goes.
//! A crash in between leaves the note, and the next opening for writing does it again.
//!
//! What is not reached: blocks that the file system freed and did not overwrite, copies
//! that were made before, and files that a reader still holds open.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use crate::store::listing;
use crate::store::{Corruption, OpeningKey, Store as _, StoreError};

use super::tables::{ERASING_KEY, RocksTable, be, openings_from};
use super::{DB_DIR, RocksStore, of_rocks, options};

/// How often it is looked whether the engine's thread has removed what is obsolete.
const LOOKS: u32 = 1_000;

/// How long between two looks.
const BETWEEN: Duration = Duration::from_millis(10);

impl RocksStore {
    /// The note for a commit that erases these; none if it erases nothing.
    pub(super) fn erasing_with(
        &self,
        erased: &[OpeningKey],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let seqs = erased.iter().map(|key| key.seq.0);
        let Some((first, last)) = seqs.clone().min().zip(seqs.max()) else {
            return Ok(None);
        };
        let (first, last) = match self.erasing()? {
            Some((from, to)) => (from.min(first), to.max(last)),
            None => (first, last),
        };
        Ok(Some([be(first), be(last)].concat()))
    }

    /// Between which entries openings were erased that may be in files still.
    fn erasing(&self) -> Result<Option<(u64, u64)>, StoreError> {
        let note = self.get(RocksTable::Meta, ERASING_KEY.as_bytes())?;
        let Some(note) = note.filter(|note| !note.is_empty()) else {
            return Ok(None);
        };
        let wrong = || StoreError::corrupt(Corruption::Row { table: "default" });
        let (first, last) = note.split_first_chunk::<8>().ok_or_else(wrong)?;
        let last = <[u8; 8]>::try_from(last).map_err(|_| wrong())?;
        Ok(Some((u64::from_be_bytes(*first), u64::from_be_bytes(last))))
    }

    pub(super) fn purge_erased(&self) -> Result<(), StoreError> {
        let Some((first, last)) = self.erasing()? else {
            return Ok(());
        };
        // Once more, so that there is something to write out, and another log begins.
        self.note_erasing(&[be(first), be(last)].concat())?;
        let logs = self.logs()?;
        self.flush()?;
        let (from, to) = (openings_from(first), openings_from(last.saturating_add(1)));
        let tables = self.tables_between(&from, &to)?;
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(true);
        // A table at the bottom would be left as it is.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        let meta = self.table(RocksTable::Meta)?;
        // The engine does not say whether it did: that the old files are gone does. Asked for
        // the range alone, it may leave a table at the bottom as it is; so all are rewritten.
        let whole = None::<&[u8]>;
        self.db.compact_range_cf_opt(meta, whole, whole, &options);
        let left = self.tables_between(&from, &to)?;
        let stayed = tables.intersection(&left).next().cloned();
        self.wait_for_removal(logs.into_iter().chain(tables), stayed)?;
        self.note_erasing(&[])
    }

    fn note_erasing(&self, note: &[u8]) -> Result<(), StoreError> {
        let meta = self.table(RocksTable::Meta)?;
        let put = self
            .db
            .put_cf_opt(meta, ERASING_KEY, note, &options::synced());
        put.map_err(of_rocks)
    }

    fn logs(&self) -> Result<BTreeSet<String>, StoreError> {
        let names = listing::names(&self.dir.join(DB_DIR))?;
        let is_log = |name: &OsString| Path::new(name).extension() == Some("log".as_ref());
        let logs = names.into_iter().filter(is_log);
        Ok(logs
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }

    /// The table files that may have a row with a key between these.
    fn tables_between(&self, from: &[u8], to: &[u8]) -> Result<BTreeSet<String>, StoreError> {
        let files = self.db.live_files().map_err(of_rocks)?.into_iter();
        let own = files.filter(|file| file.column_family_name == RocksTable::Meta.name());
        let between = own.filter(|file| {
            let (start, end) = (file.start_key.as_deref(), file.end_key.as_deref());
            start.is_none_or(|start| start < to) && end.is_none_or(|end| end >= from)
        });
        Ok(between
            .map(|file| file.name.trim_start_matches('/').to_owned())
            .collect())
    }

    /// The engine removes what is obsolete when a write-out or rewriting has ended, which
    /// may be just after it was answered.
    fn wait_for_removal(
        &self,
        names: impl Iterator<Item = String>,
        stayed: Option<String>,
    ) -> Result<(), StoreError> {
        let dir = self.dir.join(DB_DIR);
        let not_gone = |name: String| StoreError::NotErased {
            file: dir.join(name),
        };
        if let Some(name) = stayed {
            return Err(not_gone(name));
        }
        for name in names {
            let mut looks = 0;
            while dir.join(&name).exists() {
                looks += 1;
                if looks > LOOKS {
                    return Err(not_gone(name));
                }
                thread::sleep(BETWEEN);
            }
        }
        Ok(())
    }
}
