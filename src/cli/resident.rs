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
use super::key::{key_list, parse_key};
use super::output::Output;
use super::recording::{self, Recording};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Verify what the vacant signed, its logbook and its card, and say what nobody signed
    Verify(ResidentVerify),
}

#[derive(Debug, clap::Args)]
pub(super) struct ResidentVerify {
    /// The resident form in JSON; - reads standard input
    file: PathBuf,
    /// The key of the vacant that it must be: 64 hex digits or a PEM file
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Members that must be signed too; of most a resident form shows no signature
    #[arg(long, value_name = "MEMBER", value_enum)]
    require: Vec<FormMember>,
    /// The case that it belongs to
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    #[command(flatten)]
    recording: recording::Args,
}

/// A member of a resident form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormMember {
    CapabilityCard,
    SubstrateSpec,
    BehaviorBundle,
    RuntimeState,
    ParentId,
    LogbookEnd,
}

impl FormMember {
    const fn name(self) -> &'static str {
        match self {
            FormMember::CapabilityCard => "capability_card",
            FormMember::SubstrateSpec => "substrate_spec",
            FormMember::BehaviorBundle => "behavior_bundle",
            FormMember::RuntimeState => "runtime_state",
            FormMember::ParentId => "parent_id",
            FormMember::LogbookEnd => "logbook_end",
        }
    }
}

struct JudgedForm {
    /// Members that had to be signed and are not, and why.
    required: Vec<(&'static str, &'static str)>,
    identity: Option<&'static str>,
    logbook: Option<HashChainError>,
    card: Option<&'static str>,
}

impl JudgedForm {
    fn of(form: &ResidentForm, foreign: bool, required: &[FormMember]) -> JudgedForm {
        let key = form.identity.verify_key();
        let own = |card: &crate::vacant::CapabilityCard| card.vacant_id() == form.identity;
        let card = form.capability_card.as_ref();
        let unsigned = form.coverage().into_iter();
        let unsigned = unsigned.filter_map(|(name, covered)| Some((name, covered.err()?)));
        let wanted = |name: &str| required.iter().any(|member| member.name() == name);
        JudgedForm {
            required: unsigned.filter(|(name, _)| wanted(name)).collect(),
            identity: foreign.then_some("untrusted_key"),
            logbook: form.logbook.verify_chain_or_raise(key).err(),
            card: card.and_then(|card| match own(card) {
                true => card::fault(card),
                false => Some("foreign_card"),
            }),
        }
    }

    fn is_good(&self) -> bool {
        self.required.is_empty()
            && self.identity.is_none()
            && self.logbook.is_none()
            && self.card.is_none()
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
    let judged = JudgedForm::of(&form, foreign, &args.require);
    let verdict = to_value(&form, &judged, key.is_some());
    let recording = Recording::open(context, &args.recording)?;
    let of = || {
        Outcome::resident(&form, &verdict)
            .of_case(args.correlation_id.as_deref())
            .with("path", args.file.to_string_lossy().into_owned())
            .with("trusted_keys", key_list(key.as_slice()))
    };
    recording.record(of, output)?;
    if output.is_json() {
        output.document(&verdict)?;
    } else {
        print(&form, &judged, output)?;
    }
    if key.is_none() {
        output.warning("no trusted key given: the file names its own; pass --key");
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

fn to_value(form: &ResidentForm, judged: &JudgedForm, given: bool) -> Object {
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
    for (name, why) in &judged.required {
        fault(name, "unsigned", None, Some((*why).to_owned()));
    }
    let (mut signed, mut unsigned) = (Vec::new(), Object::new());
    for (name, covered) in form.coverage() {
        match covered {
            Ok(()) => signed.push(Value::from(name)),
            Err(why) => {
                unsigned.insert(name, why);
            }
        }
    }
    let mut object = Object::new();
    object.insert("signed", signed);
    object.insert("not_signed", unsigned);
    object.insert("verified", judged.is_good());
    object.insert("identity", form.identity.hex());
    object.insert("runtime_state", form.runtime_state.as_str());
    object.insert("entries", form.logbook.entries().len() as u64);
    object.insert("head", form.logbook.latest_hash().to_string());
    object.insert("faults", faults);
    object.insert("key_source", if given { "given" } else { "none" });
    object
}

fn print(form: &ResidentForm, judged: &JudgedForm, output: &mut Output) -> Result<(), CliError> {
    let entries = form.logbook.entries().len();
    let signed = form.coverage().into_iter();
    let signed = signed.filter_map(|(name, covered)| covered.is_ok().then_some(name));
    let text = format!(
        "what {} signed of its resident form: {} ({entries} entries)",
        form.identity.hex(),
        signed.collect::<Vec<_>>().join(", ")
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
    for (name, why) in &judged.required {
        output.line(&format!("fault    {name}: unsigned, and required ({why})"))?;
    }
    for (name, covered) in form.coverage() {
        if let Err(why) = covered {
            output.line(&format!("unsigned {name}: {why}"))?;
        }
    }
    match (judged.card, &form.capability_card) {
        (Some(code), _) => output.line(&format!("fault    capability card: {code}")),
        (None, Some(_)) => output.line("card     its own, signed by it"),
        (None, None) => output.line("card     none"),
    }
}
