//! `sealbook verify`: one verdict for ledgers, logbooks, bundles and proofs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::audit::audit;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::equivocation_file::judge_equivocation;
use crate::ledger::fault::{Fault, FaultCode, Format, KeySource, Report, Verdict};
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::parse;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::ReadError;
use crate::ledger::statement::Statement;
use crate::ledger::verify::{Anchor, Outcome, Policy, verify};
use crate::logbook::mark::Mark;
use crate::store::{RocksStore, StoreError};

use super::Answer;
use super::context::Context;
use super::error::CliError;
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
    /// A file with a signed head or epoch header that the log must contain
    #[arg(long, value_name = "HEAD")]
    contains: Vec<PathBuf>,
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
    let policy = policy(args)?;
    let report = report(context, args, &policy)?;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if output.is_json() {
        let report = &report;
        output.document(&Printed { report, elapsed_ms })?;
    } else {
        print(&report, elapsed_ms, output)?;
    }
    Ok(match report.verdict {
        Verdict::Pass => Answer::Yes,
        Verdict::Fail => Answer::No,
    })
}

fn policy(args: &Args) -> Result<Policy, CliError> {
    let keys: Result<_, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let expect_head = args.expect_head.as_deref().map(parse_hash).transpose()?;
    let contains: Result<_, _> = args.contains.iter().map(|path| anchor(path)).collect();
    Ok(Policy {
        keys: keys?,
        signatures: !args.no_signatures,
        expect_head,
        contains: contains?,
        known: Vec::new(),
    })
}

fn parse_hash(text: &str) -> Result<Hash, CliError> {
    Hash::from_hex(&text.to_ascii_lowercase()).map_err(|_| CliError::Argument {
        what: "hash",
        given: text.to_owned(),
        expected: "64 hex digits are needed",
    })
}

/// A signed head, or a sealed header, which names a head too.
fn anchor(path: &Path) -> Result<Anchor, CliError> {
    let bytes = std::fs::read(path).map_err(|error| CliError::file(path, error))?;
    let limits = parse::Limits {
        bytes: limits::SMALL_FILE_BYTES,
        ..parse::Limits::default()
    };
    // A mark is a head too.
    let value = match Mark::parse(&bytes) {
        Some(mark) => mark.head.to_value(),
        None => parse::parse_with(&bytes, &limits)?,
    };
    let not_recognised = || CliError::NotRecognised {
        path: path.to_owned(),
    };
    anchor_of(&value).ok_or_else(not_recognised)
}

fn anchor_of(value: &Value) -> Option<Anchor> {
    let head: Option<SignedHead> = Statement::from_value(value).ok();
    let epoch: Option<SignedEpoch> = Statement::from_value(value).ok();
    match (head, epoch) {
        (Some(head), _) => Some(Anchor {
            log: head.content.log,
            genesis: head.content.genesis,
            seq: head.content.seq,
            hash: head.content.hash,
            signed: head.verify(),
        }),
        (None, Some(epoch)) => Some(Anchor {
            log: epoch.content.log,
            genesis: epoch.content.genesis,
            seq: epoch.content.last_seq,
            hash: epoch.content.head,
            signed: epoch.verify(),
        }),
        (None, None) => None,
    }
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
        Found::Equivocation(bytes) => return Ok(judge_equivocation(&bytes, &policy.keys)),
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
    let mark = context.mark_of(dir);
    let store = match RocksStore::open_read_only(dir) {
        Ok(store) => store,
        Err(error @ StoreError::Corrupt { .. }) => {
            let fault = Fault::of_file(FaultCode::StoreCorrupt, error.to_string());
            return Ok(unread(Format::Ledger, policy, fault));
        }
        Err(error) => return Err(error.into()),
    };
    let total = crate::store::Store::count(&store).ok();
    let mut progress = Progress::new(total, "entries");
    let outcome = audit(&store, &mark, policy, &mut |done| progress.at(done))?;
    progress.finish();
    Ok(outcome.report)
}

/// The report on something that could be looked at and not be read.
fn unread(format: Format, policy: &Policy, fault: Fault) -> Report {
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

fn print(report: &Report, elapsed_ms: u64, output: &mut Output) -> Result<(), CliError> {
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
    output.line(&format!("took     {elapsed_ms} ms"))
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

fn word(format: Format) -> &'static str {
    match format {
        Format::Ledger => "ledger",
        Format::Logbook => "logbook",
        Format::Bundle => "bundle",
        Format::Proof => "proof",
        Format::Equivocation => "equivocation",
    }
}

fn key_source(source: KeySource) -> &'static str {
    match source {
        KeySource::Given => "the key given",
        KeySource::Ledger => "the ledger's own word",
        KeySource::None => "the file's own word",
    }
}
