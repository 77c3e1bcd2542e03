//! Any file, verified as it streams by.

use std::io::{BufRead, BufReader, Read};

use crate::ledger::bundle_file::BundleFile;
use crate::ledger::equivocation::Equivocation;
use crate::ledger::equivocation_file::judge_equivocation;
use crate::ledger::fault::{
    Fault, FaultCode, Format, KeySource, Report, Verdict, Warning, WarningCode,
};
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::lines;
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::policy::Policy;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::ReadError;
use crate::ledger::tlog::judged::judge_tlog_proof;
use crate::ledger::trace::Trace;
use crate::ledger::verify::beside::hold;
use crate::ledger::verify::{self as engine, VerifyOutcome};
use crate::report::verify_report;

use super::Error;
use super::compression::AtMost;
use super::recognise::name;
use super::stream::recognise;

/// Verifies a file: a logbook, a bundle, a proof, a report, compressed or not.
/// What it is, its content says. A policy without keys lets nothing pass.
///
/// # Errors
/// [`Error::NotRecognised`]; [`Error::Read`]. What can be read and is wrong is a
/// fault in the report.
pub fn verify(file: impl Read + Send, policy: &Policy) -> Result<Report, Error> {
    verify_as(file, None, u64::MAX, policy)
}

/// The same for a file that must be of one format, and of which at most `limit`
/// bytes are read after decompression.
pub fn verify_as(
    file: impl Read + Send,
    format: Option<Format>,
    limit: u64,
    policy: &Policy,
) -> Result<Report, Error> {
    let recognised = recognise(file).map_err(ReadError::Io)?;
    if let (Some(expected), Some(actual)) = (format, recognised.format)
        && expected != actual
    {
        return Ok(mismatched(expected, name(actual), policy));
    }
    let format = format.or(recognised.format);
    let format = format.ok_or(Error::NotRecognised { path: None })?;
    if format != Format::Logbook {
        recognised.one_frame.demand();
    }
    // Of what little decompresses to much, the beginning is not an answer.
    let reader = BufReader::new(AtMost::new(recognised.reader, limit));
    Ok(judge(format, reader, policy, &mut |_| ())?.report)
}

/// Verifies what is known to be, or is taken for, a file of this format.
pub(super) fn judge(
    format: Format,
    reader: impl BufRead + Send,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<VerifyOutcome, ReadError> {
    match format {
        Format::Logbook => engine::verify(&mut LogbookFile::new(reader), policy, progress),
        Format::Bundle => engine::verify(&mut BundleFile::open(reader)?, policy, progress),
        Format::Report => verify_report(reader, policy, progress),
        Format::Proof => engine::verify(&mut ProofFile::new(&small(reader)?), policy, progress),
        Format::Equivocation => {
            let bytes = small(reader)?;
            Equivocation::known(&bytes)?;
            let mut report = judge_equivocation(&bytes, &policy.keys);
            let policy = unrevoked(policy, &mut report);
            hold(&mut report, None, &policy);
            Ok(alone(report))
        }
        Format::TlogProof => Ok(alone(judge_tlog_proof(&small(reader)?, policy))),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::tables::judge_stream(reader, policy, progress),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(unread_here()),
        Format::Ledger | Format::TlogTiles => {
            Err(ReadError::Io(std::io::ErrorKind::IsADirectory.into()))
        }
    }
}

/// The policy without revocations of the key that the report convicts: the key signed both
/// statements, and a revocation does not change that (format §9, Q3).
fn unrevoked(policy: &Policy, report: &mut Report) -> Policy {
    let mut rest = policy.clone();
    rest.revocations
        .retain(|revocation| Some(revocation.content.log) != report.log);
    if rest.revocations.len() < policy.revocations.len() {
        report.warnings.push(Warning {
            code: WarningCode::RevocationIgnored,
            detail: "a revocation of the key takes nothing back: the key signed both, whoever \
                     held it"
                .to_owned(),
        });
    }
    rest
}

/// A proof says something of a log, and is none: nothing of one is verified by it.
fn alone(report: Report) -> VerifyOutcome {
    VerifyOutcome {
        report,
        verified: None,
        trace: Trace::default(),
        reached: None,
    }
}

/// This build reads no tables.
#[cfg(not(feature = "parquet"))]
pub(super) fn unread_here() -> ReadError {
    let what = "a Parquet table".to_owned();
    crate::ledger::version::Unsupported { what }.into()
}

/// A proof has two entries at most, and an entry has a limit.
pub(super) fn small(reader: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let limit = 3 * limits::LINE_BYTES as u64;
    match reader.take(limit).read_to_end(&mut bytes) {
        // Whatever could be read of it, what does not decompress whole is no
        // proof, and will be named so.
        Err(error) if lines::damage(&error).is_some() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(bytes),
    }
}

/// The report on something else than it was said to be.
pub(super) fn mismatched(expected: Format, actual: &str, policy: &Policy) -> Report {
    let detail = format!("it was to be {expected} and is {actual}");
    let fault = Fault::of_file(FaultCode::FormatMismatch, detail);
    unread(expected, policy, fault.compared(expected, actual))
}

/// The report on something that could be looked at and not be read.
pub(super) fn unread(format: Format, policy: &Policy, fault: Fault) -> Report {
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
        complete: None,
        redacted: None,
        logs: None,
    }
}
