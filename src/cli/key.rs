//! `sealbook key`: the ledger's public key; and keys as arguments.

use std::path::Path;

use serde::Serialize;

use crate::ledger::key::PublicKey;
use crate::ledger::pem;
use crate::logbook::{identity_of, key_file};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print it as PEM, as other tools read it
    #[arg(long)]
    pem: bool,
}

#[derive(Serialize)]
struct Shown {
    log: PublicKey,
    fingerprint: String,
    pem: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let identity = identity_of(&context.reader(output)?.store)?;
    let pem = pem::format_public_key(&identity.log).ok();
    if output.is_json() {
        output.document(&Shown {
            log: identity.log,
            fingerprint: identity.log.fingerprint(),
            pem,
        })?;
    } else if args.pem {
        output.bytes(pem.unwrap_or_default().as_bytes())?;
    } else {
        output.line(&identity.log.to_string())?;
    }
    Ok(Answer::Yes)
}

/// A public key as an argument: 64 hex digits, or a PEM file.
pub(super) fn parse_key(text: &str) -> Result<PublicKey, CliError> {
    if let Ok(key) = PublicKey::from_hex(&text.to_ascii_lowercase()) {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(CliError::Argument {
            what: "key",
            given: text.to_owned(),
            expected: "64 hex digits or a PEM file are needed",
        });
    }
    Ok(key_file::open_public(path)?)
}
