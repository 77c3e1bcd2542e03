//! `sealbook report`: the custody of a case as one web page, which carries its
//! evidence; and the evidence out of one again.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

#[cfg(feature = "rocks")]
use crate::api::Chain;
use crate::api::{CaseTimes, Error, Ledger, open};
use crate::evidence::EvidenceError;
#[cfg(feature = "rocks")]
use crate::evidence::report::attested_before;
use crate::evidence::report::{ReportExport, export_report};
use crate::ledger::lines::Lines;
use crate::ledger::source::ReadError;
use crate::report::{CarriedTimes, MOST_LOGS, OneBundle, ReportFile};
use crate::store::Store;
use crate::store::query::Filter;

use super::Answer;
#[cfg(feature = "rocks")]
use super::chained::{self, CustodyFolder};
use super::context::Context;
use super::document::witness_policy;
use super::error::CliError;
#[cfg(feature = "rocks")]
use super::export::seal;
use super::filters::say_other_types;
use super::no_case::no_case;
use super::output::Output;
use super::progress::Progress;
use super::spared::spare;
use super::target::{Force, OutputKind, Target, write_folder};
use super::trust::{FormatVersion, revocations};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The case: every sealed entry with this correlation id
    #[arg(long, value_name = "ID", required_unless_present = "extract")]
    correlation: Option<String>,
    /// Where it is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The version that it is written in
    #[arg(long, value_enum, default_value = "2", value_name = "VERSION")]
    format_version: FormatVersion,
    #[command(flatten)]
    force: Force,
    /// Do not sign the closing record of the bundle
    #[arg(long, alias = "unsigned")]
    no_sign: bool,
    /// A file with a revocation that ends the log, for the report to carry (may be given several times)
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    /// Seal the open epoch first, so that nothing of the case is left out
    #[arg(long)]
    seal: bool,
    /// Whose word the times of the entries are carried by, instead of the log's own witnesses
    #[arg(long, value_name = "FILE", conflicts_with = "extract")]
    policy: Option<PathBuf>,
    /// Carry nothing that shows when the entries were made
    #[arg(long, conflicts_with_all = ["policy", "extract"])]
    no_times: bool,
    #[cfg(feature = "rocks")]
    #[command(flatten)]
    books: chained::Args,
    /// Write the bundle that this report carries, as it is and not verified; of a report over
    /// several logs a folder with that of each
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["correlation", "no_sign", "seal"])]
    extract: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(report) = &args.extract {
        return extract(context, report, args, output);
    }
    #[cfg(feature = "rocks")]
    if let Some(chain) = args.books.open(context)? {
        return of_books(context, args, &chain, output);
    }
    spare(context, &args.output)?;
    #[cfg(feature = "rocks")]
    if args.seal {
        seal(context)?;
    }
    let ledger = context.reader(output)?;
    let target = Target {
        path: &args.output,
        kind: OutputKind::Report,
        log: Some(ledger.key()),
        force: args.force,
    };
    target.check(context)?;
    let (entries, left_out) = write(context, &ledger, args, &target, output)?
        .ok_or_else(|| no_case(ledger.store(), case(args)))?;
    say_left_out(left_out, output);
    output.note(&format!("{entries} entries in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// Writes the case as one ledger has it: how many entries, and how many are left out;
/// none if it has nothing of the case.
fn write(
    context: &Context,
    ledger: &Ledger,
    args: &Args,
    target: &Target<'_>,
    output: &mut Output,
) -> Result<Option<(u64, u64)>, CliError> {
    let store = ledger.store();
    let of_case = Filter {
        correlation: Some(case(args).to_owned()),
        ..Filter::default()
    };
    say_other_types(store, &of_case, output)?;
    let signer = ledger.closing_signer(args.no_sign)?;
    let revocations = revocations(&args.revoked)?;
    let mut progress = Progress::new(store.count().ok(), "entries");
    let times = times(ledger, args, output)?;
    let (mut left_out, mut none) = (0, false);
    let written = target.write(context, |out| {
        let export = ReportExport {
            version: args.format_version.into(),
            correlation: case(args),
            signer: signer.as_deref(),
            revocations: &revocations,
            times: times.clone(),
            progress: &mut |done| progress.at(done),
        };
        let (_, selected) = export_report(store, out, export).inspect_err(|error| {
            none = matches!(error, EvidenceError::EmptyRange);
        })?;
        left_out = selected.unsealed;
        Ok(selected.closing.entries)
    });
    progress.finish();
    match written {
        Err(_) if none => Ok(None),
        written => Ok(Some((written?, left_out))),
    }
}

/// What shows when the entries of the case were made, by the policy that is given, or
/// else by the log's own.
fn times(
    ledger: &Ledger,
    args: &Args,
    output: &mut Output,
) -> Result<Option<CarriedTimes>, CliError> {
    let policy = match &args.policy {
        _ if args.no_times => None,
        Some(path) => Some(witness_policy(path)?),
        None => ledger.own_policy()?,
    };
    let Some(policy) = policy else {
        return Ok(None);
    };
    let CaseTimes {
        carried,
        entries,
        not_earlier,
        not_later,
        more,
    } = ledger.case_times(case(args), policy)?;
    if more {
        output.warning(&format!(
            "the times of the first {entries} entries are carried, and of no more"
        ));
    }
    output.note(&format!(
        "of {entries} entries, {not_later} have a time that they are not later than, and \
         {not_earlier} one that they are not earlier than"
    ));
    Ok(Some(carried))
}

fn say_left_out(left_out: u64, output: &mut Output) {
    if left_out > 0 {
        output.warning(&format!(
            "{left_out} entries are not sealed yet and were left out: --seal seals them first"
        ));
    }
}

/// The case as several books have it: a page of each in a folder.
#[cfg(feature = "rocks")]
fn of_books(
    context: &Context,
    args: &Args,
    chain: &Chain,
    output: &mut Output,
) -> Result<Answer, CliError> {
    if args.seal {
        return Err(CliError::usage("with --books, seal the last book before"));
    }
    let mut each = |ledger: &Ledger, path: &Path, output: &mut Output| {
        let target = Target {
            path,
            kind: OutputKind::Report,
            log: Some(ledger.key()),
            force: args.force,
        };
        let written = write(context, ledger, args, &target, output)?;
        say_left_out(written.map_or(0, |(_, left_out)| left_out), output);
        Ok(written.map(|(entries, _)| entries))
    };
    let stores: Vec<&dyn Store> = chain.books.iter().map(|book| book.ledger.store()).collect();
    let correlation = args.correlation.as_deref().unwrap_or_default();
    let mut also = |number: usize| {
        let until = stores.get(..=number).unwrap_or_default();
        Ok(attested_before(until, correlation)?)
    };
    let custody = CustodyFolder {
        chain,
        folder: &args.output,
        ending: "html",
        force: args.force,
    };
    custody.write(context, &mut each, &mut also, output)
}

/// The case that is asked for; the command line demands one.
fn case(args: &Args) -> &str {
    args.correlation.as_deref().unwrap_or_default()
}

fn extract(
    context: &Context,
    report: &Path,
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let not_recognised = || Error::NotRecognised {
        path: Some(report.to_owned()),
    };
    let reader = open(report)?.reader;
    let mut file = ReportFile::open(reader)?.ok_or_else(not_recognised)?;
    if file.bundle().is_none() {
        return extract_several(context, &mut file, args, output);
    }
    let mut bundle = BufReader::new(file.bundles());
    let target = Target {
        path: &args.output,
        kind: OutputKind::Bundle,
        log: None,
        force: args.force,
    };
    let bytes = target.write(context, |out| copy(&mut Lines::new(&mut bundle), out))?;
    output.note(&format!("{bytes} bytes in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// The bundles of a report over several logs, into a new folder: a file of each, named by
/// its number.
fn extract_several(
    context: &Context,
    file: &mut ReportFile<impl io::BufRead + Send>,
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut block = BufReader::new(file.bundles());
    let bundles = write_folder(context, &args.output, |folder| {
        for number in 0..=MOST_LOGS {
            let Some(mut bundle) = OneBundle::next(&mut block).map_err(ReadError::Io)? else {
                return Ok(number);
            };
            let path = folder.join(format!("log-{number:03}.bundle"));
            let mut out = File::create_new(&path).map_err(|error| CliError::file(&path, error))?;
            copy(&mut Lines::new(BufReader::new(&mut bundle)), &mut out)?;
            out.sync_all().map_err(CliError::output)?;
        }
        Err(Error::SeveralLogs.into())
    })?;
    output.note(&format!("{bundles} bundles in {}", args.output.display()));
    Ok(Answer::Yes)
}

fn copy(from: &mut impl io::Read, to: &mut dyn Write) -> Result<u64, CliError> {
    let bytes = io::copy(from, to).map_err(CliError::output)?;
    to.flush().map_err(CliError::output)?;
    Ok(bytes)
}
