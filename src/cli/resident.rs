//! `sealbook resident`: the resident form of a vacant.

use std::path::PathBuf;

use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::record::Outcome;
use crate::vacant::{ChainProblem, CoreError, HashChainError, ResidentForm};

use super::Answer;
use super::card;
use super::context::Context;
use super::document::{in_file, read};
use super::error::{CliError, ProducerError};
use super::key::parse_key;
use super::output::Output;
use super::recording::Recording;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Verify that the parts are one vacant's: logbook and card
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// The resident form in JSON; - reads standard input
    file: PathBuf,
    /// The key of the vacant that it must be: 64 hex digits or a PEM file
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Record the verdict in the ledger
    #[arg(long)]
    record: bool,
}

/// What is wrong with a resident form, part by part.
struct Judged {
    identity: Option<&'static str>,
    logbook: Option<HashChainError>,
    card: Option<&'static str>,
}

impl Judged {
    fn of(form: &ResidentForm, foreign: bool) -> Judged {
        let key = form.identity.verify_key();
        let own = |card: &crate::vacant::CapabilityCard| card.vacant_id() == form.identity;
        let card = form.capability_card.as_ref();
        Judged {
            identity: foreign.then_some("untrusted_key"),
            logbook: form.logbook.verify_chain_or_raise(key).err(),
            card: card.and_then(|card| match own(card) {
                true => card::fault(card),
                false => Some("foreign_card"),
            }),
        }
    }

    fn is_good(&self) -> bool {
        self.identity.is_none() && self.logbook.is_none() && self.card.is_none()
    }
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let Command::Verify(args) = command;
    let form = ResidentForm::parse(&read(&args.file, limits::LINE_BYTES)?);
    let form = form.map_err(|error| {
        let error = ProducerError::from(CoreError::from(error));
        in_file(&args.file)(error)
    })?;
    let key = args.key.as_deref().map(parse_key).transpose()?;
    let foreign = key.is_some_and(|key| key != *form.identity.verify_key());
    let judged = Judged::of(&form, foreign);
    let verdict = to_value(&form, &judged, key.is_some());
    let recording = Recording::open(context, args.record)?;
    recording.record(|| Outcome::resident(&form, &verdict), output)?;
    if output.is_json() {
        output.document(&verdict)?;
    } else {
        print(&form, &judged, output)?;
    }
    if key.is_none() {
        output.warning("the vacant's key is the file's own word: give it with --key");
    }
    Ok(match judged.is_good() {
        true => Answer::Yes,
        false => Answer::No,
    })
}

fn code(error: &HashChainError) -> &'static str {
    match error.problem {
        ChainProblem::LinkBroken { .. } => "prev_hash_mismatch",
        _ => "signature_invalid",
    }
}

fn to_value(form: &ResidentForm, judged: &Judged, given: bool) -> Object {
    let mut faults = Vec::new();
    let mut fault = |part: &str, code: &str, index: Option<u64>, detail: Option<String>| {
        let mut object = Object::new();
        object.insert("part", part);
        object.insert("code", code);
        object.insert("index", index);
        object.insert("detail", detail);
        faults.push(Value::Object(object));
    };
    if let Some(code) = judged.identity {
        fault("identity", code, None, None);
    }
    if let Some(error) = &judged.logbook {
        let index = error.index as u64;
        fault("logbook", code(error), Some(index), Some(error.to_string()));
    }
    if let Some(code) = judged.card {
        fault("capability_card", code, None, None);
    }
    let mut object = Object::new();
    object.insert("verified", judged.is_good());
    object.insert("identity", form.identity.hex());
    object.insert("runtime_state", form.runtime_state.name());
    object.insert("entries", form.logbook.entries().len() as u64);
    object.insert("head", form.logbook.latest_hash().to_string());
    object.insert("faults", faults);
    object.insert("key_source", if given { "given" } else { "none" });
    object
}

fn print(form: &ResidentForm, judged: &Judged, output: &mut Output) -> Result<(), CliError> {
    let entries = form.logbook.entries().len();
    let text = format!(
        "resident form of {}, {entries} entries",
        form.identity.hex()
    );
    output.verdict(judged.is_good(), &text)?;
    output.line(&format!("state    {}", form.runtime_state))?;
    output.line(&format!("head     {}", form.logbook.latest_hash()))?;
    if let Some(code) = judged.identity {
        output.line(&format!("fault    identity: {code}"))?;
    }
    if let Some(error) = &judged.logbook {
        output.line(&format!("fault    logbook: {error}"))?;
    }
    match (judged.card, &form.capability_card) {
        (Some(code), _) => output.line(&format!("fault    capability card: {code}")),
        (None, Some(_)) => output.line("card     its own, signed by it"),
        (None, None) => output.line("card     none"),
    }
}
