//! `sealbook card`: capability cards, signed and verified.

use std::path::PathBuf;

use serde_json::json;

#[cfg(feature = "rocks")]
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::record::Outcome;
use crate::vacant::{CapabilityCard, CoreError};

use super::Answer;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, ProducerError};
use super::key::{key_list, parse_key};
use super::output::Output;
use super::recording::{self, Recording};
#[cfg(feature = "rocks")]
use super::shown;
use super::spared;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Sign a card with its vacant's key
    Sign(Sign),
    /// Verify that the vacant that a card names has signed it
    Verify(CardVerify),
}

#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// The card in JSON; - reads standard input
    file: PathBuf,
    /// The vacant's private Ed25519 key (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signed card is written [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct CardVerify {
    /// The card in JSON; - reads standard input
    file: PathBuf,
    /// The key of the vacant whose card it must be: 64 hex digits or a PEM file
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The case that it belongs to
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    #[command(flatten)]
    recording: recording::Args,
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    match command {
        Command::Sign(args) => sign(context, args, output),
        Command::Verify(args) => verify(context, args, output),
    }
}

fn open(path: &std::path::Path) -> Result<CapabilityCard, CliError> {
    let card = CapabilityCard::parse(&read(path, limits::LINE_BYTES)?);
    card.map_err(|error| in_file(path)(ProducerError::from(CoreError::from(error))))
}

fn sign(context: &Context, args: &Sign, output: &mut Output) -> Result<Answer, CliError> {
    let card = open(&args.file)?;
    let signer = context.open_key(&args.key)?;
    let signed = card.signed(&signer).map_err(ProducerError::from)?;
    match &args.output {
        Some(path) => {
            spared::replace(context, path, signed.to_text().as_bytes())?;
            output.note(&format!("the signed card is in {}", path.display()));
        }
        None => output.bytes(signed.to_text().as_bytes())?,
    }
    Ok(Answer::Yes)
}

fn verify(context: &Context, args: &CardVerify, output: &mut Output) -> Result<Answer, CliError> {
    let card = open(&args.file)?;
    let key = args.key.as_deref().map(parse_key).transpose()?;
    let foreign = key.is_some_and(|key| key != *card.vacant_id().verify_key());
    let fault = match (foreign, fault(&card)) {
        (true, _) => Some("untrusted_key"),
        (false, fault) => fault,
    };
    let recording = Recording::open(context, &args.recording)?;
    #[cfg(feature = "rocks")]
    if let Some(server) = recording.judge() {
        let members = [
            ("card", Value::Object(card.to_object())),
            ("key", Value::from(key.map(|key| key.to_string()))),
            (
                "correlation_id",
                Value::from(args.correlation_id.as_deref()),
            ),
        ];
        let evidence: Object = members.into_iter().collect();
        return shown::judge(server, "/v1/cards", evidence, output);
    }
    let of = || {
        Outcome::judged_card(&card, fault.is_none())
            .of_case(args.correlation_id.as_deref())
            .with("fault", fault)
            .with("path", args.file.to_string_lossy().into_owned())
            .with("trusted_keys", key_list(key.as_slice()))
    };
    recording.record(of, output)?;
    let source = key.map_or("none", |_| "given");
    if output.is_json() {
        output.document(&json!({
            "verified": fault.is_none(),
            "fault": fault,
            "vacant_id": card.vacant_id().hex(),
            "halo_version": card.halo_version(),
            "key_source": source,
        }))?;
    } else {
        let word = fault.unwrap_or("signed by the vacant that it names");
        output.verdict(fault.is_none(), &format!("card: {word}"))?;
        output.line(&format!("vacant   {}", card.vacant_id().hex()))?;
        output.line(&format!("text     {}", card.capability_text()))?;
        output.line(&format!("version  {}", card.halo_version()))?;
    }
    if key.is_none() {
        output.warning("no trusted key given: the card names its own; pass --key");
    }
    Ok(match fault {
        None => Answer::Yes,
        Some(_) => Answer::No,
    })
}

/// What is wrong with a card's signature.
pub(super) fn fault(card: &CapabilityCard) -> Option<&'static str> {
    match card.signature() {
        None => Some("unsigned"),
        Some(_) if card.verify() => None,
        Some(_) => Some("signature_invalid"),
    }
}
