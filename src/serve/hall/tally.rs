//! How many decisions: counted from the ledger, each entry once.

use std::sync::{Mutex, PoisonError};

use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::record::kind;
use crate::serve::problem::Problem;
use crate::store::Store;
use crate::store::facts::Facts;
use crate::store::query::{Filter, select};
use crate::store::term::SearchField;

/// Entries that are counted in one go, so that nobody waits long for the lock.
const STEP: u64 = 50_000;

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// The counts so far.
#[derive(Debug, Default)]
pub(in crate::serve) struct Tally(Mutex<DecisionCounts>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::serve) struct DecisionCounts {
    counted_to: u64,
    /// The day of the newest decision, in days since 1970.
    day: i64,
    pub(in crate::serve) total: u64,
    pub(in crate::serve) today: u64,
    pub(in crate::serve) denied_today: u64,
}

impl Tally {
    pub(in crate::serve) fn counts(
        &self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<DecisionCounts, Problem> {
        let mut counts = loop {
            if let Some(counts) = self.step(store)? {
                break counts;
            }
        };
        if counts.day != day(now) {
            (counts.today, counts.denied_today) = (0, 0);
        }
        Ok(counts)
    }

    /// Counts some more; the counts if that was all.
    fn step(&self, store: &dyn Store) -> Result<Option<DecisionCounts>, Problem> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = store.count()?;
        let until = end.min(counts.counted_to.saturating_add(STEP));
        if counts.counted_to < until {
            let filter = Filter {
                kinds: vec![kind::DECISION.to_owned()],
                from_seq: Some(Seq(counts.counted_to)),
                until_seq: Some(Seq(until - 1)),
                ..Filter::default()
            };
            let mut more = *counts;
            for item in select(store, &filter)? {
                let (_, entry) = item?;
                if day(entry.ts()) != more.day {
                    more.day = day(entry.ts());
                    (more.today, more.denied_today) = (0, 0);
                }
                more.total += 1;
                more.today += 1;
                more.denied_today += u64::from(Facts::of(&entry).has(SearchField::Denied, "true"));
            }
            more.counted_to = until;
            *counts = more;
        }
        Ok((until == end).then_some(*counts))
    }
}

fn day(ts: Timestamp) -> i64 {
    ts.unix_micros().div_euclid(DAY)
}
