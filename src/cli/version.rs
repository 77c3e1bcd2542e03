//! `sealbook version`.

use serde::Serialize;

use crate::ledger::opening::FORMAT;

use super::Answer;
use super::error::CliError;
use super::output::Output;

#[derive(Serialize)]
struct Versions {
    sealbook: &'static str,
    ledger_format: u64,
}

pub(super) fn run(output: &mut Output) -> Result<Answer, CliError> {
    let versions = Versions {
        sealbook: env!("CARGO_PKG_VERSION"),
        ledger_format: FORMAT,
    };
    if output.is_json() {
        output.document(&versions)?;
    } else {
        output.line(&format!("sealbook {}", versions.sealbook))?;
        output.line(&format!("ledger format {}", versions.ledger_format))?;
    }
    Ok(Answer::Yes)
}
