//! `sealbook import`: evidence of other logs, verified and kept apart.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use crate::api::held::{Held, Query};
use crate::api::{ImportFile, Writer, by_name};
use crate::imports::accept::{ImportOutcome, Imported};
use crate::imports::conflict::Conflict;
use crate::imports::reading;
use crate::ledger::fault::{Format, Report};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Value};
use crate::ledger::policy::Policy;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::formats::As;
use super::output::Output;
use super::progress::Progress;
use super::rows::EntryRows;
use super::trust::TrustArgs;
use super::verify;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A bundle, proof or logbook; - reads standard input
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
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
    if let Some(held) = context.held()? {
        return beside(&held, args, path, &policy, output);
    }
    let format = args.format.map(Format::from);
    let file = ImportFile::copy(open(path)?, path, format, &context.ledger)?;
    let ledger = match context.writer()? {
        Writer::Own(ledger) => ledger,
        // One that began just now.
        Writer::Held(writer) => return beside(writer.server(), args, path, &policy, output),
    };
    let mut progress = Progress::new(None, "entries");
    let outcome = ledger.import(&file, &policy, &mut |done| progress.at(done));
    progress.finish();
    let closed = ledger.close();
    let outcome = outcome?;
    closed?;
    print(&outcome, output)
}

/// Has the server take it in that holds the ledger.
fn beside(
    held: &Held,
    args: &Args,
    path: &Path,
    policy: &Policy,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut asked = Query::new("/v1/imports");
    for key in &policy.keys {
        asked.add("key", &key.to_string());
    }
    for revocation in &policy.revocations {
        // With the entry that shows that a successor may.
        asked.add("revoked", &String::from_utf8_lossy(&revocation.to_file()));
    }
    if policy.allow_unapplied_revocations {
        asked.add("allow_revocation_not_applicable", "true");
    }
    if policy.allow_unsigned {
        asked.add("allow_unsigned", "true");
    }
    // Its name says what it has to be, too.
    let named = args.format.map(Format::from).or_else(|| by_name(path));
    if let Some(format) = named {
        asked.add("as", &format.to_string());
    }
    let said = held.upload(&asked.finish(), &mut open(path)?)?;
    if output.is_json() {
        output.document(&said)?;
    } else {
        let text = |name| said.get(name).map(|it| it.canonical(Form::Utf8));
        let outcome = said
            .get("outcome")
            .and_then(Value::as_str)
            .unwrap_or_default();
        output.line(&format!("{outcome} {}", path.display()))?;
        for name in ["digest", "seq", "evidence", "report"] {
            if let Some(text) = text(name).filter(|text| text != "null" && text != "[]") {
                output.line(&format!("{name}  {text}"))?;
            }
        }
    }
    match said.get("outcome").and_then(Value::as_str) {
        Some("imported" | "known") => Ok(Answer::Yes),
        _ => Ok(Answer::No),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>, CliError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let failed = |error| CliError::file(path, error);
    if std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(File::open(path).map_err(failed)?))
}

/// What `import --json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    outcome: &'static str,
    digest: Option<String>,
    seq: Option<u64>,
    /// The files that contradict each other, the earlier first.
    evidence: Vec<String>,
    report: &'a Report,
}

fn print(outcome: &ImportOutcome, output: &mut Output) -> Result<Answer, CliError> {
    let (word, report) = match outcome {
        ImportOutcome::Imported(imported) => ("imported", &imported.report),
        ImportOutcome::Known(imported) => ("known", &imported.report),
        ImportOutcome::Refused(report) => ("refused", report),
        ImportOutcome::Equivocation(report, _) => ("equivocation", report),
    };
    if let ImportOutcome::Imported(imported) | ImportOutcome::Known(imported) = outcome {
        output.done(format!(
            "the file is kept, recorded as entry {}",
            imported.seq
        ));
    }
    if output.is_json() {
        let imported = match outcome {
            ImportOutcome::Imported(imported) | ImportOutcome::Known(imported) => Some(imported),
            _ => None,
        };
        let conflict = match outcome {
            ImportOutcome::Equivocation(_, conflict) => Some(conflict),
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
        ImportOutcome::Imported(imported) if !output.is_json() => {
            say("imported", imported, output)?
        }
        ImportOutcome::Known(imported) if !output.is_json() => {
            say("imported before:", imported, output)?;
        }
        ImportOutcome::Refused(report) if !output.is_json() => {
            verify::print_report(report, None, false, output)?
        }
        ImportOutcome::Equivocation(report, conflict) if !output.is_json() => {
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
        ImportOutcome::Imported(_) | ImportOutcome::Known(_) => Answer::Yes,
        ImportOutcome::Refused(_) | ImportOutcome::Equivocation(..) => Answer::No,
    })
}

fn files(conflict: &Conflict) -> [Hash; 2] {
    [conflict.earlier.0, conflict.later.0]
}

fn say(what: &str, imported: &Imported, output: &mut Output) -> Result<(), CliError> {
    let report = &imported.report;
    output.line(&format!(
        "{what} {} with {} entries, {} epochs",
        report.format, report.entries, report.epochs
    ))?;
    output.line(&format!("log      {}", imported.log.key))?;
    output.line(&format!("genesis  {}", imported.log.genesis))?;
    output.line(&format!("file     {}", imported.digest))?;
    output.line(&format!("recorded as entry {}", imported.seq))
}

fn list(context: &Context, output: &mut Output) -> Result<Answer, CliError> {
    let reader = context.reader(output)?;
    let mut rows = EntryRows::new(&["entry", "log", "genesis", "file"]);
    for kept in reading::imports(reader.store(), None) {
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
    let mut refused = EntryRows::new(&["refused file", "contradicts file"]);
    for conflict in reading::conflicts(reader.store()) {
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
