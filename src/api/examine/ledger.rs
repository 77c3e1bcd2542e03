//! A ledger, verified where it lies.

use std::path::Path;

use crate::audit::{audit, find};
use crate::ledger::fault::{Fault, FaultCode, Format, Warning, WarningCode};
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::logbook::error::OpenError;
use crate::logbook::extent_of;
use crate::store::{RocksStore, Store, StoreError};

use super::super::progress::{Progress, ProgressStep, Unit};
use super::super::verify::unread;
use super::super::{Error, Options};
use super::{Examined, explained};

pub(super) fn ledger(
    dir: &Path,
    policy: &Policy,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Examined, Error> {
    let reader = match options.reader(dir) {
        Ok(reader) => reader,
        Err(OpenError::Store(error @ StoreError::Corrupt { .. })) => {
            let fault = Fault::of_file(FaultCode::StoreCorrupt, error.to_string());
            return Ok(unread(Format::Ledger, policy, fault).into());
        }
        Err(error) => return Err(error.into()),
    };
    let (store, mark) = (&reader.store, &reader.mark);
    let total = store.count().ok();
    let outcome = audit(store, mark, policy, &mut |done| {
        progress(ProgressStep {
            done,
            total,
            unit: Unit::Entries,
        });
    })?;
    let mut examined = explained(outcome, policy, |wanted| Ok(find(store, mark, wanted)?))?;
    let interrupted = store.interrupted_bytes();
    if interrupted > 0 {
        examined.report.warnings.push(Warning {
            code: WarningCode::InterruptedWrite,
            detail: format!(
                "the write-ahead log ends with {interrupted} bytes of a write that was \
                 interrupted, as by a crash: nothing of it is there or was acknowledged"
            ),
        });
    }
    let last_ts = extent_of(store).ok().map(|extent| extent.last_ts);
    let behind = last_ts.map_or(0, |ts| ts.micros_since(options.now()) / 1_000_000);
    if behind > CLOCK_TOLERANCE {
        examined.report.warnings.push(Warning {
            code: WarningCode::ClockBehind,
            detail: clock_behind(behind),
        });
    }
    examined.report.warnings.extend(archived(store)?);
    if let Some(last) = reader.as_of()? {
        examined.report.warnings.push(Warning {
            code: WarningCode::BesideWriter,
            detail: as_of(last),
        });
    }
    Ok(examined)
}

/// What was read from where, of a ledger that was pruned.
fn archived(store: &RocksStore) -> Result<Vec<Warning>, StoreError> {
    let mut warnings = Vec::new();
    let Some(pruned) = store.pruned()?.filter(|pruned| pruned.seq > 0) else {
        return Ok(warnings);
    };
    let place = store.archive_place().unwrap_or_default();
    warnings.push(Warning {
        code: WarningCode::ReadFromArchive,
        detail: format!(
            "entries 0 to {} (epochs 0 to {}) were read from {place}: they were pruned here; \
             their headers and all later entries were read from this ledger",
            pruned.seq.saturating_sub(1),
            pruned.epochs.saturating_sub(1),
        ),
    });
    if pruned.witnessed < pruned.seq {
        warnings.push(Warning {
            code: WarningCode::PrunedUnwitnessed,
            detail: format!(
                "entries {} to {} were pruned without a checkpoint that a quorum of witnesses \
                 had cosigned",
                pruned.witnessed,
                pruned.seq.saturating_sub(1),
            ),
        });
    }
    Ok(warnings)
}

/// Seconds that the time of a log may be ahead of the clock without a word.
pub(crate) const CLOCK_TOLERANCE: i64 = 60;

/// What to know of a log whose time is ahead.
pub(crate) fn clock_behind(seconds: i64) -> String {
    format!(
        "the last entry's time is {seconds} seconds ahead of this machine's clock: entries get \
         that time until the clock has caught up, and sealbook:clock entries say what it was"
    )
}

/// What to know of an answer that was given beside a writer.
pub(crate) fn as_of(last: Seq) -> String {
    format!("another process is writing the ledger: this is as of entry {last}")
}
