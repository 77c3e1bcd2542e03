//! Readers over the keys of a table.

use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use rocksdb::{DB, DBRawIteratorWithThreadMode};

use crate::ledger::position::{EpochNumber, Seq};

use super::super::term::Term;
use super::super::{Order, Posting, Postings, StoreError};
use super::tables::{Table, be, number, posting_key, posting_seq};
use super::{RocksStore, of_rocks, options};

type Raw<'s> = DBRawIteratorWithThreadMode<'s, DB>;

/// What a table's eight-byte keys stand for.
pub(super) trait Key: Send {
    fn from_number(number: u64) -> Self;
}

impl Key for u64 {
    fn from_number(number: u64) -> u64 {
        number
    }
}

impl Key for Seq {
    fn from_number(number: u64) -> Seq {
        Seq(number)
    }
}

impl Key for EpochNumber {
    fn from_number(number: u64) -> EpochNumber {
        EpochNumber(number)
    }
}

/// The rows of a table in the order of its keys.
pub(super) struct Scan<'s, K> {
    table: Table,
    order: Order,
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
    /// The rows of `table` with keys in `range`.
    pub(super) fn scan<K: Key>(
        &self,
        table: Table,
        range: impl RangeBounds<u64>,
        order: Order,
    ) -> Scan<'_, K> {
        let mut read = options::scanning();
        if let Bound::Included(start) = range.start_bound() {
            read.set_iterate_lower_bound(be(*start));
        }
        if let Bound::Excluded(end) = range.end_bound() {
            read.set_iterate_upper_bound(be(*end));
        }
        let state = match self.table(table) {
            Ok(family) => {
                let mut raw = self.db.raw_iterator_cf_opt(family, read);
                match order {
                    Order::Ascending => raw.seek_to_first(),
                    Order::Descending => raw.seek_to_last(),
                }
                State::Standing(raw)
            }
            Err(error) => State::Failed(error),
        };
        Scan {
            table,
            order,
            state,
            key: PhantomData,
        }
    }

    /// The postings of `term`.
    pub(super) fn seek_postings(
        &self,
        term: Term,
        order: Order,
    ) -> Result<RocksPostings<'_>, StoreError> {
        let index = self.table(Table::Index)?;
        Ok(RocksPostings {
            raw: self.db.raw_iterator_cf_opt(index, options::seeking()),
            term,
            order,
            sought: false,
        })
    }
}

impl<K: Key> Iterator for Scan<'_, K> {
    type Item = Result<(K, Vec<u8>), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Standing(mut raw) => {
                let row = read_row(self.table, &raw).transpose()?;
                if row.is_ok() {
                    match self.order {
                        Order::Ascending => raw.next(),
                        Order::Descending => raw.prev(),
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

fn read_row<K: Key>(table: Table, raw: &Raw<'_>) -> Result<Option<(K, Vec<u8>)>, StoreError> {
    match raw.item() {
        Some((key, value)) => {
            let key = number(table, key)?;
            Ok(Some((K::from_number(key), value.to_vec())))
        }
        // The end, or an error that looks like one.
        None => raw.status().map(|()| None).map_err(of_rocks),
    }
}

/// A seek looks into every level, a step into none: it costs some tenth. So
/// the lists of frequent terms are walked, and those of rare ones leapt through.
const STEPS_BEFORE_SEEK: usize = 4;

/// Seeks through the postings of one term.
pub(super) struct RocksPostings<'s> {
    raw: Raw<'s>,
    term: Term,
    order: Order,
    sought: bool,
}

impl Postings for RocksPostings<'_> {
    fn seek(&mut self, at: Seq) -> Result<Option<Seq>, StoreError> {
        if self.sought {
            for _ in 0..STEPS_BEFORE_SEEK {
                match self.step()? {
                    Some(seq) if self.order.precedes(seq, at) => {}
                    found => return Ok(found),
                }
            }
        }
        let key = posting_key(&Posting {
            term: self.term,
            seq: at,
        });
        match self.order {
            Order::Ascending => self.raw.seek(key),
            Order::Descending => self.raw.seek_for_prev(key),
        }
        self.sought = true;
        self.standing()
    }
}

impl RocksPostings<'_> {
    /// Goes on to the next posting.
    fn step(&mut self) -> Result<Option<Seq>, StoreError> {
        if self.raw.valid() {
            match self.order {
                Order::Ascending => self.raw.next(),
                Order::Descending => self.raw.prev(),
            }
        }
        self.standing()
    }

    /// Where the iterator stands, if that is still in the term.
    fn standing(&self) -> Result<Option<Seq>, StoreError> {
        match self.raw.key() {
            Some(key) => posting_seq(&self.term, key),
            None => self.raw.status().map(|()| None).map_err(of_rocks),
        }
    }
}
