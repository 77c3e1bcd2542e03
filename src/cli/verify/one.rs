//! One ledger or file, verified and explained.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::cause::Cause;
use crate::audit::{audit, find};
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::equivocation_file::judge_equivocation;
use crate::ledger::explain::explain;
use crate::ledger::explanation::Explanation;
use crate::ledger::fault::{
    Fault, FaultCode, Format, KeySource, Report, Verdict, Warning, WarningCode,
};
use crate::ledger::hash::Hash;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::policy::Policy;
use crate::ledger::proof::ProofFile;
use crate::ledger::search::{Places, search};
use crate::ledger::source::ReadError;
use crate::ledger::verify::{Outcome, Summary, Verified, verify};
use crate::logbook::error::OpenError;
use crate::logbook::extent_of;
use crate::logbook::reading::Reader;
use crate::report::{ReportFile, verify_report};
use crate::store::StoreError;

use super::super::cause;
use super::super::compressed::open;
use super::super::context::{Context, as_of};
use super::super::error::CliError;
use super::super::progress::Progress;
use super::super::recognise::{As, Found, recognise};
use super::state::{Resumable, resumable};
use super::{CLOCK_TOLERANCE, clock_behind, word};

/// Everything that was found out about one of them.
pub(super) struct Examined {
    pub(super) report: Report,
    /// There if entries were walked.
    pub(super) explanation: Option<Explanation>,
    /// There if it passed, and has entries.
    pub(super) verified: Option<Verified<Summary>>,
}

impl From<Report> for Examined {
    fn from(report: Report) -> Self {
        Examined {
            report,
            explanation: None,
            verified: None,
        }
    }
}

/// Verifies what is at `path`. Of a file that fails, it is said what a tool on the
/// way may have done to it.
pub(super) fn examine(
    context: &Context,
    path: &Path,
    format: Option<As>,
    policy: &Policy,
    state: Option<&Resumable<'_>>,
) -> Result<Examined, CliError> {
    let mut examined = judge(context, path, format, policy, state)?;
    let report = &mut examined.report;
    if report.verdict == Verdict::Fail
        && path.is_file()
        && let Some(cause) = cause_of(path, report)
        && report
            .warnings
            .iter()
            .all(|warning| warning.code != cause.code())
    {
        report.warnings.push(Warning {
            code: cause.code(),
            detail: format!("{cause}: {}", cause.remedy()),
        });
    }
    Ok(examined)
}

/// What was probably done to a file on its way.
fn cause_of(path: &Path, report: &Report) -> Option<Cause> {
    let cause = cause::of_file(path, Some(report.format));
    if cause.is_some() {
        return cause;
    }
    let of_entry = |fault: &&Fault| {
        let codes = [FaultCode::SignatureInvalid, FaultCode::PrevHashMismatch];
        codes.contains(&fault.code) && fault.line.is_some()
    };
    let line = report.faults.iter().find(of_entry)?.line?;
    let mut reader = open(path).ok()?.reader;
    for _ in 1..line {
        read_line(&mut reader).ok()??;
    }
    match read_line(&mut reader).ok()?? {
        Line::Whole { bytes, .. } => Cause::of_entry(&bytes, report.log.as_slice()),
        Line::TooLong { .. } => None,
    }
}

fn judge(
    context: &Context,
    path: &Path,
    format: Option<As>,
    policy: &Policy,
    state: Option<&Resumable<'_>>,
) -> Result<Examined, CliError> {
    let found = recognise(path, format)?;
    let outcome = match (found, state) {
        (Found::Logbook(_), Some(state)) => resumable(path, state, policy)?,
        (_, Some(_)) => {
            return Err(CliError::usage("--state is for one logbook file"));
        }
        (Found::Ledger(dir), None) => return ledger(context, &dir, policy),
        (Found::Logbook(file), None) => walk(file.read, file.length, |tick| {
            verify(&mut LogbookFile::new(file.reader), policy, tick)
        })?,
        (Found::Bundle(file), None) => walk(file.read, file.length, |tick| {
            verify(&mut BundleFile::open(file.reader)?, policy, tick)
        })?,
        (Found::Report(file), None) => walk(file.read, file.length, |tick| {
            verify_report(file.reader, policy, tick)
        })?,
        (Found::Proof(bytes), None) => {
            let outcome = verify(&mut ProofFile::new(&bytes), policy, &mut |_| ())?;
            return Ok(Examined {
                report: outcome.report,
                explanation: None,
                verified: outcome.verified,
            });
        }
        (Found::Equivocation(bytes), None) => {
            return Ok(judge_equivocation(&bytes, &policy.keys).into());
        }
        (Found::Mismatch { expected, actual }, None) => {
            let detail = format!("it was to be {} and is {actual}", word(expected));
            let fault = Fault::of_file(FaultCode::FormatMismatch, detail);
            let fault = fault.compared(word(expected), actual);
            return Ok(unread(expected, policy, fault).into());
        }
    };
    explained(outcome, policy, |outcome| {
        let wanted = wanted(outcome, policy);
        if wanted.is_empty() {
            return Ok(Places::default());
        }
        let reader = open(path)?.reader;
        Ok(match outcome.report.format {
            Format::Bundle => search(&mut BundleFile::open(reader)?, &wanted)?,
            Format::Report => match ReportFile::open(reader)? {
                Some(mut report) => {
                    let bundle = BufReader::new(report.bundle());
                    search(&mut BundleFile::open(bundle)?, &wanted)?
                }
                None => Places::default(),
            },
            _ => search(&mut LogbookFile::new(reader), &wanted)?,
        })
    })
}

/// What is to be looked for in a second reading: nothing, if all is well.
fn wanted(outcome: &Outcome, policy: &Policy) -> std::collections::HashSet<Hash> {
    if outcome.report.faults.is_empty() {
        return std::collections::HashSet::new();
    }
    let mut wanted = outcome.trace.wanted();
    wanted.extend(policy.expect_head);
    wanted
}

/// Explains the faults, where there are any.
fn explained(
    outcome: Outcome,
    policy: &Policy,
    places: impl FnOnce(&Outcome) -> Result<Places, CliError>,
) -> Result<Examined, CliError> {
    let places = places(&outcome)?;
    let Outcome {
        mut report,
        verified,
        trace,
        ..
    } = outcome;
    let explanation = explain(&mut report, policy, &trace, &places);
    Ok(Examined {
        report,
        explanation: Some(explanation),
        verified,
    })
}

/// Verifies a file, with progress by the bytes of it that were read.
fn walk(
    read: Arc<AtomicU64>,
    length: u64,
    verify: impl FnOnce(&mut dyn FnMut(u64)) -> Result<Outcome, ReadError>,
) -> Result<Outcome, ReadError> {
    let mut progress = Progress::new(Some(length), "bytes");
    let outcome = verify(&mut |_| progress.at(read.load(Ordering::Relaxed)));
    progress.finish();
    outcome
}

/// A ledger, with the mark that was named or the one beside it.
fn ledger(context: &Context, dir: &Path, policy: &Policy) -> Result<Examined, CliError> {
    let reader = match Reader::open(dir, &context.mark_of(dir)) {
        Ok(reader) => reader,
        Err(OpenError::Store(error @ StoreError::Corrupt { .. })) => {
            let fault = Fault::of_file(FaultCode::StoreCorrupt, error.to_string());
            return Ok(unread(Format::Ledger, policy, fault).into());
        }
        Err(error) => return Err(error.into()),
    };
    let (store, mark) = (&reader.store, &reader.mark);
    let total = crate::store::Store::count(store).ok();
    let mut progress = Progress::new(total, "entries");
    let outcome = audit(store, mark, policy, &mut |done| progress.at(done))?;
    progress.finish();
    let mut examined = explained(outcome, policy, |outcome| {
        let wanted = wanted(outcome, policy);
        if wanted.is_empty() {
            return Ok(Places::default());
        }
        Ok(find(store, mark, &wanted)?)
    })?;
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
    let behind = last_ts.map_or(0, |ts| ts.micros_since(context.clock().wall()) / 1_000_000);
    if behind > CLOCK_TOLERANCE {
        examined.report.warnings.push(Warning {
            code: WarningCode::ClockBehind,
            detail: clock_behind(behind),
        });
    }
    if let Some(last) = reader.as_of()? {
        examined.report.warnings.push(Warning {
            code: WarningCode::BesideWriter,
            detail: as_of(last),
        });
    }
    Ok(examined)
}

/// The report on something that could be looked at and not be read.
pub(in super::super) fn unread(format: Format, policy: &Policy, fault: Fault) -> Report {
    Report {
        verdict: Verdict::Fail,
        format,
        entries: 0,
        epochs: 0,
        head: Hash::ZERO,
        log: policy.keys.first().copied(),
        genesis: None,
        key_source: match policy.keys.is_empty() {
            true => KeySource::None,
            false => KeySource::Given,
        },
        faults: vec![fault],
        not_checked: Vec::new(),
        warnings: Vec::new(),
    }
}
