//! `sealbook key`: the ledger's public key; and keys as arguments.

use std::path::Path;

use serde::Serialize;

use crate::ledger::json::Value;
use crate::ledger::key::PublicKey;
use crate::ledger::pem::{self, PemError};
use crate::logbook::key_file::{self, KeyFileError};
use crate::publish::PublicError;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::key_text::{self, KeyTextError};
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print it as PEM, as other tools read it
    #[arg(long)]
    pem: bool,
    /// As the verifier key of the log's public name
    #[arg(long, conflicts_with = "pem")]
    vkey: bool,
}

#[derive(Serialize)]
struct ShownKey {
    log: PublicKey,
    fingerprint: String,
    pem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vkey: Option<String>,
}

pub(super) fn key_list(keys: &[PublicKey]) -> Value {
    let keys = keys.iter().map(|key| Value::from(key.to_string()));
    Value::Array(keys.collect())
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let identity = ledger.identity();
    let vkey = match args.vkey {
        true => Some(
            ledger
                .verifier_key()?
                .ok_or(PublicError::NoName)?
                .to_string(),
        ),
        false => None,
    };
    let pem = pem::format_public_key(&identity.log).ok();
    if output.is_json() {
        output.document(&ShownKey {
            log: identity.log,
            fingerprint: identity.log.fingerprint(),
            pem,
            vkey,
        })?;
    } else if let Some(vkey) = vkey {
        output.line(&vkey)?;
    } else if args.pem {
        output.bytes(pem.unwrap_or_default().as_bytes())?;
    } else {
        output.line(&identity.log.to_string())?;
    }
    Ok(Answer::Yes)
}

/// A public key as an argument, or the file that has it.
pub(super) fn parse_key(text: &str) -> Result<PublicKey, CliError> {
    let refused = match key_text::read(text) {
        Ok(key) => return Ok(key),
        Err(refused) => refused,
    };
    let path = Path::new(text);
    if !path.exists() {
        return Err(CliError::KeyText {
            given: text.to_owned(),
            source: refused,
        });
    }
    let text = key_file::public_text(path)?;
    key_text::read(&text).map_err(|refused| match refused {
        KeyTextError::Unknown => CliError::from(KeyFileError::Pem {
            path: path.to_owned(),
            source: PemError::NotAPublicKey,
        }),
        source => CliError::KeyText {
            given: path.display().to_string(),
            source,
        },
    })
}
