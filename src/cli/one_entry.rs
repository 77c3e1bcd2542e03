//! One entry: its number as an argument, and itself for people.

use crate::ledger::entry::Entry;
use crate::ledger::position::Seq;

use super::error::CliError;
use super::output::Output;

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

pub(super) fn parse_seq(text: &str) -> Result<Seq, CliError> {
    let number = text.parse().map_err(|_| CliError::Argument {
        what: "entry",
        given: text.to_owned(),
        expected: "a sequence number or a hash of 64 hex digits is needed",
    })?;
    Ok(Seq(number))
}
