//! `sealbook import`: evidence of other logs, verified and kept apart.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::imports::accept::{Imported, Offered, Outcome, import};
use crate::imports::conflict::Conflict;
use crate::imports::shelf;
use crate::ledger::bundle_file::BundleFile;
use crate::ledger::fault::{Fault, FaultCode, Report};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::logbook_file::LogbookFile;
use crate::ledger::proof::ProofFile;
use crate::ledger::source::{ReadError, Source};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::recognise::{As, Found, recognise_copy};
use super::rows::Rows;
use super::trust::Trust;
use super::verify::{self, unread, word};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A bundle, proof or logbook; - reads standard input
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// What it must be
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<As>,
    /// List what was imported, and what was refused as equivocation
    #[arg(long, conflicts_with_all = ["file", "key", "format"])]
    list: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let Some(path) = &args.file else {
        return list(context, output);
    };
    let policy = args.trust.policy()?;
    let copy = Copy::of(path, context)?;
    match recognise_copy(copy.file.path(), path, args.format)? {
        Found::Ledger(_) | Found::Report(_) => {
            return Err(CliError::Argument {
                what: "file",
                given: path.display().to_string(),
                expected: "a bundle, proof or logbook is needed",
            });
        }
        Found::Mismatch { expected, actual } => {
            let detail = format!("it was to be {} and is {actual}", word(expected));
            let fault = Fault::of_file(FaultCode::FormatMismatch, detail);
            let fault = fault.compared(word(expected), actual);
            return print(&Outcome::Refused(unread(expected, &policy, fault)), output);
        }
        _ => {}
    }
    let logbook = context.writer()?;
    let mut progress = Progress::new(None, "entries");
    let offered = Offered {
        digest: copy.digest,
        bytes: copy.bytes,
        content: &|| Ok(Box::new(File::open(copy.file.path())?)),
        events: &|| events(&copy, path, args.format),
    };
    let outcome = import(&logbook, &offered, &policy, &mut |done| progress.at(done));
    progress.finish();
    let closed = logbook.close();
    let outcome = outcome?;
    closed?;
    print(&outcome, output)
}

/// A file as it was when it was looked at, whatever becomes of the one that was
/// named: what is kept is what was verified.
struct Copy {
    file: NamedTempFile,
    digest: Hash,
    bytes: u64,
}

impl Copy {
    fn of(path: &Path, context: &Context) -> Result<Copy, CliError> {
        let failed = |error| CliError::file(path, error);
        let mut from: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let metadata = std::fs::metadata(path).map_err(failed)?;
            if metadata.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            Box::new(File::open(path).map_err(failed)?)
        };
        let mut file = context.scratch_file()?;
        let (mut hasher, mut bytes) = (Hasher::new(), 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = from.read(&mut buffer).map_err(failed)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hasher.update(piece);
            bytes += piece.len() as u64;
            file.write_all(piece)
                .map_err(|error| CliError::file(file.path(), error))?;
        }
        Ok(Copy {
            file,
            digest: hasher.finish(),
            bytes,
        })
    }
}

fn events(copy: &Copy, path: &Path, format: Option<As>) -> Result<Box<dyn Source>, ReadError> {
    let found = recognise_copy(copy.file.path(), path, format);
    match found.map_err(|error| io::Error::other(error.to_string()))? {
        Found::Logbook(file) => Ok(Box::new(LogbookFile::new(file.reader))),
        Found::Bundle(file) => Ok(Box::new(BundleFile::open(file.reader)?)),
        Found::Proof(bytes) => Ok(Box::new(ProofFile::new(&bytes))),
        Found::Ledger(_) | Found::Equivocation(_) | Found::Report(_) | Found::Mismatch { .. } => {
            Err(ReadError::Io(io::ErrorKind::InvalidData.into()))
        }
    }
}

/// What `import --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    outcome: &'static str,
    digest: Option<String>,
    /// Our entry on it.
    seq: Option<u64>,
    /// The files that contradict each other, the earlier first.
    evidence: Vec<String>,
    report: &'a Report,
}

fn print(outcome: &Outcome, output: &mut Output) -> Result<Answer, CliError> {
    let (word, report) = match outcome {
        Outcome::Imported(imported) => ("imported", &imported.report),
        Outcome::Known(imported) => ("known", &imported.report),
        Outcome::Refused(report) => ("refused", report),
        Outcome::Equivocation(report, _) => ("equivocation", report),
    };
    if output.is_json() {
        let imported = match outcome {
            Outcome::Imported(imported) | Outcome::Known(imported) => Some(imported),
            _ => None,
        };
        let conflict = match outcome {
            Outcome::Equivocation(_, conflict) => Some(conflict),
            _ => None,
        };
        let evidence = conflict.into_iter().flat_map(files);
        output.document(&Printed {
            outcome: word,
            digest: imported
                .map(|imported| imported.digest.to_string())
                .or(conflict.map(|conflict| conflict.later.0.to_string())),
            seq: imported.map(|imported| imported.seq.0),
            evidence: evidence.map(|digest| digest.to_string()).collect(),
            report,
        })?;
    }
    match outcome {
        Outcome::Imported(imported) if !output.is_json() => say("imported", imported, output)?,
        Outcome::Known(imported) if !output.is_json() => {
            say("imported before:", imported, output)?;
        }
        Outcome::Refused(report) if !output.is_json() => {
            verify::print_report(report, None, false, output)?
        }
        Outcome::Equivocation(report, conflict) if !output.is_json() => {
            verify::print_report(report, None, false, output)?;
            for digest in files(conflict) {
                output.line(&format!(
                    "evidence {digest}: `sealbook export --file {digest} -o FILE` gives it out"
                ))?;
            }
        }
        _ => {}
    }
    Ok(match outcome {
        Outcome::Imported(_) | Outcome::Known(_) => Answer::Yes,
        Outcome::Refused(_) | Outcome::Equivocation(..) => Answer::No,
    })
}

fn files(conflict: &Conflict) -> [Hash; 2] {
    [conflict.earlier.0, conflict.later.0]
}

fn say(what: &str, imported: &Imported, output: &mut Output) -> Result<(), CliError> {
    let report = &imported.report;
    output.line(&format!(
        "{what} {} with {} entries, {} epochs",
        word(report.format),
        report.entries,
        report.epochs
    ))?;
    output.line(&format!("log      {}", imported.log.key))?;
    output.line(&format!("genesis  {}", imported.log.genesis))?;
    output.line(&format!("file     {}", imported.digest))?;
    output.line(&format!("recorded as entry {}", imported.seq))
}

fn list(context: &Context, output: &mut Output) -> Result<Answer, CliError> {
    let reader = context.reader(output)?;
    let mut rows = Rows::new(&["entry", "log", "genesis", "file"]);
    for kept in shelf::imports(&reader.store, None) {
        let kept = kept?;
        let (log, genesis) = (kept.log.key.to_string(), kept.log.genesis.to_string());
        let digest = kept.digest.to_string();
        if output.is_json() {
            rows.found = true;
            output.document(&json!({
                "seq": kept.seq.0, "log": log, "genesis": genesis, "digest": digest,
            }))?;
        } else {
            rows.add(vec![kept.seq.to_string(), log, genesis, digest], output)?;
        }
    }
    let mut refused = Rows::new(&["refused file", "contradicts file"]);
    for conflict in shelf::conflicts(&reader.store) {
        let (later, earlier) = conflict?;
        if output.is_json() {
            rows.found = true;
            output.document(&json!({
                "refused": later.to_string(), "contradicts": earlier.to_string(),
            }))?;
        } else {
            refused.add(vec![later.to_string(), earlier.to_string()], output)?;
        }
    }
    let found = rows.found || refused.found;
    let nothing = |answer| match answer {
        Err(CliError::NothingFound) if found => Ok(Answer::Yes),
        other => other,
    };
    nothing(rows.finish(output))?;
    nothing(refused.finish(output))
}
