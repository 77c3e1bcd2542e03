//! Seeks through the runs of one term.

use rocksdb::{DB, DBRawIteratorWithThreadMode};

use crate::ledger::position::Seq;

use super::super::term::TermKey;
use super::super::{Posting, Postings, ReadOrder, StoreError};
use super::tables::{RocksTable, posting_key, posting_seq};
use super::{RocksStore, of_rocks, options, run};

/// A seek looks into every level, a step into none: it costs some tenth. So
/// the runs of frequent terms are walked, and those of rare ones leapt through.
const STEPS_BEFORE_SEEK: usize = 4;

/// The postings of one term, of which one run is at hand.
pub(super) struct RocksPostings<'s> {
    raw: DBRawIteratorWithThreadMode<'s, DB>,
    term: TermKey,
    order: ReadOrder,
    /// The run that the iterator stands on; empty before the first seek and
    /// where there is none.
    run: Vec<u64>,
    sought: bool,
}

impl RocksStore {
    pub(super) fn seek_postings(
        &self,
        term: TermKey,
        order: ReadOrder,
    ) -> Result<RocksPostings<'_>, StoreError> {
        let index = self.table(RocksTable::Index)?;
        Ok(RocksPostings {
            raw: self.db.raw_iterator_cf_opt(index, options::seeking()),
            term,
            order,
            run: Vec::new(),
            sought: false,
        })
    }
}

impl Postings for RocksPostings<'_> {
    fn seek(&mut self, at: Seq) -> Result<Option<Seq>, StoreError> {
        if self.sought {
            for _ in 0..STEPS_BEFORE_SEEK {
                if let Some(found) = self.in_run(at) {
                    return Ok(Some(found));
                }
                if !self.step()? {
                    return Ok(None);
                }
            }
        }
        self.sought = true;
        self.leap(at)?;
        // The run that begins before `at` may end before it, too.
        match self.in_run(at) {
            None if !self.run.is_empty() && self.step()? => Ok(self.in_run(at)),
            found => Ok(found),
        }
    }
}

impl RocksPostings<'_> {
    /// The first posting of the run at hand at `at` or beyond it.
    fn in_run(&self, at: Seq) -> Option<Seq> {
        let found = match self.order {
            ReadOrder::Ascending => {
                let before = self.run.partition_point(|seq| *seq < at.0);
                self.run.get(before)
            }
            ReadOrder::Descending => {
                let up_to = self.run.partition_point(|seq| *seq <= at.0);
                up_to.checked_sub(1).and_then(|last| self.run.get(last))
            }
        };
        found.copied().map(Seq)
    }

    /// Moves to the run that may hold `at`: the last that does not begin after
    /// it, or, going up, the first of all.
    fn leap(&mut self, at: Seq) -> Result<(), StoreError> {
        let key = posting_key(&Posting {
            term: self.term,
            seq: at,
        });
        self.raw.seek_for_prev(key);
        if !self.read()? && self.order == ReadOrder::Ascending {
            self.raw.seek(key);
            self.read()?;
        }
        Ok(())
    }

    /// Goes on to the next run, if there is one.
    fn step(&mut self) -> Result<bool, StoreError> {
        if self.raw.valid() {
            match self.order {
                ReadOrder::Ascending => self.raw.next(),
                ReadOrder::Descending => self.raw.prev(),
            }
        }
        self.read()
    }

    /// Reads the run that the iterator stands on, if that is still the term's.
    fn read(&mut self) -> Result<bool, StoreError> {
        self.run.clear();
        let Some((key, value)) = self.raw.item() else {
            // The end, or an error that looks like one.
            return self.raw.status().map(|()| false).map_err(of_rocks);
        };
        match posting_seq(&self.term, key)? {
            Some(first) => run::read(first.0, value, &mut self.run).map(|()| true),
            None => Ok(false),
        }
    }
}
