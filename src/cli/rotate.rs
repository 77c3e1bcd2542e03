//! `sealbook rotate`: closes the book, and continues it in a new one under a new
//! key.

use std::path::PathBuf;

use serde::Serialize;

use crate::api::Ledger;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::init;
use super::key::parse_key;
use super::output::Output;
use super::spared::outside_ledgers;
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory of the new ledger [default: DIR.2, then DIR.3, …]
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// Where the new private key is written, or agent:SOCKET or pkcs11:… that has one [default:
    /// NEW.key.pem, beside it]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Use the key that the file already holds
    #[arg(long)]
    reuse_key: bool,
    /// Put the new key under a passphrase: that of SEALBOOK_KEY_PASSPHRASE, or asked for
    #[arg(long, conflicts_with = "reuse_key")]
    encrypt_key: bool,
    /// The new log's name [default: that of the old one]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// The format of the new log, as of init [default: with an index if the old one has one]
    #[arg(long, value_enum, value_name = "VERSION")]
    format_version: Option<FormatVersion>,
    /// The public key that may one day revoke the new log's [default: that of the old one]
    #[arg(long, value_name = "PUB")]
    recovery_key: Option<String>,
}

#[derive(Serialize)]
struct Printed {
    ledger: String,
    log: PublicKey,
    genesis: Hash,
    key_file: String,
    mark_file: String,
    predecessor: Before,
}

#[derive(Serialize)]
struct Before {
    ledger: String,
    log: PublicKey,
    seq: u64,
    hash: Hash,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_alone()?;
    for path in [&args.new, &args.key].into_iter().flatten() {
        outside_ledgers(path)?;
    }
    let mut next = context
        .new_options()
        .reuse_key(args.reuse_key)
        .encrypt_key(args.encrypt_key);
    if let Some(key) = &args.recovery_key {
        next = next.recovery_key(parse_key(key)?);
    }
    if let Some(path) = &args.key {
        next = next.key_file(path);
    }
    if let Some(version) = args.format_version {
        next = next.format_version(version.into());
    }
    if let Some(name) = &args.origin {
        next = next.origin(name);
    }
    let options = context.options();
    let rotated = Ledger::rotate(&context.ledger, &options, args.new.as_deref(), &next)?;
    let (made, end) = (&rotated.made, &rotated.end);
    let before = context.ledger.display().to_string();
    output.done(format!(
        "{before} is closed, and continued in {}",
        made.ledger.display()
    ));
    if output.is_json() {
        output.document(&Printed {
            ledger: made.ledger.display().to_string(),
            log: made.identity.log,
            genesis: made.identity.genesis,
            key_file: made.key_file.display().to_string(),
            mark_file: made.mark_file.display().to_string(),
            predecessor: Before {
                ledger: before,
                log: end.log,
                seq: end.seq.0,
                hash: end.hash,
            },
        })?;
        return Ok(Answer::Yes);
    }
    output.line(&format!("closed {before} with entry {}", end.seq))?;
    output.line(&format!("continued in {}", made.ledger.display()))?;
    init::print(made, output)?;
    Ok(Answer::Yes)
}
