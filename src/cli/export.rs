//! `sealbook export`: evidence for third parties.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::api::held::{CopyError, Held, Query};
use crate::api::{Chain, Error, Export, ExportFormat, Exported, Ledger, Unsealed, Writer};
use crate::evidence::EvidenceError;
use crate::evidence::openings::Openings;
use crate::ledger::redact::pointer::Pointer;
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::Answer;
use super::chained::{self, CustodyFolder};
use super::context::Context;
use super::error::CliError;
use super::filters::{Filters, say_other_types};
use super::imported;
use super::no_case::no_case;
use super::output::Output;
use super::progress::Progress;
use super::spared::spare;
use super::target::{self, Force, Target};
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where it is written; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What is written; a logbook is always the log from its first entry on
    #[arg(long, value_enum, default_value_t = Kind::Bundle)]
    format: Kind,
    /// The version that it is written in
    #[arg(long, value_enum, default_value = "2", value_name = "VERSION")]
    format_version: FormatVersion,
    /// Compress it with zstd, as a name that ends in .zst does too
    #[arg(long)]
    zstd: bool,
    /// Withhold the value of this redactable member, and of what lies in it (may be given
    /// several times)
    #[arg(long, value_name = "POINTER", conflicts_with = "disclose")]
    withhold: Vec<Pointer>,
    /// Withhold the values of all redactable members
    #[arg(long, conflicts_with_all = ["withhold", "disclose"])]
    withhold_all: bool,
    /// Withhold the values of all redactable members but this (may be given several times)
    #[arg(long, value_name = "POINTER")]
    disclose: Vec<Pointer>,
    /// Do not sign the closing record
    #[arg(long, alias = "unsigned")]
    no_sign: bool,
    /// Seal the open epoch first, so that nothing is left out of a selection
    #[arg(long)]
    seal: bool,
    /// Of a Parquet table: a folder with a table for each day and a signed manifest
    #[arg(long, value_enum, value_name = "SPAN")]
    by: Option<By>,
    /// Which table a Parquet file is
    #[arg(long, value_enum, default_value_t = Table::Entries)]
    table: Table,
    /// Give out the file that was imported of this log: KEY, or KEY:GENESIS
    #[arg(long, value_name = "KEY", conflicts_with_all = ["seal", "no_sign"])]
    log: Option<String>,
    /// Give out the imported file with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["seal", "no_sign"])]
    file: Option<String>,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    books: chained::Args,
    #[command(flatten)]
    filters: Filters,
}

impl Args {
    fn openings(&self) -> Openings {
        match (self.withhold_all, &self.disclose[..], &self.withhold[..]) {
            (true, _, _) => Openings::NONE,
            (_, [], []) => Openings::All,
            (_, [], withheld) => Openings::AllBut(withheld.to_vec()),
            (_, disclosed, _) => Openings::Only(disclosed.to_vec()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Bundle,
    Logbook,
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Table {
    Entries,
    Epochs,
}

impl From<Kind> for ExportFormat {
    fn from(kind: Kind) -> ExportFormat {
        match kind {
            // A table is a bundle in columns.
            Kind::Bundle | Kind::Parquet => ExportFormat::Bundle,
            Kind::Logbook => ExportFormat::Logbook,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.log.is_some() || args.file.is_some() {
        return give(context, args, output);
    }
    let filter = args.filters.to_filter()?;
    check_table(args)?;
    if let Some(chain) = args.books.open(context)? {
        return of_books(context, args, &chain, &filter, output);
    }
    spare(context, &args.output)?;
    if args.seal {
        seal(context)?;
    }
    // A reader of the files signs nothing if nothing is to be signed.
    let is_table = args.by.is_some() || args.format == Kind::Parquet;
    if !args.no_sign
        && !is_table
        && let Some(held) = context.held()?
    {
        return ask(context, args, &filter, &held, output);
    }
    context.check_files()?;
    let ledger = context.reader(output)?;
    say_other_types(ledger.store(), &filter, output)?;
    if args.by.is_some() {
        return set(&ledger, &filter, args, output);
    }
    let target = Target {
        path: &args.output,
        kind: match args.format {
            Kind::Bundle => target::OutputKind::Bundle,
            Kind::Logbook => target::OutputKind::Logbook,
            Kind::Parquet => target::OutputKind::Parquet,
        },
        log: Some(ledger.key()),
        force: args.force,
    };
    target.check(context)?;
    let written = write(context, &ledger, args, &filter, &target, output);
    let entries = written.map_err(|error| nothing(ledger.store(), &filter, error))?;
    let rows = match args.table {
        Table::Entries => "entries",
        Table::Epochs => "epochs",
    };
    output.note(&format!("{entries} {rows} in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// Where nothing was selected of a case that is not there, says which there are.
fn nothing(store: &dyn Store, filter: &Filter, error: CliError) -> CliError {
    let is_empty = matches!(
        error,
        CliError::Ledger(Error::Evidence(EvidenceError::EmptyRange))
    );
    let case = filter.correlation.as_deref().filter(|_| is_empty);
    let Some(case) = case else {
        return error;
    };
    let all = Filter {
        correlation: Some(case.to_owned()),
        ..Filter::default()
    };
    match select(store, &all).map(|mut found| found.next().is_none()) {
        Ok(true) => no_case(store, case),
        _ => error,
    }
}

/// Writes what is wanted of one ledger.
fn write(
    context: &Context,
    ledger: &Ledger,
    args: &Args,
    filter: &Filter,
    target: &Target<'_>,
    output: &mut Output,
) -> Result<u64, CliError> {
    let mut progress = Progress::new(ledger.store().count().ok(), "entries");
    let mut exported = Exported::default();
    let mut write = |out: &mut (dyn Write + Send)| {
        if args.table == Table::Epochs {
            return Ok(ledger.export_epochs(out)?);
        }
        let export = Export {
            filter,
            format: args.format.into(),
            version: args.format_version.into(),
            openings: args.openings(),
            unsealed: Unsealed::Refused,
            no_sign: args.no_sign,
            progress: &mut |done| progress.at(done),
        };
        exported = match args.format {
            Kind::Parquet => ledger.export_parquet(export, out)?,
            Kind::Bundle | Kind::Logbook => ledger.export(export, out)?,
        };
        Ok(exported.entries)
    };
    let compressed = args.zstd || target.path.extension().is_some_and(|ext| ext == "zst");
    let written = target.write(context, |out| match compressed {
        true => compress(out, &mut write),
        false => write(out),
    });
    progress.finish();
    let entries = written?;
    warn(&exported, output);
    Ok(entries)
}

/// What is wanted of several books, in a folder.
fn of_books(
    context: &Context,
    args: &Args,
    chain: &Chain,
    filter: &Filter,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let of_one = filter.from_seq.is_some() || filter.until_seq.is_some() || filter.limit.is_some();
    if args.format == Kind::Parquet || of_one || args.seal {
        return Err(CliError::usage(
            "--books gives out bundles or logbooks, without --from-seq, --until-seq, --limit and \
             --seal: seal the last book before",
        ));
    }
    let (kind, ending) = match args.format {
        Kind::Bundle | Kind::Parquet => (target::OutputKind::Bundle, "bundle"),
        Kind::Logbook => (target::OutputKind::Logbook, "jsonl"),
    };
    let mut each = |ledger: &Ledger, path: &Path, output: &mut Output| {
        let target = Target {
            path,
            kind,
            log: Some(ledger.key()),
            force: args.force,
        };
        say_other_types(ledger.store(), filter, output)?;
        match write(context, ledger, args, filter, &target, output) {
            Err(CliError::Ledger(Error::Evidence(EvidenceError::EmptyRange))) => Ok(None),
            written => written.map(Some),
        }
    };
    let custody = CustodyFolder {
        chain,
        folder: &args.output,
        ending,
        force: args.force,
    };
    custody.write(context, &mut each, &mut |_| Ok(Vec::new()), output)
}

/// Refuses what a table is not written with, and what only a table is.
fn check_table(args: &Args) -> Result<(), CliError> {
    let tables = args.by.is_some() || args.table == Table::Epochs;
    if tables && args.format != Kind::Parquet {
        return Err(CliError::usage("--by and --table are for --format parquet"));
    }
    if args.by.is_some() && args.table == Table::Epochs {
        return Err(CliError::usage("--by day has the table of epochs too"));
    }
    let compressed = args.zstd || args.output.extension().is_some_and(|ext| ext == "zst");
    if args.format == Kind::Parquet && compressed {
        return Err(CliError::usage("a Parquet table is compressed by itself"));
    }
    Ok(())
}

/// A folder of tables.
fn set(
    ledger: &Ledger,
    filter: &Filter,
    args: &Args,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut progress = Progress::new(ledger.store().count().ok(), "entries");
    let written = ledger.export_set(filter, &args.output, &mut |done| progress.at(done));
    progress.finish();
    let written = written?;
    let (entries, days, folder) = (written.entries, written.days, args.output.display());
    output.note(&format!("{entries} entries of {days} days in {folder}"));
    Ok(Answer::Yes)
}

/// Has the server write it that holds the ledger: it has the key.
fn ask(
    context: &Context,
    args: &Args,
    filter: &Filter,
    held: &Held,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let (kind, format) = match args.format {
        Kind::Bundle | Kind::Parquet => (target::OutputKind::Bundle, "bundle"),
        Kind::Logbook => (target::OutputKind::Logbook, "logbook"),
    };
    let target = Target {
        path: &args.output,
        kind,
        log: Some(held.identity().log),
        force: args.force,
    };
    target.check(context)?;
    let mut path = Query::new("/v1/bundle");
    path.filter(filter)?;
    path.add("unsealed", "refused");
    path.add("format", format);
    if args.format_version == FormatVersion::One {
        path.add("version", "1");
    }
    if args.withhold_all {
        path.add("openings", "none");
    }
    for (name, pointers) in [("withhold", &args.withhold), ("disclose", &args.disclose)] {
        for pointer in pointers {
            path.add(name, pointer.as_str());
        }
    }
    let path = path.finish();
    let mut warnings = Vec::new();
    let mut write = |out: &mut (dyn Write + Send)| {
        let copied = held.copy(&path, out).map_err(|error| match error {
            CopyError::Server(refusal) => CliError::from(refusal),
            CopyError::Write(error) => CliError::output(error),
        })?;
        warnings = copied.warnings;
        Ok(copied.bytes)
    };
    let compressed = args.zstd || args.output.extension().is_some_and(|ext| ext == "zst");
    let bytes = target.write(context, |out| match compressed {
        true => compress(out, &mut write),
        false => write(out),
    })?;
    for warning in &warnings {
        output.warning(warning);
    }
    output.note(&format!("{bytes} bytes in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// Seals the open epoch, so that nothing is left out.
pub(super) fn seal(context: &Context) -> Result<(), CliError> {
    let writer = context.writer()?;
    match &writer {
        Writer::Own(ledger) => drop(ledger.seal()?),
        Writer::Held(writer) => drop(writer.server().seal()?),
    }
    Ok(writer.close()?)
}

fn warn(exported: &Exported, output: &mut Output) {
    if let Some(error) = &exported.headless {
        output.warning(&format!("unsealed entries are left out: {error}"));
    }
    if exported.left_out > 0 {
        output.warning(&format!(
            "the last {} entries of the range are not sealed yet and were left out: \
             --seal seals them first",
            exported.left_out
        ));
    }
}

fn give(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let (log, file) = (args.log.as_deref(), args.file.as_deref());
    // Of which kind and which log it is says the file alone. An earlier one is known
    // by its digest.
    let earlier = imported::is_kept(ledger.store(), &args.output);
    let target = Target {
        path: &args.output,
        kind: target::OutputKind::Bundle,
        log: None,
        force: args.force.or(earlier),
    };
    let bytes = target.write(context, |out| {
        imported::give(ledger.store(), log, file, out)
    })?;
    output.note(&format!("{bytes} bytes in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// The default level asks of its reader a window of 2 MiB.
fn compress(
    out: &mut (dyn Write + Send),
    write: &mut dyn FnMut(&mut (dyn Write + Send)) -> Result<u64, CliError>,
) -> Result<u64, CliError> {
    let failed = CliError::output;
    let mut encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    let entries = write(&mut encoder)?;
    encoder.finish().and_then(Write::flush).map_err(failed)?;
    Ok(entries)
}
