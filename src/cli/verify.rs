//! `sealbook verify`: one verdict for ledgers, logbooks, bundles and proofs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::audit::audit;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{
    Fault, FaultCode, Format, KeySource, Report, Verdict, Warning, WarningCode,
};
use crate::ledger::hash::Hash;
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::ReadError;
use crate::ledger::verify::{Outcome, Policy, verify};
use crate::logbook::error::OpenError;
use crate::logbook::reading::Reader;
use crate::store::StoreError;

use super::Answer;
use super::context::{Context, as_of};
use super::error::CliError;
use super::kept;
use super::key::parse_key;
use super::output::Output;
use super::progress::Progress;
use super::recognise::{As, Found, recognise};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to verify [default: the ledger]
    path: Option<PathBuf>,
    /// A trusted key: 64 hex digits or a PEM file (may be given several times)
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// What it must be
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<As>,
    /// The hash that the last entry must have
    #[arg(long, value_name = "HEX")]
    expect_head: Option<String>,
    /// A file with signed heads or epoch headers that the log must contain
    #[arg(long, value_name = "HEAD")]
    contains: Vec<PathBuf>,
    /// A file of receipts, JSON Lines as `append` prints them: the log must hold them all
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Do not check the signatures of entries
    #[arg(long)]
    no_signatures: bool,
}

/// A report as it is printed (SPEC §6).
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    elapsed_ms: u64,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let started = Instant::now();
    let (policy, warnings) = policy(args)?;
    let mut report = report(context, args, &policy)?;
    report.warnings.extend(warnings);
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if output.is_json() {
        let report = &report;
        output.document(&Printed { report, elapsed_ms })?;
    } else {
        print_report(&report, Some(elapsed_ms), output)?;
    }
    Ok(match report.verdict {
        Verdict::Pass => Answer::Yes,
        Verdict::Fail => Answer::No,
    })
}

/// What is to be held against the log, and what there is to say of the files
/// that it was kept in.
fn policy(args: &Args) -> Result<(Policy, Vec<Warning>), CliError> {
    let keys: Result<_, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let expect_head = args.expect_head.as_deref().map(parse_hash).transpose()?;
    let mut warnings = Vec::new();
    let mut contains = Vec::new();
    for path in &args.contains {
        kept::anchors(path, &mut contains, &mut warnings)?;
    }
    let receipts = args.receipts.as_deref();
    let receipts = receipts.map(|path| kept::receipts(path, &mut warnings));
    let policy = Policy {
        keys: keys?,
        signatures: !args.no_signatures,
        expect_head,
        contains,
        receipts: receipts.transpose()?,
    };
    Ok((policy, warnings))
}

fn parse_hash(text: &str) -> Result<Hash, CliError> {
    Hash::from_hex(&text.to_ascii_lowercase()).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 hex digits are needed",
    })
}

fn report(context: &Context, args: &Args, policy: &Policy) -> Result<Report, CliError> {
    let path = args.path.as_deref().unwrap_or(&context.ledger);
    if args.path.is_none() && !path.exists() {
        let dir = path.to_owned();
        return Err(CliError::from(StoreError::Missing { dir }));
    }
    let outcome = match recognise(path, args.format)? {
        Found::Ledger(dir) => return ledger(context, &dir, policy),
        Found::Logbook(file) => walk(file.read, file.length, |tick| {
            verify(&mut LogbookFile::new(file.reader), policy, tick)
        })?,
        Found::Bundle(file) => walk(file.read, file.length, |tick| {
            verify(&mut BundleFile::open(file.reader)?, policy, tick)
        })?,
        Found::Proof(bytes) => verify(&mut ProofFile::new(&bytes), policy, &mut |_| ())?,
        Found::Mismatch { expected, actual } => {
            let detail = format!("it was to be {} and is {actual}", word(expected));
            let fault = Fault::of_file(FaultCode::FormatMismatch, detail);
            return Ok(unread(
                expected,
                policy,
                fault.compared(word(expected), actual),
            ));
        }
    };
    Ok(outcome.report)
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
fn ledger(context: &Context, dir: &Path, policy: &Policy) -> Result<Report, CliError> {
    let reader = match Reader::open(dir, &context.mark_of(dir)) {
        Ok(reader) => reader,
        Err(OpenError::Store(error @ StoreError::Corrupt { .. })) => {
            let fault = Fault::of_file(FaultCode::StoreCorrupt, error.to_string());
            return Ok(unread(Format::Ledger, policy, fault));
        }
        Err(error) => return Err(error.into()),
    };
    let total = crate::store::Store::count(&reader.store).ok();
    let mut progress = Progress::new(total, "entries");
    let outcome = audit(&reader.store, &reader.mark, policy, &mut |done| {
        progress.at(done);
    })?;
    progress.finish();
    let mut report = outcome.report;
    if let Some(last) = reader.as_of()? {
        report.warnings.push(Warning {
            code: WarningCode::BesideWriter,
            detail: as_of(last),
        });
    }
    Ok(report)
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
    }
}

/// Prints a report for people.
pub(super) fn print_report(
    report: &Report,
    elapsed_ms: Option<u64>,
    output: &mut Output,
) -> Result<(), CliError> {
    let (verdict, colour) = match report.verdict {
        Verdict::Pass => ("PASS", "1;32"),
        Verdict::Fail => ("FAIL", "1;31"),
    };
    let format = word(report.format);
    output.coloured(
        &format!(
            "{verdict}  {format}, {} entries, {} epochs",
            report.entries, report.epochs
        ),
        colour,
    )?;
    output.line(&format!("head     {}", report.head))?;
    if let Some(log) = report.log {
        output.line(&format!(
            "log      {log} ({})",
            key_source(report.key_source)
        ))?;
    }
    if let Some(genesis) = report.genesis {
        output.line(&format!("genesis  {genesis}"))?;
    }
    for fault in &report.faults {
        output.line(&format!("fault    {}", describe(fault)))?;
        if let (Some(expected), Some(actual)) = (&fault.expected, &fault.actual) {
            output.line(&format!("           expected {expected}"))?;
            output.line(&format!("           actual   {actual}"))?;
        }
    }
    for warning in &report.warnings {
        output.line(&format!(
            "warning  {}: {}",
            tag(&warning.code),
            warning.detail
        ))?;
    }
    for what in &report.not_checked {
        output.line(&format!("not checked: {}", tag(what)))?;
    }
    if let Some(elapsed_ms) = elapsed_ms {
        output.line(&format!("took     {elapsed_ms} ms"))?;
    }
    Ok(())
}

fn describe(fault: &Fault) -> String {
    let mut text = tag(&fault.code);
    if let Some(index) = fault.index {
        text.push_str(&format!(" at {} {index}", tag(&fault.at)));
    }
    if let Some(line) = fault.line {
        text.push_str(&format!(" (line {line})"));
    }
    text.push_str(&format!(": {}", fault.detail));
    text
}

/// The word under which a code is serialised.
fn tag(code: &impl Serialize) -> String {
    let value = serde_json::to_value(code).ok();
    value
        .as_ref()
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn word(format: Format) -> &'static str {
    match format {
        Format::Ledger => "ledger",
        Format::Logbook => "logbook",
        Format::Bundle => "bundle",
        Format::Proof => "proof",
    }
}

fn key_source(source: KeySource) -> &'static str {
    match source {
        KeySource::Given => "the key given",
        KeySource::Ledger => "the ledger's own word",
        KeySource::None => "the file's own word",
    }
}
