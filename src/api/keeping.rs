//! Cosignatures that come back into the log.

use std::time::Duration;

use crate::ledger::kind::{CLOSE, WITNESSED};
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witnessed::Witnessed;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::logbook::{Logbook, entry_at};
use crate::store::query::{Filter, select};

use super::Error;

/// The shortest time between two entries of cosignatures, if nothing else is asked for.
pub const KEEP_EVERY: Duration = Duration::from_secs(600);

/// Whether there is nothing to keep: the last entry keeps a checkpoint, or closed the
/// book, which takes no more.
pub(super) fn keeps_none(logbook: &Logbook) -> Result<bool, Error> {
    let last = entry_at(&**logbook.store(), logbook.durable().seq)?;
    Ok([WITNESSED, CLOSE].contains(&last.kind()))
}

/// Keeps a cosigned checkpoint in the log that it is of: as an entry
/// `sealbook:witnessed`, unless nothing else was appended since the last one, or
/// `every` has not passed since, or the book is closed. None if there is nothing to keep.
///
/// # Errors
/// [`Error::Query`], [`Error::Append`].
pub fn keep_witnessed(
    logbook: &Logbook,
    checkpoint: &SignedCheckpoint,
    every: Duration,
    now: Timestamp,
) -> Result<Option<Receipt>, Error> {
    if keeps_none(logbook)? {
        return Ok(None);
    }
    let newest = Filter {
        kinds: vec![WITNESSED.to_owned()],
        reverse: true,
        limit: Some(1),
        ..Filter::default()
    };
    let kept = select(&**logbook.store(), &newest)?.next().transpose()?;
    if let Some((_, entry)) = kept {
        let passed = now.micros_since(entry.ts()).max(0);
        let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
        if passed < every {
            return Ok(None);
        }
    }
    let witnessed = Witnessed {
        checkpoint: checkpoint.to_string(),
    };
    let entry = PreparedEntry::new(WITNESSED, &witnessed.to_object())?;
    let receipts = logbook.submit(vec![entry])?.wait()?;
    Ok(receipts.into_iter().next())
}
