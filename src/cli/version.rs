//! `sealbook version`.

use serde::Serialize;

use crate::ledger::opening::FORMAT;
use crate::wcp;

use super::Answer;
use super::error::CliError;
use super::output::Output;

#[derive(Serialize)]
struct Versions {
    sealbook: &'static str,
    ledger_format: u64,
    wcp_spec: &'static str,
}

pub(super) fn run(output: &mut Output) -> Result<Answer, CliError> {
    let versions = Versions {
        sealbook: env!("CARGO_PKG_VERSION"),
        ledger_format: FORMAT,
        wcp_spec: wcp::SPEC_VERSION,
    };
    if output.is_json() {
        output.document(&versions)?;
    } else {
        output.line(&format!("sealbook {}", versions.sealbook))?;
        output.line(&format!("ledger format {}", versions.ledger_format))?;
        output.line(&format!("WCP specification {}", versions.wcp_spec))?;
    }
    Ok(Answer::Yes)
}
