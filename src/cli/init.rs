//! `sealbook init`: a new ledger and its key.

use std::path::PathBuf;

use serde::Serialize;

use crate::api::{CreatedLedger, Ledger};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::signers::KeyLocation;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::key::parse_key;
use super::output::Output;
use super::spared::outside_ledgers;
use super::trust::FormatVersion;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the private key is written, or agent:SOCKET or pkcs11:… that has one [default:
    /// DIR.key.pem, beside the ledger]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Use the key that the file already holds
    #[arg(long)]
    reuse_key: bool,
    /// Put the new key under a passphrase: that of SEALBOOK_KEY_PASSPHRASE, or asked for
    #[arg(long, conflicts_with = "reuse_key")]
    encrypt_key: bool,
    /// The format of the new log: 2 has an index under every header, out of which it is
    /// proven that nothing of a case was left out; 1 is for readers of version 0.1
    #[arg(long, value_enum, default_value = "2", value_name = "VERSION")]
    format_version: FormatVersion,
    /// Make a second key, of ML-DSA-44: each checkpoint of the public log then has a signature
    /// that no quantum computer forges; releases up to 0.1 do not read the log
    #[arg(long)]
    post_quantum: bool,
    /// Where the second key is written [default: DIR.key.ml-dsa.pem, beside the ledger]
    #[arg(long, value_name = "FILE", requires = "post_quantum")]
    second_key: Option<PathBuf>,
    /// The log's name, for people
    #[arg(long, value_name = "NAME", default_value = "")]
    origin: String,
    /// Let the members of this group read the ledger and its mark, not the key: a name or a
    /// number
    #[arg(long, value_name = "GROUP", value_parser = group)]
    group: Option<u32>,
    /// The public key that may one day revoke this log's: 64 hex digits or a PEM file
    #[arg(long, value_name = "PUB")]
    recovery_key: Option<String>,
    /// Let the key lie beside a ledger in a bucket: who loses the one loses the other, and
    /// with both the signatures of what was not sealed
    #[cfg(feature = "bucket")]
    #[arg(long)]
    key_beside: bool,
}

#[derive(Serialize)]
struct Printed {
    ledger: String,
    log: PublicKey,
    genesis: Hash,
    fingerprint: String,
    key_file: String,
    mark_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_key_file: Option<String>,
}

pub(super) fn run(context: &Context, args: Args, output: &mut Output) -> Result<Answer, CliError> {
    if args.post_quantum && args.format_version == FormatVersion::One {
        return Err(CliError::usage(
            "a log with a second key is of version 2: leave out --format-version 1",
        ));
    }
    let named = [
        args.key.as_ref(),
        args.second_key.as_ref(),
        context.mark.as_ref(),
    ];
    for path in named.into_iter().flatten().chain([&context.ledger]) {
        outside_ledgers(path)?;
    }
    let mut options = context
        .new_options()
        .origin(args.origin)
        .reuse_key(args.reuse_key)
        .encrypt_key(args.encrypt_key)
        .format_version(args.format_version.into())
        .post_quantum(args.post_quantum);
    if let Some(path) = args.second_key {
        options = options.second_key_file(path);
    }
    #[cfg(feature = "bucket")]
    {
        options = options.key_beside(args.key_beside);
    }
    if let Some(key) = args.recovery_key {
        options = options.recovery_key(parse_key(&key)?);
    }
    if let Some(path) = args.key {
        options = options.key_file(path);
    }
    if let Some(path) = &context.mark {
        options = options.mark(path);
    }
    if let Some(group) = args.group {
        options = options.group(group);
    }
    let made = Ledger::init(&context.ledger, &options)?;
    output.done(format!("the ledger {} is made", made.ledger.display()));
    if output.is_json() {
        output.document(&Printed {
            ledger: made.ledger.display().to_string(),
            log: made.identity.log,
            genesis: made.identity.genesis,
            fingerprint: made.identity.log.fingerprint(),
            key_file: made.key_file.display().to_string(),
            mark_file: made.mark_file.display().to_string(),
            second_key_file: made
                .second_key_file
                .as_ref()
                .map(|path| path.display().to_string()),
        })?;
    } else {
        output.line(&format!("made the ledger {}", made.ledger.display()))?;
        print(&made, output)?;
    }
    Ok(Answer::Yes)
}

/// What is to be known of a new ledger.
pub(super) fn print(made: &CreatedLedger, output: &mut Output) -> Result<(), CliError> {
    output.line(&format!("  log      {}", made.identity.log))?;
    output.line(&format!("  genesis  {}", made.identity.genesis))?;
    output.line(&format!(
        "  key      {}{}",
        made.key_file.display(),
        match KeyLocation::is_outside(&made.key_file) {
            true => "",
            false => " (keep it secret, keep a copy)",
        }
    ))?;
    if let Some(path) = &made.second_key_file {
        let path = path.display();
        output.line(&format!("  second   {path} (keep it as the key)"))?;
    }
    output.line(&format!(
        "  mark     {} (keep it apart from copies of the ledger)",
        made.mark_file.display()
    ))
}

pub(super) fn group(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match nix::unistd::Group::from_name(text) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => Err("there is no such group".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
