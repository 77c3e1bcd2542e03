//! `sealbook diff`: two copies of one log, compared.

pub(super) mod documents;
mod notes;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::{Error, denied, with_source};
use crate::ledger::compare::{Comparison, LogSide, Proven, Relation, compare};
use crate::ledger::equivocation::Equivocation;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;

use super::Answer;
#[cfg(feature = "rocks")]
use super::chained;
use super::context::Context;
use super::error::CliError;
use super::key::parse_key;
use super::output::Output;
use super::progress::Progress;
use super::spared::spare;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A ledger, logbook, bundle or proof, or a checkpoint of a public log; with --documents a decision or reload by SEQ or HASH (BOOK:SEQ with --books), or a time
    a: PathBuf,
    /// Another copy of it
    b: PathBuf,
    /// Compare what decisions of the ledger were taken under, in words: rules, configuration, policy, ban list, registry
    #[arg(long, conflicts_with_all = ["key", "output"])]
    documents: bool,
    #[cfg(feature = "rocks")]
    #[command(flatten)]
    books: chained::Args,
    /// The log's key, where neither copy names it: 64 hex digits or a PEM file
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Of two checkpoints: the log's folder or the ledger, which leads from one to the other
    #[arg(long, value_name = "PLACE", conflicts_with = "documents")]
    from: Option<PathBuf>,
    /// Write the proof here, if the key signed two things of which one is false
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Printed {
    relation: &'static str,
    first_seq: u64,
    common: u64,
    head: Hash,
    first_difference: Option<FirstDifference>,
    entries: [u64; 2],
    equivocation: Option<Proof>,
    keys: Vec<PublicKey>,
}

#[derive(Serialize)]
struct FirstDifference {
    seq: u64,
    a: Option<ShownDiff>,
    b: Option<ShownDiff>,
}

#[derive(Serialize)]
struct ShownDiff {
    hash: Option<Hash>,
    prev_hash: Option<Hash>,
    kind: Option<String>,
    ts: Option<String>,
    unreadable: Option<String>,
}

#[derive(Serialize)]
struct Proof {
    kind: &'static str,
    key: PublicKey,
    acknowledged: bool,
    detail: String,
    proof: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(path) = &args.output {
        spare(context, path)?;
    }
    if args.documents {
        return documents::run(context, args, output);
    }
    if let Some(answer) = notes::run(context, args, output)? {
        return Ok(answer);
    }
    let keys: Result<Vec<_>, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let keys = keys?;
    let options = context.options();
    let mut comparison: Comparison = with_source(&args.a, &options, &mut |a| {
        with_source(&args.b, &options, &mut |b| {
            let mut progress = Progress::new(None, "entries");
            let compared = compare(a, b, &keys, &mut |done| progress.at(done));
            progress.finish();
            Ok::<_, CliError>(compared?)
        })
    })?;
    if comparison.proven.is_none() {
        // What an index denies is no other history: both copies may agree in all they hold.
        let denied = denied(&args.a, &args.b, &options)?;
        comparison.proven = denied.map(|equivocation| Proven {
            equivocation,
            acknowledged: false,
        });
    }
    let proven = comparison.proven.as_ref();
    let written = match (&args.output, proven) {
        (Some(path), Some(proven)) => {
            write_new(path, &proven.equivocation.to_bytes())?;
            Some(path.display().to_string())
        }
        _ => None,
    };
    if output.is_json() {
        output.document(&printed(&comparison, written))?;
    } else {
        print(&comparison, written.as_deref(), args, output)?;
    }
    Ok(match (comparison.relation, proven) {
        (Relation::Same, None) => Answer::Yes,
        _ => Answer::No,
    })
}

/// Evidence never takes the place of a file.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => CliError::from(Error::Exists {
            path: path.to_owned(),
        }),
        _ => CliError::file(path, error),
    })
}

const fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Same => "same",
        Relation::FirstIsPrefix => "a_is_prefix",
        Relation::SecondIsPrefix => "b_is_prefix",
        Relation::Differ => "differ",
    }
}

fn printed(comparison: &Comparison, written: Option<String>) -> Printed {
    let difference = comparison.difference.as_ref();
    Printed {
        relation: relation(comparison.relation),
        first_seq: comparison.first_seq.0,
        common: comparison.common,
        head: comparison.head,
        first_difference: difference.map(|difference| {
            let [a, b] = &difference.sides;
            FirstDifference {
                seq: difference.seq.0,
                a: a.as_ref().map(shown),
                b: b.as_ref().map(shown),
            }
        }),
        entries: comparison.entries,
        equivocation: comparison.proven.as_ref().map(|proven| Proof {
            kind: proven.equivocation.contradiction().name(),
            key: proven.equivocation.log(),
            acknowledged: proven.acknowledged,
            detail: proven.equivocation.contradiction().to_string(),
            proof: written,
        }),
        keys: comparison.keys.clone(),
    }
}

fn shown(side: &LogSide) -> ShownDiff {
    match side {
        LogSide::Entry(entry) => ShownDiff {
            hash: Some(entry.hash()),
            prev_hash: Some(entry.prev_hash()),
            kind: Some(entry.kind().to_owned()),
            ts: Some(entry.ts().to_string()),
            unreadable: None,
        },
        LogSide::Unreadable(error) => ShownDiff {
            hash: None,
            prev_hash: None,
            kind: None,
            ts: None,
            unreadable: Some(error.to_string()),
        },
    }
}

fn print(
    comparison: &Comparison,
    written: Option<&str>,
    args: &Args,
    output: &mut Output,
) -> Result<(), CliError> {
    let (a, b) = (args.a.display(), args.b.display());
    let [in_a, in_b] = comparison.entries;
    output.line(&match comparison.relation {
        Relation::Same => "SAME  both hold the same entries".to_owned(),
        Relation::FirstIsPrefix => format!("DIFFER  {b} goes on where {a} ends"),
        Relation::SecondIsPrefix => format!("DIFFER  {a} goes on where {b} ends"),
        Relation::Differ => "DIFFER  they part".to_owned(),
    })?;
    output.line(&format!(
        "common   {} entries from entry {} on; {in_a} in {a}, {in_b} in {b}",
        comparison.common, comparison.first_seq
    ))?;
    output.line(&format!("head     {}", comparison.head))?;
    if let Some(difference) = &comparison.difference {
        output.line(&format!("parts    at entry {}", difference.seq))?;
        for (path, side) in [&args.a, &args.b].into_iter().zip(&difference.sides) {
            let what = match side {
                Some(LogSide::Entry(entry)) => {
                    format!("{} {} {}", entry.hash(), entry.ts(), entry.kind())
                }
                Some(LogSide::Unreadable(error)) => format!("no entry: {error}"),
                None => "nothing".to_owned(),
            };
            output.line(&format!("           {}: {what}", path.display()))?;
        }
    }
    match &comparison.proven {
        Some(proven) => convicted(&proven.equivocation, proven.acknowledged, written, output),
        None if comparison.relation == Relation::Differ && comparison.keys.is_empty() => {
            output.line("not checked: who signed either of them (no key was given)")
        }
        None => Ok(()),
    }
}

/// Says what the proof shows, and where it is.
fn convicted(
    proof: &Equivocation,
    acknowledged: bool,
    written: Option<&str>,
    output: &mut Output,
) -> Result<(), CliError> {
    let how = match acknowledged {
        true => "acknowledged by an entry that records a rollback",
        false => "not acknowledged",
    };
    output.coloured("EQUIVOCATION", "1;31")?;
    let (log, what) = (proof.log(), proof.contradiction());
    output.line(&format!("  the key {log} signed {what}; {how}"))?;
    output.line(&match written {
        Some(path) => format!("  the proof is in {path}"),
        None => "  -o FILE writes the proof for others to verify".to_owned(),
    })
}
