//! Reading for damage: everything at once, everything slowly, or a little of it.
//!
//! RocksDB verifies the checksum of every block that it reads, and reads only what it
//! is asked for. Damage in a block that nobody asks for would be built upon for years.
//! So every opening for writing reads some megabytes, which is all of a small ledger,
//! from where the opening before stopped; a writer that stays reads on behind its work;
//! and [`RocksStore::scrub_all`] reads everything, as slowly as it is told to.

use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rocksdb::ReadOptions;

use super::tables::{INDEXED_TO_KEY, RocksTable, SCRUBBED_KEY, number};
use super::{RocksStore, of_rocks, options, run};
use crate::store::StoreError;
use crate::store::term::TermKey;

/// Parts of a table that are read beside each other, by their keys' first byte.
const APART: u8 = 8;

/// Bytes that every opening for writing reads.
pub(super) const OPENING_BYTES: u64 = 4 << 20;

/// Bytes between two looks at the time.
const STEP_BYTES: u64 = 1 << 20;

/// How a ledger is read for damage.
pub struct Scrubbing<'p> {
    /// Bytes a second at most.
    pub bytes_per_second: u64,
    pub progress: &'p mut dyn FnMut(u64),
}

#[derive(Clone, Debug)]
pub struct Scrubbed {
    pub table: &'static str,
    pub rows: u64,
    pub bytes: u64,
    /// What is wrong with it. What comes after the damage was not read.
    pub damage: Option<StoreError>,
}

impl RocksStore {
    pub fn scrub_all(&self, how: &mut Scrubbing<'_>) -> Result<Vec<Scrubbed>, StoreError> {
        let (begun, mut done) = (Instant::now(), 0);
        let mut tables = Vec::with_capacity(RocksTable::ALL.len());
        for table in RocksTable::ALL {
            let (mut rows, mut bytes, mut due) = (0, 0, done + STEP_BYTES);
            let read = self.read_rows(table, options::scrubbing(), &[], &mut |row| {
                rows += 1;
                bytes += row;
                done += row;
                if done >= due {
                    due = done + STEP_BYTES;
                    let most = how.bytes_per_second.max(1);
                    let least = Duration::from_millis(done.saturating_mul(1_000) / most);
                    thread::sleep(least.saturating_sub(begun.elapsed()));
                    (how.progress)(done);
                }
                true
            });
            let damage = match read {
                Ok(_) => None,
                Err(error @ StoreError::Corrupt { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            tables.push(Scrubbed {
                table: table.name(),
                rows,
                bytes,
                damage,
            });
        }
        Ok(tables)
    }

    /// Reads everything beside the entries, on all cores: there are as many hashes as
    /// entries. Whatever a table's keys begin with, the parts hold all of them.
    pub(super) fn scrub_derived(&self) -> Result<(), StoreError> {
        let tables = RocksTable::ALL
            .into_iter()
            .filter(|t| *t != RocksTable::Entries);
        let parts: Vec<_> = tables
            .flat_map(|table| (0..APART).map(move |part| (table, part)))
            .collect();
        parts.into_par_iter().try_for_each(|(table, part)| {
            let mut read = options::scrubbing();
            let width = u8::MAX / APART + 1;
            if part > 0 {
                read.set_iterate_lower_bound([part * width]);
            }
            if part + 1 < APART {
                read.set_iterate_upper_bound([(part + 1) * width]);
            }
            self.read_rows(table, read, &[], &mut |_| true).map(drop)
        })
    }

    /// Reads some bytes from where the last call stopped, and notes where this one does.
    /// Nobody waits for the note to be on the disk: without it some is read again.
    pub(super) fn read_on(&self, bytes: u64) -> Result<bool, StoreError> {
        let noted = self
            .get(RocksTable::Index, SCRUBBED_KEY)?
            .unwrap_or_default();
        let (number, key) = noted.split_first().unwrap_or((&0, &[]));
        let begun = usize::from(*number) % RocksTable::ALL.len();
        let mut left = bytes;
        let mut passed_the_end = false;
        // All tables in a ring, and the beginning of the first at last.
        let ring = (begun..RocksTable::ALL.len()).chain(0..=begun);
        let mut from = key.to_vec();
        let mut stopped = None;
        for (step, (number, table)) in ring
            .filter_map(|n| Some((n, RocksTable::ALL.get(n)?)))
            .enumerate()
        {
            let last = step == RocksTable::ALL.len();
            passed_the_end |= step > 0 && number == 0;
            let mut read = options::scrubbing();
            if last {
                read.set_iterate_upper_bound(key.to_vec());
            }
            if last && key.is_empty() {
                break;
            }
            let ended = self.read_rows(*table, read, &from, &mut |row| {
                left = left.saturating_sub(row);
                left > 0
            })?;
            from.clear();
            if let Some(next) = ended {
                stopped = Some((number, next));
                break;
            }
        }
        if let Some((number, next)) = stopped {
            let number = u8::try_from(number).unwrap_or_default();
            let note = [&[number][..], &next].concat();
            let index = self.table(RocksTable::Index)?;
            self.db
                .put_cf_opt(index, SCRUBBED_KEY, note, &options::unlogged())
                .map_err(of_rocks)?;
            return Ok(passed_the_end);
        }
        // It is where it began.
        Ok(true)
    }

    /// Reads rows from the key `from` on, with their checksums, and the runs of the
    /// index; as long as `go_on`, which is told the bytes of each, says so. The key that
    /// would be next, if it did not come to the end.
    fn read_rows(
        &self,
        table: RocksTable,
        read: ReadOptions,
        from: &[u8],
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut rows = self.db.raw_iterator_cf_opt(self.table(table)?, read);
        let mut seqs = Vec::new();
        rows.seek_to_first();
        if !from.is_empty() {
            rows.seek(from);
        }
        while let Some((key, value)) = rows.item() {
            if table == RocksTable::Index && key.len() > INDEXED_TO_KEY.len() {
                let first = key.get(TermKey::BYTES..).unwrap_or_default();
                let first = self.noted(number(table, first))?;
                self.noted(run::read(first, value, &mut seqs))?;
            }
            let on = go_on((key.len() + value.len()) as u64);
            rows.next();
            if !on && let Some(next) = rows.key() {
                return Ok(Some(next.to_vec()));
            }
        }
        self.noted(rows.status().map_err(of_rocks)).map(|()| None)
    }
}
