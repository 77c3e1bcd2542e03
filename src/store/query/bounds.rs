//! Which stretch of the log a filter's positions and times leave.

use std::ops::Range;

use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;

use super::{Filter, QueryError, Store, read};

pub(super) fn range(store: &dyn Store, filter: &Filter) -> Result<Range<u64>, QueryError> {
    let count = store.count()?;
    let end = filter
        .until_seq
        .map_or(count, |until| until.0.saturating_add(1).min(count));
    let mut range = filter.from_seq.map_or(0, |from| from.0).min(end)..end;
    if let Some(since) = filter.since {
        range.start = first(store, &range, |ts| ts >= since)?;
    }
    if let Some(until) = filter.until {
        range.end = first(store, &range, |ts| ts > until)?;
    }
    Ok(range)
}

/// The first entry of the range whose time is `late`, or the range's end.
fn first(
    store: &dyn Store,
    range: &Range<u64>,
    late: impl Fn(Timestamp) -> bool,
) -> Result<u64, QueryError> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let seq = Seq(middle);
        let record = store.entry(seq)?.ok_or(QueryError::Gap { seq })?;
        if late(read(seq, record)?.1.ts()) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}
