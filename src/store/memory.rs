//! A store that forgets: for tests, and for logs that are read from a file.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};

use super::tail::Tail;
use super::term::TermKey;
use super::{
    Batch, ImportedRow, OpeningKey, Posting, Postings, ReadOrder, Rows, Store, StoreError, TileKey,
};

/// A store in memory. "Durable" means here: until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: RwLock<MemoryTables>,
}

#[derive(Debug, Default)]
struct MemoryTables {
    entries: BTreeMap<Seq, Vec<u8>>,
    hashes: BTreeMap<Hash, Seq>,
    epochs: BTreeMap<EpochNumber, Vec<u8>>,
    epoch_ends: BTreeMap<Seq, EpochNumber>,
    tiles: BTreeMap<TileKey, Vec<u8>>,
    meta: BTreeMap<String, Vec<u8>>,
    notes: BTreeMap<(u64, [u8; 32]), Vec<u8>>,
    openings: BTreeMap<OpeningKey, Vec<u8>>,
    index: BTreeMap<Posting, ()>,
    indexed_to: u64,
    imports: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryStore {
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A panic elsewhere leaves the tables whole: no write here can stop in
    /// the middle.
    fn read(&self) -> RwLockReadGuard<'_, MemoryTables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, MemoryTables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock again for every row, so that a reader who pauses blocks
    /// no writer.
    fn rows<K: Copy + Send + 'static>(
        &self,
        next: impl Fn(&MemoryTables, Option<K>) -> Option<(K, Vec<u8>)> + Send + 'static,
    ) -> Rows<'_, K> {
        let mut last = None;
        Box::new(std::iter::from_fn(move || {
            let (key, value) = next(&self.read(), last)?;
            last = Some(key);
            Some(Ok((key, value)))
        }))
    }
}

impl MemoryTables {
    fn tail(&self) -> Tail {
        Tail {
            last_seq: self.entries.keys().next_back().copied(),
            last_epoch: self.epochs.keys().next_back().copied(),
        }
    }
}

impl Store for MemoryStore {
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut tables = self.write();
        tables.tail().after(&batch)?;
        for entry in batch.entries {
            tables.hashes.insert(entry.hash, entry.seq);
            tables.entries.insert(entry.seq, entry.record);
        }
        let gone = batch.forget_trees;
        tables.tiles.retain(|key, _| !gone.contains(&key.epoch));
        tables.tiles.extend(batch.tiles);
        if let Some(epoch) = batch.epoch {
            tables.epoch_ends.insert(epoch.last_seq, epoch.number);
            tables.epochs.insert(epoch.number, epoch.header);
        }
        let meta = batch.meta.into_iter().map(|(k, v)| (k.to_owned(), v));
        tables.meta.extend(meta);
        if let Some(hour) = batch.forget_notes_before {
            tables.notes = tables.notes.split_off(&(hour, [0; 32]));
        }
        let notes = batch.notes.into_iter();
        let notes = notes.map(|note| ((note.hour, note.key), note.value));
        tables.notes.extend(notes);
        tables.openings.extend(batch.openings);
        for key in &batch.erased {
            tables.openings.remove(key);
        }
        Ok(())
    }

    fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().entries.get(&seq).cloned())
    }

    fn entries(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.rows(move |tables, last: Option<Seq>| {
            let start = last.map_or(Some(Seq(range.start)), Seq::next)?;
            let end = Seq(range.end);
            let row = (start < end).then(|| tables.entries.range(start..end).next())??;
            Some((*row.0, row.1.clone()))
        })
    }

    fn entries_rev(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.rows(move |tables, last: Option<Seq>| {
            let (start, end) = (Seq(range.start), last.unwrap_or(Seq(range.end)));
            let row = (start < end).then(|| tables.entries.range(start..end).next_back())??;
            Some((*row.0, row.1.clone()))
        })
    }

    fn last_seq(&self) -> Result<Option<Seq>, StoreError> {
        Ok(self.read().tail().last_seq)
    }

    fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, StoreError> {
        Ok(self.read().hashes.get(hash).copied())
    }

    fn epoch(&self, number: EpochNumber) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().epochs.get(&number).cloned())
    }

    fn epochs(&self, from: EpochNumber) -> Rows<'_, EpochNumber> {
        self.rows(move |tables, last: Option<EpochNumber>| {
            let start = last.map_or(Some(from), EpochNumber::next)?;
            let row = tables.epochs.range(start..).next()?;
            Some((*row.0, row.1.clone()))
        })
    }

    fn last_epoch(&self) -> Result<Option<EpochNumber>, StoreError> {
        Ok(self.read().tail().last_epoch)
    }

    fn epoch_of(&self, seq: Seq) -> Result<Option<EpochNumber>, StoreError> {
        Ok(self.read().epoch_ends.range(seq..).next().map(|row| *row.1))
    }

    fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let tables = self.read();
        Ok(keys
            .iter()
            .map(|key| tables.tiles.get(key).cloned())
            .collect())
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().meta.get(key).cloned())
    }

    fn note(&self, hour: u64, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().notes.get(&(hour, *key)).cloned())
    }

    fn openings(&self, range: Range<u64>) -> Rows<'_, OpeningKey> {
        self.rows(move |tables, last: Option<OpeningKey>| {
            let first = OpeningKey {
                seq: Seq(range.start),
                commitment: Hash::ZERO,
            };
            let after = last.map_or(Bound::Included(first), Bound::Excluded);
            let row = tables.openings.range((after, Bound::Unbounded)).next()?;
            (row.0.seq < Seq(range.end)).then(|| (*row.0, row.1.clone()))
        })
    }

    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError> {
        self.write().imports.extend(rows.iter().cloned());
        Ok(())
    }

    fn imported(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().imports.get(key).cloned())
    }

    fn imported_rows(&self, range: Range<Vec<u8>>, order: ReadOrder) -> Rows<'_, Vec<u8>> {
        let mut left = range;
        Box::new(std::iter::from_fn(move || {
            let tables = self.read();
            let rows = (left.start < left.end).then(|| tables.imports.range(left.clone()));
            let (key, value) = match order {
                ReadOrder::Ascending => rows?.next()?,
                ReadOrder::Descending => rows?.next_back()?,
            };
            match order {
                // The least key that is greater.
                ReadOrder::Ascending => left.start = [key.as_slice(), &[0]].concat(),
                ReadOrder::Descending => left.end.clone_from(key),
            }
            Some(Ok((key.clone(), value.clone())))
        }))
    }

    fn index(&self, postings: &[Posting], indexed_to: u64) -> Result<(), StoreError> {
        let mut tables = self.write();
        let mark = tables.indexed_to;
        if indexed_to < mark {
            return Ok(());
        }
        let added = postings.iter().filter(|posting| posting.seq.0 >= mark);
        tables.index.extend(added.map(|posting| (*posting, ())));
        tables.indexed_to = indexed_to;
        Ok(())
    }

    fn indexed_to(&self) -> Result<u64, StoreError> {
        Ok(self.read().indexed_to)
    }

    fn postings(
        &self,
        term: &TermKey,
        order: ReadOrder,
    ) -> Result<Box<dyn Postings + '_>, StoreError> {
        Ok(Box::new(MemoryPostings {
            store: self,
            term: *term,
            order,
        }))
    }
}

struct MemoryPostings<'s> {
    store: &'s MemoryStore,
    term: TermKey,
    order: ReadOrder,
}

impl Postings for MemoryPostings<'_> {
    fn seek(&mut self, at: Seq) -> Result<Option<Seq>, StoreError> {
        let tables = self.store.read();
        let posting = |seq| Posting {
            term: self.term,
            seq,
        };
        let found = match self.order {
            ReadOrder::Ascending => tables
                .index
                .range(posting(at)..=posting(Seq(u64::MAX)))
                .next(),
            ReadOrder::Descending => tables
                .index
                .range(posting(Seq::FIRST)..=posting(at))
                .next_back(),
        };
        Ok(found.map(|(posting, ())| posting.seq))
    }
}
