//! `sealbook show`: one entry.

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;
use crate::logbook::entry_at;
use crate::logbook::error::OpenError;
use crate::store::Store;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::imported;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its sequence number, or its hash in 64 hex digits
    #[arg(value_name = "SEQ|HASH")]
    entry: String,
    /// Of this imported log: KEY, or KEY:GENESIS
    #[arg(long, value_name = "KEY")]
    log: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let store = context.reader(output)?.store;
    if let Some(log) = &args.log {
        return imported::show(&imported::find(&store, log)?, &args.entry, output);
    }
    let Some(seq) = find(&store, &args.entry)? else {
        return Err(CliError::NothingFound);
    };
    if store.last_seq()?.is_none_or(|last| seq > last) {
        return Err(CliError::NothingFound);
    }
    let entry = entry_at(&store, seq)?;
    if output.is_json() {
        let mut json = Vec::new();
        entry.write_json(Some(seq), &mut json);
        output.canonical(&json)?;
        return Ok(Answer::Yes);
    }
    let epoch = store.epoch_of(seq)?;
    let sealed = epoch.map_or_else(|| "not sealed yet".to_owned(), |n| format!("epoch {n}"));
    print(seq, &entry, &sealed, output)?;
    Ok(Answer::Yes)
}

/// An entry for people.
pub(super) fn print(
    seq: Seq,
    entry: &Entry,
    sealed: &str,
    output: &mut Output,
) -> Result<(), CliError> {
    for (name, value) in [
        ("entry", seq.to_string()),
        ("kind", entry.kind().to_owned()),
        ("time", entry.ts().to_string()),
        ("hash", entry.hash().to_string()),
        ("after", entry.prev_hash().to_string()),
        ("signature", entry.signature().to_string()),
        ("sealed", sealed.to_owned()),
        (
            "payload",
            String::from_utf8_lossy(entry.payload_bytes()).into_owned(),
        ),
    ] {
        output.line(&format!("{name:<10}{value}"))?;
    }
    Ok(())
}

fn find(store: &dyn Store, text: &str) -> Result<Option<Seq>, CliError> {
    if let Ok(hash) = Hash::from_hex(&text.to_ascii_lowercase()) {
        let Some(seq) = store.seq_of(&hash)? else {
            return Ok(None);
        };
        // The index is derived and not believed.
        let entry = entry_at(store, seq)?;
        return match entry.hash() == hash {
            true => Ok(Some(seq)),
            false => Err(OpenError::IndexWrong { seq }.into()),
        };
    }
    parse_seq(text).map(Some)
}

/// A sequence number as an argument.
pub(super) fn parse_seq(text: &str) -> Result<Seq, CliError> {
    let number = text.parse().map_err(|_| CliError::Argument {
        what: "entry",
        given: text.to_owned(),
        expected: "a sequence number or a hash of 64 hex digits is needed",
    })?;
    Ok(Seq(number))
}
