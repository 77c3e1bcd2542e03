//! `sealbook report`: the custody of a case as one web page, which carries its
//! evidence; and the evidence out of one again.

use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::api::{Error, open};
use crate::evidence::EvidenceError;
use crate::evidence::report::{ReportExport, export_report};
use crate::report::ReportFile;
use crate::store::Store;
use crate::store::facts::Facts;
use crate::store::query::{Filter, select};
use crate::store::term::Field;

use super::Answer;
use super::context::Context;
use super::error::CliError;
#[cfg(feature = "rocks")]
use super::export::seal;
use super::output::Output;
use super::progress::Progress;
use super::target::{Force, Kind, Target, spare};
use super::trust::FormatVersion;

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
    /// Seal the open epoch first, so that nothing of the case is left out
    #[arg(long)]
    seal: bool,
    /// Write the bundle that this report carries, as it is and not verified
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["correlation", "no_sign", "seal"])]
    extract: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(report) = &args.extract {
        return extract(context, report, args, output);
    }
    spare(context, &args.output)?;
    #[cfg(feature = "rocks")]
    if args.seal {
        seal(context)?;
    }
    let ledger = context.reader(output)?;
    let target = Target {
        path: &args.output,
        kind: Kind::Report,
        log: Some(ledger.key()),
        force: args.force,
    };
    target.check(context)?;
    let store = ledger.store();
    let signer = ledger.closing_signer(args.no_sign)?;
    let mut progress = Progress::new(store.count().ok(), "entries");
    let mut left_out = 0;
    let written = target.write(context, |out| {
        let export = ReportExport {
            version: args.format_version.into(),
            correlation: args.correlation.as_deref().unwrap_or_default(),
            signer: signer.as_deref(),
            progress: &mut |done| progress.at(done),
        };
        let (_, selected) = export_report(store, out, export).map_err(|error| match error {
            EvidenceError::EmptyRange => no_case(store, args),
            other => other.into(),
        })?;
        left_out = selected.unsealed;
        Ok(selected.closing.entries)
    });
    progress.finish();
    let entries = written?;
    if left_out > 0 {
        output.warning(&format!(
            "{left_out} entries are not sealed yet and were left out: --seal seals them first"
        ));
    }
    output.note(&format!("{entries} entries in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// How many cases, and out of how many of the newest entries, are named instead.
const NAMED: usize = 5;
const LOOKED_AT: usize = 10_000;

/// There is no such case; the newest ones are named.
fn no_case(store: &dyn Store, args: &Args) -> CliError {
    let newest = Filter {
        reverse: true,
        ..Filter::default()
    };
    let mut cases: Vec<String> = Vec::new();
    let entries = select(store, &newest).into_iter().flatten();
    for (_, entry) in entries.take(LOOKED_AT).filter_map(Result::ok) {
        for (field, value) in Facts::of(&entry).values() {
            let new = field == Field::Correlation && !cases.iter().any(|case| case == value);
            if new && cases.len() < NAMED {
                cases.push(value.to_owned());
            }
        }
    }
    let wanted = args.correlation.as_deref().unwrap_or_default();
    CliError::NotThere {
        wanted: format!("no entry has the correlation id `{wanted}`"),
        there: match cases.is_empty() {
            true => "no entry of late has a correlation id".to_owned(),
            false => format!("the newest cases are {}", cases.join(", ")),
        },
    }
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
    let mut bundle = BufReader::new(file.bundle());
    let target = Target {
        path: &args.output,
        kind: Kind::Bundle,
        log: None,
        force: args.force,
    };
    let bytes = target.write(context, |out| copy(&mut bundle, out))?;
    output.note(&format!("{bytes} bytes in {}", args.output.display()));
    Ok(Answer::Yes)
}

fn copy(from: &mut impl io::Read, to: &mut dyn Write) -> Result<u64, CliError> {
    let bytes = io::copy(from, to).map_err(CliError::output)?;
    to.flush().map_err(CliError::output)?;
    Ok(bytes)
}
