//! `sealbook key`: the ledger's public key; and keys as arguments.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::Ledger;
use crate::ledger::json::Value;
use crate::ledger::key::PublicKey;
use crate::ledger::pem::{self, PemError};
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::logbook::key_file::{self, KeyFileError};
use crate::publish::PublicError;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::key_text::{self, KeyTextError};
use super::output::Output;
use super::spared::spare;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<KeyFormat>,
    /// Print it as PEM, as other tools read it
    #[arg(long)]
    pem: bool,
    /// As the verifier key of the log's public name
    #[arg(long, conflicts_with = "pem")]
    vkey: bool,
    /// That of the second key, of ML-DSA-44
    #[arg(long, requires = "vkey")]
    post_quantum: bool,
}

#[derive(Debug, clap::Subcommand)]
enum KeyFormat {
    /// Make a second key, of ML-DSA-44, and bind it to the log: from then on it cosigns each
    /// checkpoint
    Add {
        /// Where it is written [default: DIR.key.ml-dsa.pem, beside the ledger]
        #[arg(long, value_name = "FILE")]
        second_key: Option<PathBuf>,
        /// Put it under a passphrase: that of SEALBOOK_KEY_PASSPHRASE, or asked for
        #[arg(long)]
        encrypt_key: bool,
    },
}

#[derive(Serialize)]
struct AddedKey {
    second_key_sha256: Sha256Digest,
    second_key_file: String,
    seq: Seq,
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
    if let Some(KeyFormat::Add {
        second_key,
        encrypt_key,
    }) = &args.what
    {
        return add(context, second_key.as_deref(), *encrypt_key, output);
    }
    let ledger = context.reader(output)?;
    let identity = ledger.identity();
    let vkey = match (args.vkey, args.post_quantum) {
        (false, _) => None,
        (true, false) => Some(ledger.verifier_key()?.ok_or(PublicError::NoName)?),
        (true, true) => {
            ledger.verifier_key()?.ok_or(PublicError::NoName)?;
            Some(
                ledger
                    .second_verifier_key()?
                    .ok_or(CliError::NothingFound)?,
            )
        }
    };
    let vkey = vkey.map(|key| key.to_string());
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

/// Makes a second key and binds it.
fn add(
    context: &Context,
    path: Option<&Path>,
    encrypt: bool,
    output: &mut Output,
) -> Result<Answer, CliError> {
    #[cfg(feature = "rocks")]
    {
        context.check_files()?;
        context.check_alone()?;
    }
    let mut options = context.options().encrypt_key(encrypt);
    if let Some(path) = path {
        spare(context, path)?;
        options = options.second_key_file(path);
    }
    let ledger = Ledger::open(&context.ledger, options)?;
    let (key, path, receipt) = ledger.add_second_key()?;
    ledger.close()?;
    output.done(format!(
        "entry {} binds the second key in {}",
        receipt.seq,
        path.display()
    ));
    let added = AddedKey {
        second_key_sha256: key.digest(),
        second_key_file: path.display().to_string(),
        seq: receipt.seq,
    };
    if output.is_json() {
        output.document(&added)?;
    } else {
        let file = &added.second_key_file;
        output.line(&format!("second key sha256:{}", added.second_key_sha256))?;
        output.line(&format!(
            "  in {file} (keep it as the key), bound by entry {}",
            added.seq
        ))?;
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
        let is_path = matches!(refused, KeyTextError::Unknown) && text.contains(['/', '.']);
        return Err(CliError::KeyText {
            given: text.to_owned(),
            source: match is_path {
                true => KeyTextError::NoFile,
                false => refused,
            },
        });
    }
    let text = key_file::public_text(path)?;
    key_text::read(&text).map_err(|refused| match refused {
        KeyTextError::Unknown => CliError::from(KeyFileError::Pem {
            path: path.to_owned(),
            source: match text.contains("PRIVATE KEY-----") {
                true => PemError::Private,
                false => PemError::NotAPublicKey,
            },
        }),
        source => CliError::KeyText {
            given: path.display().to_string(),
            source,
        },
    })
}
