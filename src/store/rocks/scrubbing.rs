//! Reading for damage: everything at once, everything slowly, or a little of it.
//!
//! RocksDB verifies the checksum of every block that it reads, and reads only what it
//! is asked for. Damage in a block that nobody asks for would be built upon for years.
//! So every opening for writing reads a part of each table, another one each time, which
//! is all of a small ledger; and [`RocksStore::scrub_all`] reads everything, as slowly
//! as it is told to, so that it can be done beside other work.

use std::thread;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rocksdb::ReadOptions;

use super::tables::{INDEXED_TO_KEY, Table, be, number};
use super::{RocksStore, of_rocks, options, run};
use crate::store::term::Term;
use crate::store::{Store, StoreError};

/// Parts of a table that are read beside each other, by their keys' first byte.
const APART: u8 = 8;

/// Bytes of each table that every opening for writing reads.
const SAMPLE_BYTES: u64 = 512 << 10;

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
        let mut tables = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
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
                Ok(()) => None,
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
        let tables = Table::ALL.into_iter().filter(|t| *t != Table::Entries);
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
            self.read_rows(table, read, &[], &mut |_| true)
        })
    }

    /// Reads a little of every table, from any place on.
    pub(super) fn read_a_sample(&self) -> Result<(), StoreError> {
        let mut random = [0; 8];
        if getrandom::fill(&mut random).is_err() {
            random = [0; 8];
        }
        let random = u64::from_le_bytes(random);
        for table in Table::ALL {
            let small = self.table_bytes(table)? <= SAMPLE_BYTES;
            let last = match table {
                _ if small => 0,
                Table::Entries => self.last_seq()?.unwrap_or_default().0,
                Table::Epochs | Table::Tiles => self.last_epoch()?.unwrap_or_default().0,
                _ => u64::MAX - 1,
            };
            let from = if small { 0 } else { random % (last + 1) };
            let mut left = SAMPLE_BYTES;
            self.read_rows(table, options::scrubbing(), &be(from), &mut |row| {
                left = left.saturating_sub(row);
                small || left > 0
            })?;
        }
        Ok(())
    }

    fn table_bytes(&self, table: Table) -> Result<u64, StoreError> {
        let family = self.table(table)?;
        let bytes = self
            .db
            .property_int_value_cf(family, rocksdb::properties::LIVE_SST_FILES_SIZE);
        Ok(bytes.map_err(of_rocks)?.unwrap_or(0))
    }

    /// Reads rows from the key `from` on, with their checksums, and the runs of the
    /// index; as long as `go_on`, which is told the bytes of each, says so.
    fn read_rows(
        &self,
        table: Table,
        read: ReadOptions,
        from: &[u8],
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), StoreError> {
        let mut rows = self.db.raw_iterator_cf_opt(self.table(table)?, read);
        let mut seqs = Vec::new();
        rows.seek_to_first();
        if !from.is_empty() {
            rows.seek(from);
        }
        while let Some((key, value)) = rows.item() {
            if table == Table::Index && key.len() > INDEXED_TO_KEY.len() {
                let first = key.get(Term::BYTES..).unwrap_or_default();
                let first = self.noted(number(table, first))?;
                self.noted(run::read(first, value, &mut seqs))?;
            }
            if !go_on((key.len() + value.len()) as u64) {
                return Ok(());
            }
            rows.next();
        }
        self.noted(rows.status().map_err(of_rocks))
    }
}
