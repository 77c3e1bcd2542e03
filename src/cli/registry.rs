//! `sealbook registry`: what the registry says of workers and hashes (SPEC §7).
//!
//! Tokens come from the environment alone: an argument is everybody's to read.

mod ask;
mod tell;

use std::time::Duration;

use crate::attestation::BanList;
use crate::attestation::registry_client::{
    BAN_LIST_LIMIT, DEFAULT_URL, RegistryClient, RegistryConfig, SessionToken,
};
use crate::ledger::json::{Form, Value};

use super::Answer;
use super::error::{CliError, ProducerError};
use super::output::Output;

const URL: &str = "PYHALL_REGISTRY_URL";
const SESSION_TOKEN: &str = "PYHALL_SESSION_TOKEN";
const BEARER_TOKEN: &str = "PYHALL_BEARER_TOKEN";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The registry [default: PYHALL_REGISTRY_URL, else https://api.pyhall.dev]
    #[arg(long, global = true, value_name = "URL")]
    registry: Option<String>,
    /// Seconds to wait for an answer
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// How workers stand; answers no unless all are active and none is banned
    Verify(ask::PackageVerify),
    /// List banned hashes, or ask for one
    BanList(ask::BannedArgs),
    /// Whether the registry is well
    Health,
    /// Report a hash for review; needs PYHALL_SESSION_TOKEN
    Report(tell::Report),
    /// Submit the hash of a package; needs PYHALL_BEARER_TOKEN
    Attest(tell::Attest),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let url = url(args.registry.as_deref()).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let client = client(&url, Duration::from_secs(args.timeout))?;
    match &args.command {
        Command::Verify(args) => ask::verify(&client, args, output),
        Command::BanList(args) => ask::banned(&client, args, output),
        Command::Health => ask::health(&client, output),
        Command::Report(args) => tell::report(&client, args, output),
        Command::Attest(args) => tell::attest(&client, args, output),
    }
}

pub(super) fn url(given: Option<&str>) -> Option<String> {
    let of_environment = || std::env::var(URL).ok().filter(|url| !url.is_empty());
    given.map(str::to_owned).or_else(of_environment)
}

/// What the registry at `url` bans, and whether that is all.
pub(super) fn ban_list(url: &str) -> Result<(BanList, bool), CliError> {
    let client = client(url, RegistryConfig::default().timeout)?;
    let entries = client.get_ban_list(BAN_LIST_LIMIT);
    let entries = entries.map_err(ProducerError::from)?;
    // The digest under which it is recorded is that of its canonical text.
    let values = entries.iter().map(|entry| entry.to_value());
    let text = Value::Array(values.collect()).canonical(Form::Utf8);
    let list = BanList::parse(text.as_bytes()).map_err(ProducerError::from)?;
    Ok((list, entries.len() < BAN_LIST_LIMIT))
}

fn client(url: &str, timeout: Duration) -> Result<RegistryClient, CliError> {
    let client = RegistryClient::new(RegistryConfig {
        base_url: url.to_owned(),
        session_token: token(SESSION_TOKEN)?,
        bearer_token: token(BEARER_TOKEN)?,
        timeout,
        ..RegistryConfig::default()
    });
    Ok(client.map_err(ProducerError::from)?)
}

fn token(variable: &'static str) -> Result<Option<SessionToken>, CliError> {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => match SessionToken::new(text) {
            Some(token) => Ok(Some(token)),
            None => Err(ProducerError::Token { variable }.into()),
        },
        Err(std::env::VarError::NotUnicode(_)) => Err(ProducerError::Token { variable }.into()),
        _ => Ok(None),
    }
}
