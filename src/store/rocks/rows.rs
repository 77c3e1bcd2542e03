//! Readers over the keys of a table.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use rocksdb::{DB, DBRawIteratorWithThreadMode, ReadOptions};

use crate::ledger::position::{EpochNumber, Seq};

use super::super::{OpeningKey, ReadOrder, StoreError};
use super::tables::{RocksTable, be, number, read_opening_key};
use super::{RocksStore, of_rocks, options};

type Raw<'s> = DBRawIteratorWithThreadMode<'s, DB>;

/// What a table's keys stand for.
pub(super) trait RowKey: Send + Sized {
    fn from_bytes(table: RocksTable, bytes: &[u8]) -> Result<Self, StoreError>;
}

impl RowKey for u64 {
    fn from_bytes(table: RocksTable, bytes: &[u8]) -> Result<u64, StoreError> {
        number(table, bytes)
    }
}

impl RowKey for Seq {
    fn from_bytes(table: RocksTable, bytes: &[u8]) -> Result<Seq, StoreError> {
        number(table, bytes).map(Seq)
    }
}

impl RowKey for EpochNumber {
    fn from_bytes(table: RocksTable, bytes: &[u8]) -> Result<EpochNumber, StoreError> {
        number(table, bytes).map(EpochNumber)
    }
}

impl RowKey for OpeningKey {
    fn from_bytes(_: RocksTable, bytes: &[u8]) -> Result<OpeningKey, StoreError> {
        read_opening_key(bytes)
    }
}

impl RowKey for Vec<u8> {
    fn from_bytes(_: RocksTable, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        Ok(bytes.to_vec())
    }
}

pub(super) struct Scan<'s, K> {
    store: &'s RocksStore,
    table: RocksTable,
    order: ReadOrder,
    state: State<'s>,
    key: PhantomData<fn() -> K>,
}

enum State<'s> {
    /// The iterator stands before the row to give next.
    Standing(Raw<'s>),
    /// It could not even be made.
    Failed(StoreError),
    Ended,
}

impl RocksStore {
    pub(super) fn scan<K: RowKey>(
        &self,
        table: RocksTable,
        range: impl RangeBounds<u64>,
        order: ReadOrder,
    ) -> Scan<'_, K> {
        let mut read = options::scanning();
        if let Bound::Included(start) = range.start_bound() {
            read.set_iterate_lower_bound(be(*start));
        }
        if let Bound::Excluded(end) = range.end_bound() {
            read.set_iterate_upper_bound(be(*end));
            // Who asks for all that there is, reads all of it.
            if *end == u64::MAX && order == ReadOrder::Ascending {
                read.set_readahead_size(options::READ_AHEAD);
            }
        }
        self.scan_with(table, read, order)
    }

    /// All rows of `table`, whatever their keys.
    pub(super) fn scan_all(&self, table: RocksTable) -> Scan<'_, Vec<u8>> {
        self.scan_with(table, options::scrubbing(), ReadOrder::Ascending)
    }

    /// The rows of `table` that `read` leaves.
    pub(super) fn scan_with<K: RowKey>(
        &self,
        table: RocksTable,
        read: ReadOptions,
        order: ReadOrder,
    ) -> Scan<'_, K> {
        let state = match self.table(table) {
            Ok(family) => {
                let mut raw = self.db.raw_iterator_cf_opt(family, read);
                match order {
                    ReadOrder::Ascending => raw.seek_to_first(),
                    ReadOrder::Descending => raw.seek_to_last(),
                }
                State::Standing(raw)
            }
            Err(error) => State::Failed(error),
        };
        Scan {
            store: self,
            table,
            order,
            state,
            key: PhantomData,
        }
    }
}

impl<K: RowKey> Iterator for Scan<'_, K> {
    type Item = Result<(K, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Standing(mut raw) => {
                let row = self.store.noted(read_row(self.table, &raw)).transpose()?;
                if row.is_ok() {
                    match self.order {
                        ReadOrder::Ascending => raw.next(),
                        ReadOrder::Descending => raw.prev(),
                    }
                    self.state = State::Standing(raw);
                }
                Some(row)
            }
            State::Failed(error) => Some(Err(error)),
            State::Ended => None,
        }
    }
}

fn read_row<K: RowKey>(
    table: RocksTable,
    raw: &Raw<'_>,
) -> Result<Option<(K, Vec<u8>)>, StoreError> {
    match raw.item() {
        Some((key, value)) => Ok(Some((K::from_bytes(table, key)?, value.to_vec()))),
        // The end, or an error that looks like one.
        None => raw.status().map(|()| None).map_err(of_rocks),
    }
}
