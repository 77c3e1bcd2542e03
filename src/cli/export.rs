//! `sealbook export`: evidence for strangers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::evidence::range::{RangeExport, export_range};
use crate::evidence::selection::{SelectionExport, Unsealed, export_selection};
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::logbook::reading::Reader;
use crate::store::{RocksStore, Store};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::filters::Filters;
use super::head::signed_head;
use super::imported;
use super::output::Output;
use super::progress::Progress;
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
    /// Do not sign the closing record
    #[arg(long, alias = "unsigned")]
    no_sign: bool,
    /// Seal the open epoch first, so that nothing is left out of a selection
    #[arg(long)]
    seal: bool,
    /// Give out the file that was imported of this log: KEY, or KEY:GENESIS
    #[arg(long, value_name = "KEY", conflicts_with_all = ["seal", "no_sign"])]
    log: Option<String>,
    /// Give out the imported file with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["seal", "no_sign"])]
    file: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Bundle,
    Logbook,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.log.is_some() || args.file.is_some() {
        return give(context, args, output);
    }
    let range = args.filters.range();
    if args.format == Kind::Logbook && !matches!(range, Some((Seq::FIRST, _))) {
        return Err(CliError::usage(
            "a logbook is the log from its first entry on: --until-seq alone may shorten it",
        ));
    }
    if args.seal {
        let logbook = context.writer()?;
        logbook.seal()?;
        logbook.close()?;
    }
    let reader = context.reader(output)?;
    let store = &reader.store;
    args.filters.say_other_types(store, output)?;
    let mut progress = Progress::new(store.count().ok(), "entries");
    let mut write = |out: &mut dyn Write| match (args.format, range) {
        (Kind::Bundle, Some(range)) => {
            bundle(context, &reader, args, range, out, output, &mut progress)
        }
        (Kind::Bundle, None) => selection(context, store, args, out, &mut progress),
        (Kind::Logbook, range) => {
            let last = range.map_or(Seq(u64::MAX), |(_, last)| last);
            logbook(store, last, out, &mut progress)
        }
    };
    let compressed = args.zstd || args.output.extension().is_some_and(|ext| ext == "zst");
    let written = to_file(&args.output, |out| match compressed {
        true => compress(out, &mut write),
        false => write(out),
    });
    progress.finish();
    let entries = written?;
    output.note(&format!("{entries} entries in {}", args.output.display()));
    Ok(Answer::Yes)
}

/// A file as it was imported.
fn give(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let store = context.reader(output)?.store;
    let (log, file) = (args.log.as_deref(), args.file.as_deref());
    let bytes = to_file(&args.output, |out| imported::give(&store, log, file, out))?;
    output.note(&format!("{bytes} bytes in {}", args.output.display()));
    Ok(Answer::Yes)
}

fn selection(
    context: &Context,
    store: &RocksStore,
    args: &Args,
    out: &mut dyn Write,
    progress: &mut Progress,
) -> Result<u64, CliError> {
    let signer = signer(context, store, args.no_sign)?;
    let export = SelectionExport {
        version: args.format_version.into(),
        filter: &args.filters.to_filter()?,
        unsealed: Unsealed::Refused,
        signer: signer.as_deref(),
        progress: &mut |done| progress.at(done),
    };
    let (_, selected) = export_selection(store, out, export)?;
    Ok(selected.closing.entries)
}

fn bundle(
    context: &Context,
    reader: &Reader,
    args: &Args,
    (first, last): (Seq, Seq),
    out: &mut dyn Write,
    output: &mut Output,
    progress: &mut Progress,
) -> Result<u64, CliError> {
    let store = &reader.store;
    let signer = signer(context, store, args.no_sign)?;
    let head = match signed_head(context, reader) {
        Ok(head) => Some(head),
        Err(error) => {
            output.warning(&format!("unsealed entries are left out: {error}"));
            None
        }
    };
    let export = RangeExport {
        version: args.format_version.into(),
        first,
        last,
        head: head.as_ref(),
        signer: signer.as_deref(),
        progress: &mut |done| progress.at(done),
    };
    let (_, closing) = export_range(store, out, export)?;
    let wanted = store
        .count()?
        .min(last.0.saturating_add(1))
        .saturating_sub(first.0);
    if closing.entries < wanted {
        let left_out = wanted - closing.entries;
        output.warning(&format!(
            "the last {left_out} entries of the range are not sealed yet and were left out: \
             --seal seals them first"
        ));
    }
    Ok(closing.entries)
}

/// The key, unless nobody is to sign: a bundle without a signed closing record
/// can be cut by anybody, and does not pass.
pub(super) fn signer(
    context: &Context,
    store: &RocksStore,
    no_sign: bool,
) -> Result<Option<Arc<dyn Signer>>, CliError> {
    if no_sign {
        return Ok(None);
    }
    match context.signer(store) {
        Ok(signer) => Ok(Some(signer)),
        Err(error) => Err(CliError::NotSigned(Box::new(error))),
    }
}

fn logbook(
    store: &RocksStore,
    last: Seq,
    out: &mut dyn Write,
    progress: &mut Progress,
) -> Result<u64, CliError> {
    let mut entries = 0;
    let mut line = Vec::new();
    for seq in 0..store.count()?.min(last.0.saturating_add(1)) {
        let entry = crate::logbook::entry_at(store, Seq(seq))?;
        line.clear();
        entry.write_json(None, &mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(CliError::output)?;
        entries += 1;
        progress.at(entries);
    }
    out.flush().map_err(CliError::output)?;
    Ok(entries)
}

/// The default level asks of its reader a window of 2 MiB.
fn compress(
    out: &mut dyn Write,
    write: &mut dyn FnMut(&mut dyn Write) -> Result<u64, CliError>,
) -> Result<u64, CliError> {
    let failed = CliError::output;
    let mut encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    let entries = write(&mut encoder)?;
    encoder.finish().and_then(Write::flush).map_err(failed)?;
    Ok(entries)
}

/// Writes beside the target and moves there, so that what is interrupted is
/// never taken for evidence.
pub(super) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<u64, CliError>,
) -> Result<u64, CliError> {
    if path.as_os_str() == "-" {
        return write(&mut BufWriter::new(std::io::stdout()));
    }
    let failed = |error| CliError::file(path, error);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let file = builder
        .prefix(".export-")
        .tempfile_in(folder)
        .map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let entries = write(&mut out)?;
    let file = out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    set_mode(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed)?;
    Ok(entries)
}

/// Evidence is for others to read, which a temporary file is not.
fn set_mode(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}
