//! `sealbook diff` of two checkpoints of a public log.

use serde::Serialize;

use super::{Args, Proof, write_new};
use crate::api::{CheckpointOrder, Checkpoints, Ledger, compare_checkpoints};
use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::kept;
use crate::cli::key::parse_key;
use crate::cli::output::Output;
use crate::ledger::key::PublicKey;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;

#[derive(Serialize)]
struct Printed {
    relation: &'static str,
    origins: [String; 2],
    entries: [u64; 2],
    roots: [Sha256Digest; 2],
    equivocation: Option<Proof>,
    /// Who signed both, of the keys that were given.
    key: Option<PublicKey>,
}

/// Compares two notes; none if neither file is one.
pub(super) fn run(
    context: &Context,
    args: &Args,
    output: &mut Output,
) -> Result<Option<Answer>, CliError> {
    let notes = match (args.a.is_file(), args.b.is_file()) {
        (true, true) => (kept::checkpoint(&args.a)?, kept::checkpoint(&args.b)?),
        _ => return Ok(None),
    };
    let (a, b) = match notes {
        (Some(a), Some(b)) => (a, b),
        (None, None) => return Ok(None),
        _ => {
            let text = "a checkpoint is compared with a checkpoint, and one of the two is none";
            return Err(CliError::usage(text));
        }
    };
    let keys: Result<Vec<_>, _> = args.key.iter().map(|key| parse_key(key)).collect();
    let mut keys = keys?;
    let options = context.options();
    let from = args.from.as_deref();
    if keys.is_empty()
        && let Some(ledger) = from.filter(|path| !path.join("tile").is_dir())
    {
        keys.push(Ledger::open_read(ledger, context.options())?.key());
    }
    let compared = compare_checkpoints(&a, &b, &keys, from, &options)?;
    let written = match (&args.output, &compared.equivocation) {
        (Some(path), Some(proof)) => {
            write_new(path, &proof.to_bytes())?;
            Some(path.display().to_string())
        }
        _ => None,
    };
    if output.is_json() {
        output.document(&printed([&a, &b], &compared, written))?;
    } else {
        print([&a, &b], &compared, written.as_deref(), output)?;
    }
    Ok(Some(match compared.relation {
        CheckpointOrder::Same
        | CheckpointOrder::FirstIsPrefix
        | CheckpointOrder::SecondIsPrefix => Answer::Yes,
        _ => Answer::No,
    }))
}

const fn relation(relation: CheckpointOrder) -> &'static str {
    match relation {
        CheckpointOrder::Same => "same",
        CheckpointOrder::FirstIsPrefix => "a_is_prefix",
        CheckpointOrder::SecondIsPrefix => "b_is_prefix",
        CheckpointOrder::Unrelated => "unrelated",
        _ => "differ",
    }
}

fn printed(
    both: [&SignedCheckpoint; 2],
    compared: &Checkpoints,
    written: Option<String>,
) -> Printed {
    let contents = both.map(SignedCheckpoint::content);
    Printed {
        relation: relation(compared.relation),
        origins: contents.map(|one| one.origin.clone()),
        entries: contents.map(|one| one.size),
        roots: contents.map(|one| one.root),
        equivocation: compared.equivocation.as_ref().map(|proof| Proof {
            kind: proof.contradiction().name(),
            key: proof.log(),
            acknowledged: false,
            detail: proof.contradiction().to_string(),
            proof: written,
        }),
        key: compared.key,
    }
}

fn print(
    both: [&SignedCheckpoint; 2],
    compared: &Checkpoints,
    written: Option<&str>,
    output: &mut Output,
) -> Result<(), CliError> {
    output.line(match compared.relation {
        CheckpointOrder::Same => "SAME  both checkpoints say the same",
        CheckpointOrder::FirstIsPrefix => "GROWN  the second begins with the first",
        CheckpointOrder::SecondIsPrefix => "GROWN  the first begins with the second",
        CheckpointOrder::Unrelated => "DIFFER  they are of two logs",
        _ => "DIFFER  both cannot stand",
    })?;
    for one in both.map(SignedCheckpoint::content) {
        output.line(&format!(
            "{}  {} entries, root {}",
            one.origin, one.size, one.root
        ))?;
    }
    match &compared.equivocation {
        Some(proof) => super::convicted(proof, false, written, output),
        None if compared.key.is_none() => {
            output.line("not checked: who signed them (no key that was given signed both)")
        }
        None => Ok(()),
    }
}
