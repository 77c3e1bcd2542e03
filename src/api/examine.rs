//! One ledger or file, verified, and its faults explained: what a second reading
//! finds of the entries that are missing or stand elsewhere.

use std::collections::HashSet;
use std::io::BufReader;
use std::path::Path;

use crate::ledger::bundle_file::BundleFile;
use crate::ledger::explain::explain;
use crate::ledger::explanation::Explanation;
use crate::ledger::fault::{Fault, FaultCode, Format, Report, Verdict, Warning};
use crate::ledger::hash::Hash;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::policy::Policy;
use crate::ledger::search::{Places, search};
use crate::ledger::tlog::judged::judge_log;
use crate::ledger::verify::{Summary, Verified, VerifyOutcome};
use crate::publish::Folder;
use crate::report::ReportFile;

use super::cause::Cause;
use super::file::{OpenedInput, open};
use super::progress::{Progress, ProgressStep};
use super::recognise::{Recognised, recognise};
use super::verify::{judge, mismatched};
use super::{Error, Options};

mod ledger;
use ledger::ledger;
#[cfg(feature = "cli")]
pub(crate) use ledger::{CLOCK_TOLERANCE, clock_behind};

/// Everything that was found out about a ledger or a file.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The verdict.
    pub report: Report,
    /// What was done to it. There if entries were walked.
    pub explanation: Option<Explanation>,
    /// There if it passed, and has entries.
    pub verified: Option<Verified<Summary>>,
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

impl Examined {
    /// Adds the warning that a tool on the way has probably changed the file.
    pub(super) fn with_cause(mut self, path: &Path) -> Examined {
        let report = &mut self.report;
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
        self
    }
}

/// What was probably done to a file on its way.
fn cause_of(path: &Path, report: &Report) -> Option<Cause> {
    let cause = Cause::of_file(path, Some(report.format));
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

/// Verifies what is at `path`, which must be of `format` if one is given.
/// `options` say where the mark of a ledger is. Of a file that fails, it is said
/// what a tool on the way has probably done to it.
///
/// # Errors
/// [`Error`] if it cannot be read, or is nothing that can be verified.
pub fn examine(
    path: &Path,
    format: Option<Format>,
    policy: &Policy,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Examined, Error> {
    let examined = judge_at(path, format, policy, options, progress)?;
    Ok(examined.with_cause(path))
}

fn judge_at(
    path: &Path,
    format: Option<Format>,
    policy: &Policy,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Examined, Error> {
    let (format, file) = match recognise(path, format)? {
        Recognised::Ledger(dir) => return ledger(&dir, policy, options, progress),
        Recognised::Log(folder) => {
            let judged = judge_log(&Folder::read_only(&folder), policy);
            return Ok(judged.map_err(|error| Error::file(&folder, error))?.into());
        }
        #[cfg(feature = "parquet")]
        Recognised::Set(folder) => {
            let told = &mut |entries| progress(ProgressStep::of_entries(entries));
            return Ok(crate::parquet::verify_set(&folder, policy, told)?.into());
        }
        Recognised::Mismatch { expected, actual } => {
            return Ok(mismatched(expected, actual, policy).into());
        }
        Recognised::File(format, file) => (format, file),
    };
    #[cfg(feature = "parquet")]
    if format == Format::Parquet {
        let told = &mut |entries| progress(ProgressStep::of_entries(entries));
        let outcome = super::tables::judge_file(path, file.reader, policy, told)?;
        return Ok(Examined {
            report: outcome.report,
            explanation: None,
            verified: outcome.verified,
        });
    }
    let outcome = walk(format, file, policy, progress)?;
    match format {
        _ if outcome.report.logs.is_some() => Ok(Examined {
            report: outcome.report,
            explanation: None,
            verified: None,
        }),
        Format::Proof | Format::Equivocation | Format::TlogProof => Ok(Examined {
            report: outcome.report,
            explanation: None,
            verified: outcome.verified,
        }),
        _ => explained(outcome, policy, |wanted| {
            let reader = open(path)?.reader;
            Ok(match format {
                Format::Bundle => search(&mut BundleFile::open(reader)?, wanted)?,
                Format::Report => match ReportFile::open(reader)? {
                    Some(mut report) => match report.bundle() {
                        Some(bundle) => {
                            search(&mut BundleFile::open(BufReader::new(bundle))?, wanted)?
                        }
                        None => Places::default(),
                    },
                    None => Places::default(),
                },
                _ => search(&mut LogbookFile::new(reader), wanted)?,
            })
        }),
    }
}

/// Verifies a file, with progress by the bytes of it that were read.
fn walk(
    format: Format,
    file: OpenedInput,
    policy: &Policy,
    progress: &mut Progress<'_>,
) -> Result<VerifyOutcome, Error> {
    let OpenedInput {
        reader,
        read,
        length,
        ..
    } = file;
    let tick = &mut |_| progress(ProgressStep::of_bytes(&read, length));
    Ok(judge(format, reader, policy, tick)?)
}

/// Explains the faults, where there are any: `find` looks for entries in a
/// second reading.
pub(super) fn explained(
    outcome: VerifyOutcome,
    policy: &Policy,
    find: impl FnOnce(&HashSet<Hash>) -> Result<Places, Error>,
) -> Result<Examined, Error> {
    let mut wanted = HashSet::new();
    if !outcome.report.faults.is_empty() {
        wanted = outcome.trace.wanted();
        wanted.extend(policy.expect_head);
    }
    let places = match wanted.is_empty() {
        true => Places::default(),
        false => find(&wanted)?,
    };
    let VerifyOutcome {
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
