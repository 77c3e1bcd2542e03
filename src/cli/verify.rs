//! `sealbook verify`: one verdict for ledgers, logbooks, bundles and proofs, or
//! for many of them.

mod against;
mod explained;
mod many;
mod witnessed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::api::{
    self, Examined, Ledger, Policy, Resume, examine, examine_on, is_folder_of_files, open_file,
};
#[cfg(feature = "bucket")]
use crate::bucket::Address;
use crate::ledger::explanation::Explanation;
use crate::ledger::fault::{At, Fault, FaultCode, Format, KeySource, LogVerdict, Report, Verdict};
use crate::ledger::fold::FoldPart;
use crate::store::StoreError;

use super::Answer;
use super::context::{Context, warn_of_readers};
use super::error::CliError;
use super::formats::As;
use super::keys_file::KeysFile;
use super::output::Output;
use super::progress::Progress;
use super::spared::spare;
use super::trust::TrustArgs;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to verify, a folder of files, or the URL of a bucket; - is standard input
    /// [default: the ledger]
    path: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// A file that says which file has which key: `NAME KEY` a line
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Hold the cosigned checkpoints that a log keeps against its entries, or judge a
    /// tlog-proof, under this policy of logs and witnesses
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The file that has the entry which a tlog-proof is to prove: a logbook, bundle or proof
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// What it must be
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<As>,
    /// The hash that the last entry must have
    #[arg(long, value_name = "HEX")]
    expect_head: Option<String>,
    /// A file with signed heads or epoch headers, or a checkpoint, that the log must contain
    #[arg(long, value_name = "HEAD")]
    contains: Vec<PathBuf>,
    /// A file of receipts, JSON Lines as `append` prints them: the log must hold them all
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// The case that a bundle must hold all of, as its closing record says it was asked for
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// The same of a tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// The same of a worker
    #[arg(long, value_name = "ID")]
    worker: Option<String>,
    /// The key of an auditor whose word on the log's index counts: 64 hex digits or a PEM
    /// file
    #[arg(long, value_name = "KEY")]
    auditor: Vec<String>,
    /// A file of `sealbook audit` with an auditor's word
    #[arg(long, value_name = "FILE")]
    audited: Vec<PathBuf>,
    /// Judge a logbook as a ledger's own, whatever its first entry says
    #[arg(long)]
    ledger_rules: bool,
    /// Do not check the signatures of entries
    #[arg(long)]
    no_signatures: bool,
    /// Name every fault, and not only the first twenty
    #[arg(long)]
    all: bool,
    /// Write the proof here, if two of the books are two histories that one key signed
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Say where trust ends: what was done to it, and from where on it is whole
    #[arg(long)]
    explain: bool,
    /// Keep in this file how far a logbook file was verified, and go on from there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The private key that signs the state
    #[arg(long, value_name = "FILE", requires = "state")]
    state_key: Option<PathBuf>,
    /// Do not read again what was verified before
    #[arg(long, requires = "state")]
    skip_prefix: bool,
    /// With --json, add what joins a bundle of whole epochs to others that were verified apart,
    /// for `sealbook fold`
    #[arg(long, conflicts_with = "state")]
    fold: bool,
}

/// A report as it is printed (SPEC §6), with `explanation` only where it was
/// asked for.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witnessed: Option<&'a witnessed::WitnessedVerdict>,
    elapsed_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<FoldPart>,
}

impl<'a> Printed<'a> {
    fn of(
        examined: &'a Examined,
        explain: bool,
        witnessed: Option<&'a witnessed::WitnessedVerdict>,
        elapsed: Duration,
    ) -> Printed<'a> {
        let elapsed_ms = millis(elapsed);
        Printed {
            report: &examined.report,
            explanation: examined.explanation.as_ref().filter(|_| explain),
            witnessed,
            elapsed_ms,
            part: None,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let started = Instant::now();
    if let Some(path) = &args.proof {
        spare(context, path)?;
    }
    let (mut policy, warnings) = against::policy(args)?;
    let keys = match &args.keys {
        Some(path) => KeysFile::read(path)?,
        None => KeysFile::default(),
    };
    policy.known = keys.all();
    if args.path.is_empty() {
        Ledger::bring_up(&context.ledger, &context.options())?;
    }
    let path = match args.path.as_slice() {
        [] if !context.ledger.exists() => {
            let dir = context.ledger.clone();
            return Err(CliError::from(StoreError::Missing { dir }));
        }
        [] => &context.ledger,
        [path] if !is_folder_of_files(path) => path,
        _ if args.policy.is_some() => {
            return Err(CliError::usage("--policy is for one ledger"));
        }
        _ if args.state.is_some() => {
            return Err(CliError::usage("--state is for one logbook file"));
        }
        _ => return many::run(context, args, &policy, &keys, &warnings, output),
    };
    policy.keys.extend(keys.of(path, None));
    if let Some(file) = &args.entry {
        policy.entry = against::entry(path, file)?;
    }
    warn_of_readers(path, output);
    let format = args.format.map(Format::from);
    let mut progress = Progress::new(None, "");
    let told = &mut |reached| progress.reached(reached);
    let mut examined = match &args.state {
        Some(state) => {
            spare(context, state)?;
            let signer = args
                .state_key
                .as_deref()
                .map(|key| context.open_key(key))
                .transpose()?;
            let resume = Resume {
                path: state,
                signer: signer.as_deref(),
                skip_prefix: args.skip_prefix,
            };
            examine_on(path, format, &policy, resume, told)?
        }
        None => look(context, path, format, &policy, told)?,
    };
    progress.finish();
    examined.report.warnings.extend(warnings);
    let witnesses = policy.witnesses.as_ref();
    let witnessed = witnessed::of(context, path, witnesses, &mut examined.report)?;
    let elapsed = started.elapsed();
    if output.is_json() {
        let part = match args.fold && examined.report.format == Format::Bundle {
            true => {
                api::fold(
                    open_file(path).map_err(|error| CliError::file(path, error))?,
                    &policy,
                )?
                .1
            }
            false => None,
        };
        let printed = Printed::of(&examined, args.explain, witnessed.as_ref(), elapsed);
        output.document(&Printed { part, ..printed })?;
    } else {
        print_report(&examined.report, Some(elapsed), args.all, output)?;
        if let Some(explanation) = examined.explanation.as_ref().filter(|_| args.explain) {
            explained::print(explanation, output)?;
        }
        if let Some(witnessed) = &witnessed {
            witnessed.print(output)?;
        }
    }
    let held = witnessed.is_none_or(|witnessed| witnessed.faults.is_empty());
    Ok(match examined.report.verdict {
        Verdict::Pass if held => Answer::Yes,
        Verdict::Pass | Verdict::Fail => Answer::No,
    })
}

/// Verifies a file, a ledger, or what a bucket has of one.
fn look(
    context: &Context,
    path: &Path,
    format: Option<Format>,
    policy: &Policy,
    told: &mut api::Progress<'_>,
) -> Result<Examined, CliError> {
    #[cfg(feature = "bucket")]
    if let Some(url) = path.to_str().filter(|text| Address::is_url(text)) {
        let address = Address::parse(url).map_err(api::Error::from)?;
        return Ok(api::examine_bucket(&address, policy, told)?);
    }
    Ok(examine(path, format, policy, &context.options(), told)?)
}

pub(super) fn print_report(
    report: &Report,
    elapsed: Option<Duration>,
    all: bool,
    output: &mut Output,
) -> Result<(), CliError> {
    let (verdict, colour) = match report.verdict {
        Verdict::Pass => ("PASS", "1;32"),
        Verdict::Fail => ("FAIL", "1;31"),
    };
    output.coloured(
        &format!(
            "{verdict}  {}, {} entries, {} epochs",
            report.format, report.entries, report.epochs
        ),
        colour,
    )?;
    output.line(&format!("head     {}", report.head))?;
    for (number, one) in report.logs.iter().flatten().enumerate() {
        print_log(number, one, output)?;
    }
    if let Some(log) = report.log {
        output.line(&format!("log      {log} ({})", key_source(report)))?;
    }
    if let Some(genesis) = report.genesis {
        output.line(&format!("genesis  {genesis}"))?;
    }
    let named = if all { usize::MAX } else { NAMED };
    for fault in report.faults.iter().take(named) {
        output.line(&format!("fault    {}", describe(fault)))?;
        if let (Some(expected), Some(actual)) = (&fault.expected, &fault.actual) {
            output.line(&format!("           expected {expected}"))?;
            output.line(&format!("           actual   {actual}"))?;
        }
    }
    if report.faults.len() > named {
        output.line(&counted(&report.faults))?;
    }
    for warning in &report.warnings {
        output.line(&format!(
            "warning  {}: {}",
            tag(&warning.code),
            warning.detail
        ))?;
    }
    if let Some(redacted) = &report.redacted {
        output.line(&format!("redacted {redacted}"))?;
    }
    if let Some(complete) = &report.complete {
        output.line(&format!("complete {complete}"))?;
    }
    for what in &report.not_checked {
        output.line(&format!("not checked: {}", tag(what)))?;
    }
    if let Some(elapsed) = elapsed {
        output.line(&format!("took     {} ms", millis(elapsed)))?;
    }
    Ok(())
}

/// One log of a report over several.
fn print_log(number: usize, one: &LogVerdict, output: &mut Output) -> Result<(), CliError> {
    let LogVerdict {
        entries,
        epochs,
        faults,
        ..
    } = one;
    let said = match one.verdict {
        Verdict::Pass => "pass".to_owned(),
        Verdict::Fail => format!("FAIL, {faults} faults"),
    };
    let key = one.log.map_or("no key".to_owned(), |log| log.to_string());
    output.line(&format!(
        "log {number}    {key}: {entries} entries, {epochs} epochs, {said}"
    ))
}

/// Faults that are named one by one.
const NAMED: usize = 20;

/// How many faults there are of each sort.
fn counted(faults: &[Fault]) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for fault in faults {
        *counts.entry(tag(&fault.code)).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(code, n)| format!("{n} {code}"))
        .collect();
    format!(
        "faults   {} in all: {}; the first {NAMED} are named, `verify --all` names them",
        faults.len(),
        counts.join(", ")
    )
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn describe(fault: &Fault) -> String {
    let mut text = tag(&fault.code);
    if let Some(index) = fault.index {
        text.push_str(&format!(" at {} {index}", tag(&fault.at)));
    }
    if let Some(line) = fault.line {
        text.push_str(&format!(" (line {line})"));
    }
    if let Some(class) = &fault.class {
        text.push_str(&format!(" [{}]", tag(class)));
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

fn key_source(report: &Report) -> &'static str {
    let untrusted = |fault: &Fault| (fault.code, fault.at) == (FaultCode::UntrustedKey, At::File);
    match report.key_source {
        KeySource::Given if report.faults.iter().any(untrusted) => "none of the keys given",
        KeySource::Given => "the key given",
        KeySource::Ledger => "the ledger's own key, not one that you gave",
        KeySource::None => "no trusted key given: pass --key",
    }
}
