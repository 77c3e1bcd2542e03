//! Entries that went to where they are archived, and what is read of them.
//!
//! One synced write records how far the ledger is pruned and deletes what went: a crash
//! leaves an epoch here as a whole, or archived as a whole. Room is made behind it.
//!
//! Of a pruned epoch stay its header, the hashes of its entries, by which they are found,
//! what the index has of them, and all tiles but the full ones of the lowest level, which
//! are made again of the entries. Single entries may stay, too.

use std::ops::Range;
use std::sync::Arc;

use rocksdb::{BottommostLevelCompaction, CompactOptions, WriteBatch};

use crate::ledger::entry::Entry;
use crate::ledger::epoch::leaf_hash;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::tile::{TileId, WIDTH};

use super::super::archived::{self, Archive, Archived, PRUNED, Pruned};
use super::super::{Corruption, ReadOrder, Rows, Store, StoreError, TileKey};
use super::tables::{RocksTable, be, tile_key};
use super::{RocksStore, of_rocks, options};

/// In [`Table::Meta`]: up to which entry room was made.
const MADE_ROOM: &str = "pruned_room";

impl RocksStore {
    /// From where entries are read that were pruned. Only the first counts.
    pub fn attach(&self, archive: Arc<dyn Archive>) {
        let _ = self.archive.set(Arc::new(Archived::new(archive)));
    }

    /// Where entries are read from that were pruned, as people call it.
    pub fn archive_place(&self) -> Option<String> {
        self.archive.get().map(|archived| archived.place())
    }

    pub(super) fn pruned_to(&self) -> Result<Option<Pruned>, StoreError> {
        let Some(text) = self.get(RocksTable::Meta, PRUNED.as_bytes())? else {
            return Ok(None);
        };
        let row = StoreError::corrupt(Corruption::Row { table: "default" });
        Pruned::parse(&text).ok_or(row).map(Some)
    }

    fn edge(&self) -> Result<u64, StoreError> {
        Ok(self.pruned_to()?.map_or(0, |pruned| pruned.seq))
    }

    fn archived(&self) -> Result<Arc<Archived>, StoreError> {
        let archive = self.archive.get().cloned();
        let what = "older entries were pruned here, and no bucket is at hand to read them from";
        archive.ok_or_else(|| StoreError::Record {
            source: Arc::new(std::io::Error::other(what)),
        })
    }

    /// An entry that is not here.
    pub(super) fn archived_entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        if seq.0 >= self.edge()? {
            return Ok(None);
        }
        let header = archived::header_of(self, seq.0)?;
        let (first, records) = self.archived()?.epoch(&header)?.group(seq.0)?;
        let at = usize::try_from(seq.0.saturating_sub(first)).unwrap_or(usize::MAX);
        Ok(records.into_iter().nth(at))
    }

    /// The entries in `range`, from here and from the archive.
    pub(super) fn entry_rows(&self, range: Range<u64>, order: ReadOrder) -> Rows<'_, Seq> {
        let failed = |error| Box::new(std::iter::once(Err(error)));
        loop {
            let edge = match self.edge() {
                Ok(edge) => edge,
                Err(error) => return failed(error),
            };
            let local = edge.max(range.start)..range.end;
            let here = self.scan(RocksTable::Entries, local, order);
            // What was pruned before it stood is not in it.
            match self.edge() {
                Ok(again) if again == edge => {}
                Ok(_) => continue,
                Err(error) => return failed(error),
            }
            if edge <= range.start {
                return Box::new(here);
            }
            let archived = match self.archived() {
                Ok(archived) => archived,
                Err(error) => return failed(error),
            };
            let gone = range.start..edge.min(range.end);
            let gone = archived::rows(archived, self, gone, order);
            return match order {
                ReadOrder::Ascending => Box::new(gone.chain(here)),
                ReadOrder::Descending => Box::new(here.chain(gone)),
            };
        }
    }

    /// A tile that is not here.
    pub(super) fn archived_tile(&self, key: &TileKey) -> Result<Option<Vec<u8>>, StoreError> {
        let pruned = self.pruned_to()?.unwrap_or_default();
        if key.tile.level > 0 || key.epoch.0 >= pruned.epochs {
            return Ok(None);
        }
        let header = archived::header_at(self, key.epoch)?;
        if key.tile.index >= header.tree_size / WIDTH {
            return Ok(None);
        }
        let first = header.first_seq.0.saturating_add(key.tile.index * WIDTH);
        let (_, records) = self.archived()?.epoch(&header)?.group(first)?;
        let mut tile = Vec::new();
        for record in records {
            let entry = Entry::from_record(record).map_err(|error| StoreError::Archived {
                epoch: key.epoch,
                detail: error.to_string(),
            })?;
            tile.extend_from_slice(leaf_hash(&entry.hash(), &entry.signature()).as_bytes());
        }
        Ok(Some(tile))
    }

    pub(super) fn prune_to(&self, to: &Pruned) -> Result<(), StoreError> {
        let mut stopped = self.begin_write()?;
        let from = self.pruned_to()?.unwrap_or_default();
        let (entries, tiles) = (
            self.table(RocksTable::Entries)?,
            self.table(RocksTable::Tiles)?,
        );
        let mut write = WriteBatch::default();
        let mut begin = 0;
        for end in to.kept.iter().copied().chain([to.seq]) {
            if begin < end {
                write.delete_range_cf(entries, be(begin), be(end));
            }
            begin = end.saturating_add(1);
        }
        for number in from.epochs..to.epochs {
            let epoch = EpochNumber(number);
            let size = archived::header_at(self, epoch)?.tree_size;
            let key = |index| {
                let tile = TileId { level: 0, index };
                tile_key(&TileKey { epoch, tile })
            };
            write.delete_range_cf(tiles, key(0), key(size / WIDTH));
        }
        write.put(PRUNED, to.text());
        *stopped = true;
        let written = self.db.write_opt(write, &options::synced());
        let written = self.noted(written.map_err(of_rocks));
        *stopped = self.is_the_end(&written);
        written
    }

    /// Gives the room of what was pruned back to the disk, if that was not done.
    pub(super) fn make_room(&self) -> Result<(), StoreError> {
        let Some(to) = self.pruned_to()? else {
            return Ok(());
        };
        if self.get(RocksTable::Meta, MADE_ROOM.as_bytes())? == Some(to.text().into_bytes()) {
            return Ok(());
        }
        self.flush()?;
        let mut forced = CompactOptions::default();
        // Else files in which nothing overlaps are moved, with all that is deleted in them.
        forced.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        for (table, end) in [
            (RocksTable::Entries, to.seq),
            (RocksTable::Tiles, to.epochs),
        ] {
            let family = self.table(table)?;
            let end = be(end);
            self.db
                .compact_range_cf_opt(family, None::<&[u8]>, Some(&end[..]), &forced);
        }
        let written = self.db.put_opt(MADE_ROOM, to.text(), &options::synced());
        self.noted(written.map_err(of_rocks))
    }
}
