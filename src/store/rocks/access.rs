//! The contract of [`Store`], on RocksDB.

use std::ops::Range;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rocksdb::properties::{
    BLOCK_CACHE_USAGE, CUR_SIZE_ALL_MEM_TABLES, ESTIMATE_TABLE_READERS_MEM, PropName,
};
use rocksdb::{FlushOptions, WriteBatch};

use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};

use super::super::tail::Tail;
use super::super::term::TermKey;
use super::super::{
    Batch, ImportedRow, MemoryUse, OpeningKey, Posting, Postings, Pruned, ReadOrder, Rows, Store,
    StoreError, TileKey,
};
use super::tables::{
    ERASING_KEY, INDEXED_TO_KEY, RocksTable, be, note_key, number_in, opening_key, openings_from,
    posting_key, tile_key,
};
use super::{Access, RocksStore, of_rocks, options, run};

/// Tiles that are read at once by who reads a whole tree.
const MANY_TILES: usize = 64;

/// What a key has.
type Value = Result<Option<Vec<u8>>, StoreError>;

impl Store for RocksStore {
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut stopped = self.begin_write()?;
        let tail = self.tail().after(&batch)?;
        let write = self.write_batch(&batch)?;
        // Until the answer is known, it is not known what the disk holds.
        *stopped = true;
        // The commit point: one record of the write-ahead log, synced.
        let written = self.db.write_opt(write, &options::synced());
        let written = self.noted(written.map_err(of_rocks));
        *stopped = self.is_the_end(&written);
        written?;
        *self.tail.write().unwrap_or_else(PoisonError::into_inner) = tail;
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        if self.access != Access::Write {
            return Err(StoreError::ReadOnly);
        }
        self.check_not_moved()?;
        let tables: Result<Vec<_>, _> =
            RocksTable::ALL.into_iter().map(|t| self.table(t)).collect();
        let flush = FlushOptions::default();
        self.db.flush_cfs_opt(&tables?, &flush).map_err(of_rocks)
    }

    fn memory(&self) -> MemoryUse {
        let of = |table: RocksTable, property: &PropName| {
            let family = self.db.cf_handle(table.name());
            let bytes = family.and_then(|f| self.db.property_int_value_cf(f, property).ok()?);
            bytes.unwrap_or(0)
        };
        let sum = |property| RocksTable::ALL.into_iter().map(|t| of(t, property)).sum();
        MemoryUse {
            // One for all tables.
            cached: of(RocksTable::Entries, BLOCK_CACHE_USAGE),
            unwritten: sum(CUR_SIZE_ALL_MEM_TABLES),
            tables: sum(ESTIMATE_TABLE_READERS_MEM),
        }
    }

    fn scrub(&self) -> Result<(), StoreError> {
        self.scrub_derived()
    }

    fn scrub_on(&self, bytes: u64) -> Result<bool, StoreError> {
        self.read_on(bytes)
    }

    fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        self.check_free_space(bytes as u64)
    }

    fn pruned(&self) -> Result<Option<Pruned>, StoreError> {
        self.pruned_to()
    }

    fn prune(&self, to: &Pruned) -> Result<(), StoreError> {
        self.prune_to(to)
    }

    fn make_room(&self) -> Result<(), StoreError> {
        RocksStore::make_room(self)
    }

    fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        match self.get(RocksTable::Entries, &be(seq.0))? {
            None => self.archived_entry(seq),
            here => Ok(here),
        }
    }

    fn entries_of(&self, seqs: &[Seq]) -> Vec<Result<Option<Vec<u8>>, StoreError>> {
        let keys: Vec<_> = seqs.iter().map(|seq| be(seq.0)).collect();
        let found = match self.get_each(RocksTable::Entries, &keys) {
            Ok(found) => found,
            Err(error) => return seqs.iter().map(|_| Err(error.clone())).collect(),
        };
        let record = |(seq, found): (&Seq, Result<_, _>)| match found? {
            None => self.archived_entry(*seq),
            here => Ok(here),
        };
        seqs.iter().zip(found).map(record).collect()
    }

    fn entries(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.entry_rows(range, ReadOrder::Ascending)
    }

    fn entries_rev(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.entry_rows(range, ReadOrder::Descending)
    }

    fn last_seq(&self) -> Result<Option<Seq>, StoreError> {
        Ok(self.tail().last_seq)
    }

    fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, StoreError> {
        let seq = self.get(RocksTable::Hashes, hash.as_bytes())?;
        Ok(number_in(RocksTable::Hashes, seq)?.map(Seq))
    }

    fn epoch(&self, number: EpochNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RocksTable::Epochs, &be(number.0))
    }

    fn epochs(&self, from: EpochNumber) -> Rows<'_, EpochNumber> {
        Box::new(self.scan(RocksTable::Epochs, from.0.., ReadOrder::Ascending))
    }

    fn last_epoch(&self) -> Result<Option<EpochNumber>, StoreError> {
        Ok(self.tail().last_epoch)
    }

    fn epoch_of(&self, seq: Seq) -> Result<Option<EpochNumber>, StoreError> {
        // One row, and often the same one: it is read as single keys are.
        let mut read = options::reading();
        read.set_iterate_lower_bound(be(seq.0));
        let mut ends = self.scan_with(RocksTable::EpochEnds, read, ReadOrder::Ascending);
        let epoch = ends.next().transpose()?.map(|(_, epoch): (Seq, _)| epoch);
        Ok(number_in(RocksTable::EpochEnds, epoch)?.map(EpochNumber))
    }

    fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let wanted = keys;
        let keys: Vec<_> = keys.iter().map(tile_key).collect();
        // A path needs few tiles of a tree. Who asks for more reads all of them in order.
        let mut tiles = match keys.len() < MANY_TILES || !keys.is_sorted_by(|a, b| a < b) {
            true => {
                let found = self.get_each(RocksTable::Tiles, &keys)?;
                found.into_iter().collect::<Result<Vec<_>, _>>()?
            }
            false => self.walk(RocksTable::Tiles, &keys)?,
        };
        for (tile, key) in tiles.iter_mut().zip(wanted) {
            if tile.is_none() {
                *tile = self.archived_tile(key)?;
            }
        }
        Ok(tiles)
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RocksTable::Meta, key.as_bytes())
    }

    fn note(&self, hour: u64, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RocksTable::Meta, &note_key(hour, key))
    }

    fn openings(&self, range: Range<u64>) -> Rows<'_, OpeningKey> {
        if range.start >= range.end {
            return Box::new(std::iter::empty());
        }
        let mut read = options::scanning();
        read.set_iterate_lower_bound(openings_from(range.start));
        read.set_iterate_upper_bound(openings_from(range.end));
        Box::new(self.scan_with(RocksTable::Meta, read, ReadOrder::Ascending))
    }

    fn purge(&self) -> Result<(), StoreError> {
        self.purge_erased()
    }

    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError> {
        let mut stopped = self.begin_write()?;
        let imports = self.table(RocksTable::Imports)?;
        let mut write = WriteBatch::default();
        for (key, value) in rows {
            write.put_cf(imports, key, value);
        }
        *stopped = true;
        let written = self.db.write_opt(write, &options::synced());
        let written = self.noted(written.map_err(of_rocks));
        *stopped = self.is_the_end(&written);
        written
    }

    fn imported(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(RocksTable::Imports, key)
    }

    fn imported_rows(&self, range: Range<Vec<u8>>, order: ReadOrder) -> Rows<'_, Vec<u8>> {
        if range.start >= range.end {
            return Box::new(std::iter::empty());
        }
        let mut read = options::scanning();
        read.set_iterate_lower_bound(range.start);
        read.set_iterate_upper_bound(range.end);
        Box::new(self.scan_with(RocksTable::Imports, read, order))
    }

    fn index(&self, postings: &[Posting], indexed_to: u64) -> Result<(), StoreError> {
        if self.access != Access::Write {
            return Err(StoreError::ReadOnly);
        }
        let _no_other = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = self.indexed_to()?;
        if indexed_to < mark {
            return Ok(());
        }
        let index = self.table(RocksTable::Index)?;
        let mut batch = WriteBatch::default();
        // Sorted, the postings of a term follow each other, and the rows go
        // into the memtable in the order in which it is kept.
        let mut added: Vec<Posting> = postings
            .iter()
            .filter(|posting| posting.seq.0 >= mark)
            .copied()
            .collect();
        added.sort_unstable();
        run::rows(&added, |first, value| {
            batch.put_cf(index, posting_key(first), value);
        });
        batch.put_cf(index, INDEXED_TO_KEY, be(indexed_to));
        self.db
            .write_opt(batch, &options::unlogged())
            .map_err(of_rocks)
    }

    fn indexed_to(&self) -> Result<u64, StoreError> {
        if self.index_distrusted.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let mark = self.get(RocksTable::Index, INDEXED_TO_KEY)?;
        Ok(number_in(RocksTable::Index, mark)?.unwrap_or(0))
    }

    fn index_version(&self) -> u64 {
        self.index_version.load(Ordering::Relaxed)
    }

    fn postings(
        &self,
        term: &TermKey,
        order: ReadOrder,
    ) -> Result<Box<dyn Postings + '_>, StoreError> {
        Ok(Box::new(self.seek_postings(*term, order)?))
    }
}

impl RocksStore {
    /// Whether nothing more is written after such an answer.
    ///
    /// A disk without room is not an end. What failed is in no table, and the engine takes no
    /// write before it has found room, written its tables out and begun another log: then
    /// nothing reads the old one, or what of the write it holds.
    pub(super) fn is_the_end(&self, written: &Result<(), StoreError>) -> bool {
        let full = written.as_ref().is_err_and(StoreError::is_full);
        self.was_full.store(full, Ordering::Relaxed);
        written.is_err() && !full
    }

    fn tail(&self) -> Tail {
        *self.tail.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, table: RocksTable, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.table(table)?;
        let found = self.db.get_cf_opt(table, key, &options::reading());
        self.noted(found.map_err(of_rocks))
    }

    /// The values of `keys`, in that order, read together: neighbours share the blocks
    /// that lead to them.
    fn get_each<K: AsRef<[u8]> + Ord>(
        &self,
        table: RocksTable,
        keys: &[K],
    ) -> Result<Vec<Value>, StoreError> {
        let (family, sorted) = (self.table(table)?, keys.is_sorted());
        let found = self
            .db
            .batched_multi_get_cf_opt(family, keys, sorted, &options::reading());
        let value = |found: Result<Option<rocksdb::DBPinnableSlice<'_>>, _>| {
            let value = found.map(|value| value.map(|bytes| bytes.to_vec()));
            self.noted(value.map_err(of_rocks))
        };
        Ok(found.into_iter().map(value).collect())
    }

    /// What keys have that rise and lie close together: by one walk, which leaves the cache to
    /// others and reads the table's index once.
    fn walk<K: AsRef<[u8]>>(
        &self,
        table: RocksTable,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let mut read = options::scanning();
        if let (Some(first), Some(last)) = (keys.first(), keys.last()) {
            read.set_iterate_lower_bound(first.as_ref());
            read.set_iterate_upper_bound([last.as_ref(), &[0]].concat());
        }
        let mut raw = self.db.raw_iterator_cf_opt(self.table(table)?, read);
        raw.seek_to_first();
        let mut value = |key: &K| {
            let key = key.as_ref();
            if raw.key().is_some_and(|at| at < key) {
                raw.seek(key);
            }
            let found = raw.item().filter(|(at, _)| *at == key);
            let value = found.map(|(_, value)| value.to_vec());
            match value.is_some() {
                true => raw.next(),
                false => self.noted(raw.status().map_err(of_rocks))?,
            }
            Ok(value)
        };
        keys.iter().map(&mut value).collect()
    }

    /// Everything that a batch says, as one write.
    fn write_batch(&self, batch: &Batch) -> Result<WriteBatch, StoreError> {
        let (entries, hashes) = (
            self.table(RocksTable::Entries)?,
            self.table(RocksTable::Hashes)?,
        );
        let mut write = WriteBatch::default();
        for entry in &batch.entries {
            write.put_cf(entries, be(entry.seq.0), &entry.record);
            write.put_cf(hashes, entry.hash.as_bytes(), be(entry.seq.0));
        }
        let tiles = self.table(RocksTable::Tiles)?;
        for epoch in &batch.forget_trees {
            let end = epoch.0.saturating_add(1);
            write.delete_range_cf(tiles, be(epoch.0), be(end));
        }
        for (key, tile) in &batch.tiles {
            write.put_cf(tiles, tile_key(key), tile);
        }
        if let Some(epoch) = &batch.epoch {
            let (number, last_seq) = (be(epoch.number.0), be(epoch.last_seq.0));
            write.put_cf(self.table(RocksTable::Epochs)?, number, &epoch.header);
            write.put_cf(self.table(RocksTable::EpochEnds)?, last_seq, number);
        }
        for (key, value) in &batch.meta {
            write.put_cf(self.table(RocksTable::Meta)?, key, value);
        }
        let meta = self.table(RocksTable::Meta)?;
        if let Some(hour) = batch.forget_notes_before {
            write.delete_range_cf(meta, note_key(0, &[0; 32]), note_key(hour, &[0; 32]));
        }
        for note in &batch.notes {
            write.put_cf(meta, note_key(note.hour, &note.key), &note.value);
        }
        for (key, opening) in &batch.openings {
            write.put_cf(meta, opening_key(key), opening);
        }
        for key in &batch.erased {
            write.delete_cf(meta, opening_key(key));
        }
        if let Some(mark) = self.erasing_with(&batch.erased)? {
            write.put_cf(meta, ERASING_KEY, mark);
        }
        Ok(write)
    }
}
