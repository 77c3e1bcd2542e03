//! A routing decision with all that it was taken from, written and read.
//!
//! An entry of version 2 is written. It holds what cannot be computed (the request, what
//! was answered, what it was taken under), what is shown by readers that have no router
//! (`decision`), and digests of the rest: a replay computes the
//! rest, and holds it against them. Version 1 held all of it; it is read for ever.

use serde::{Deserialize, Serialize};

use super::answers::Answers;
use super::context::{ContextWritten, RecordContext};
use super::document::Document;
use super::governance::Governance;
use super::input::{InputWritten, RecordedInput, RequestContent, from_recorded};
use super::outcome::ACTOR;
use super::receipt::EvidenceReceipt;
use super::redacted::without_closed;
use super::slice::{RegistrySlice, Slices};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::shape::{self, MemberError, MemberProblem};
use crate::ledger::time::Timestamp;
use crate::wcp::basis::Basis;
use crate::wcp::decision::RouteDecision;
use crate::wcp::denial::Denial;
use crate::wcp::input::RouteInput;
use crate::wcp::router::Decided;
use crate::wcp::stamp::DecisionId;
use crate::wcp::telemetry::TelemetryEvent;

use std::sync::Arc;

/// The version of the entries that are written.
const FORMAT: u8 = 2;

/// A decision's entry to be, and what is answered.
pub struct Composed {
    /// The payload, as canonical JSON.
    pub payload: Vec<u8>,
    /// Its levels of nesting.
    pub levels: usize,
    /// The decision as it is answered, as canonical JSON.
    pub answer: Vec<u8>,
    pub receipt: EvidenceReceipt,
    /// The slice of the registry that was consulted.
    pub registry: Arc<Document>,
}

/// Of whom and how a decision is recorded.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    pub content: RequestContent,
    pub actor: Option<&'a Value>,
    pub slices: &'a Slices,
}

/// The payload of a `wcp.decision`, and what goes with it.
///
/// `basis` is what it was decided from, under `governance`.
pub fn compose(
    decided: &Decided,
    input: &RouteInput,
    governance: &Governance,
    basis: &Basis<'_>,
    style: Style<'_>,
) -> Composed {
    let (decision, consulted) = (&decided.decision, &decided.consulted);
    let receipt = EvidenceReceipt::of(decision, &consulted.controls, basis.registry);
    let slice = RegistrySlice::of(consulted, basis, input.env);
    let registry = style.slices.document(slice);
    let DigestedParts { answer, digests } = DigestedParts::of(decision, &receipt);
    // Of an allowed decision it is computed already.
    let input_hash = decision.artifact_hash.clone();
    let written = PayloadWritten {
        actor: style.actor,
        answers: Answers::of(consulted),
        context: ContextWritten {
            governance,
            registry: registry.digest(),
            registry_digest: basis.registry.records_digest(),
            task_id: basis.task_id,
        },
        decision: DecisionSummary::of(decision, &receipt),
        digests,
        format: FORMAT,
        input: InputWritten::of(input, style.content),
        input_hash: input_hash.unwrap_or_else(|| input.artifact_hash()),
    };
    let mut payload = Vec::with_capacity(USUAL_PAYLOAD);
    shape::write_text(&written, &mut payload);
    Composed {
        payload,
        levels: levels(input, style),
        answer,
        receipt,
        registry,
    }
}

/// Bytes that most payloads take.
const USUAL_PAYLOAD: usize = 1_536;

/// Levels of what does not come from a caller.
const OWN_LEVELS: usize = 4;

fn levels(input: &RouteInput, style: Style<'_>) -> usize {
    let within = |object: &Object| object.iter().map(|(_, value)| value.depth()).max();
    let below = |object: &Object| 3 + within(object).unwrap_or(0);
    let request = (style.content == RequestContent::Whole).then_some(&input.request);
    let objects = request.into_iter().chain(&input.blast_radius);
    let objects = objects.chain(&input.privilege_context).map(below);
    let actor = style.actor.map_or(0, |actor| 1 + actor.depth());
    objects.max().unwrap_or(0).max(actor).max(OWN_LEVELS)
}

/// A payload of version 2, in canonical order.
#[derive(Serialize)]
struct PayloadWritten<'a> {
    #[serde(rename = "_actor", skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Value>,
    answers: Answers,
    context: ContextWritten<'a>,
    decision: DecisionSummary<'a>,
    digests: Digests,
    format: u8,
    input: InputWritten<'a>,
    input_hash: String,
}

/// What an entry of version 2 says of a decision, in canonical order: what was decided,
/// and what it can be found by. What was asked stands in `input`.
#[derive(Serialize)]
pub(crate) struct DecisionSummary<'d> {
    /// Where it was scored and not denied for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_score: Option<u8>,
    decision_id: DecisionId,
    denied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deny_reason_if_denied: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    matched_rule_id: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected_worker_species_id: Option<&'d str>,
    timestamp: Timestamp,
    /// That of the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_id: Option<&'d str>,
}

impl<'d> DecisionSummary<'d> {
    pub(crate) fn of(
        decision: &'d RouteDecision,
        receipt: &'d EvidenceReceipt,
    ) -> DecisionSummary<'d> {
        let events = decision.telemetry_envelopes.events.iter();
        let mut scores = events.filter_map(|event| match event {
            TelemetryEvent::BlastScored { blast_score, .. } => Some(*blast_score),
            _ => None,
        });
        let reason = decision.deny_reason_if_denied.as_ref();
        DecisionSummary {
            blast_score: scores.next_back(),
            decision_id: decision.decision_id,
            denied: decision.denied(),
            deny_reason_if_denied: reason.map(Denial::to_value),
            dry_run: decision.dry_run.then_some(true),
            matched_rule_id: &decision.matched_rule_id,
            selected_worker_species_id: decision.selected_worker_species_id.as_deref(),
            timestamp: decision.timestamp,
            worker_id: receipt.worker_id.as_deref(),
        }
    }
}

/// Digests of what an entry of version 2 leaves out because it can be computed, each
/// BLAKE2b-256 of canonical JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// Of the decision as it was answered, all of it.
    pub decision: Hash,
    /// Of the evidence receipt.
    pub receipt: Hash,
    /// Of `telemetry_envelopes` in the decision.
    pub telemetry: Hash,
}

/// What is answered and recorded by its digests.
pub(crate) struct DigestedParts {
    pub(crate) answer: Vec<u8>,
    pub(crate) digests: Digests,
}

impl DigestedParts {
    pub(crate) fn of(decision: &RouteDecision, receipt: &EvidenceReceipt) -> DigestedParts {
        let answer = decision.to_text();
        let mut rest = Vec::with_capacity(answer.len());
        shape::write_text(&decision.telemetry_envelopes, &mut rest);
        let telemetry = rest.len();
        shape::write_text(receipt, &mut rest);
        let (telemetry, receipt) = rest.split_at_checked(telemetry).unwrap_or_default();
        let hashes = Hash::of_each([&*answer, receipt, telemetry]);
        let mut hashes = hashes.into_iter();
        let mut next = || hashes.next().unwrap_or(Hash::ZERO);
        DigestedParts {
            digests: Digests {
                decision: next(),
                receipt: next(),
                telemetry: next(),
            },
            answer,
        }
    }
}

impl DigestedParts {
    /// The digests with the recorded wording of a denial in the place of this version's:
    /// wording is let differ. None if it does not.
    pub(crate) fn in_words_of(
        recorded: &Value,
        decision: &RouteDecision,
        receipt: &EvidenceReceipt,
    ) -> Option<Digests> {
        let reason = recorded.get("deny_reason_if_denied")?;
        let message = reason.get("message")?.as_str()?;
        let own = decision.deny_reason_if_denied.as_ref()?.to_string();
        let mut answer = decision.to_value();
        if own == message {
            return None;
        }
        let Value::Object(members) = &mut answer else {
            return None;
        };
        if let Some(Value::Object(reason)) = members.get_mut("deny_reason_if_denied") {
            reason.insert("message", message);
        }
        if let Some(Value::Array(events)) = members.get_mut("telemetry_envelopes") {
            for event in events {
                if let Value::Object(event) = event {
                    event.insert("deny_message", message);
                }
            }
        }
        let digest = |value: &Value| Hash::of(value.canonical(Form::Utf8).as_bytes());
        Some(Digests {
            decision: digest(&answer),
            receipt: DigestedParts::of(decision, receipt).digests.receipt,
            telemetry: digest(answer.get("telemetry_envelopes")?),
        })
    }
}

/// Where a decision stands that was carried over from the book before.
const CARRIED: &str = "carried";

/// The members of a payload of either version; the server adds the actor, a rotation
/// where it stood.
const MEMBERS: [&str; 7] = [
    "decision",
    "input",
    "input_hash",
    "context",
    "answers",
    ACTOR,
    CARRIED,
];

#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRecord {
    /// In version 1 the decision as it was answered; in version 2 what is shown of it.
    pub decision: Value,
    pub input: RecordedInput,
    /// The SHA-256 of the request as it came.
    pub input_hash: String,
    pub context: RecordContext,
    /// What cannot be asked again.
    pub answers: Answers,
    pub computed: Computed,
    /// On whose behalf it was asked, where that is recorded.
    pub actor: Option<Value>,
    /// What was taken out of the entry and is not at hand.
    pub closed: Vec<(Pointer, Hash)>,
}

/// How an entry holds what can be computed.
#[derive(Clone, Debug, PartialEq)]
pub enum Computed {
    /// Version 1: the rest of the decision beside it, and the evidence receipt.
    Whole { receipt: Value },
    /// Version 2.
    Digests(Digests),
}

impl DecisionRecord {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member that is missing, wrong or unknown.
    pub fn read(payload: &Object) -> Result<DecisionRecord, MemberError> {
        let part = |name| shape::member_object(payload, name);
        let inside = |name: &'static str| move |error: MemberError| error.inside(name);
        let input = from_recorded(part("input")?).map_err(inside("input"))?;
        let context = RecordContext::read(part("context")?).map_err(inside("context"))?;
        let answers = Answers::read(part("answers")?, input.input.env);
        let (own, computed): (&[&str], _) = match shape::member_or_none::<u64>(payload, "format")? {
            None => {
                let receipt = Value::Object(part("receipt")?.clone());
                (&["receipt"], Computed::Whole { receipt })
            }
            Some(format) if format == u64::from(FORMAT) => {
                let digests = shape::member(payload, "digests")?;
                (&["format", "digests"], Computed::Digests(digests))
            }
            Some(_) => {
                let expected = "a version that this program knows: 2, or none".into();
                let problem = MemberProblem::BadValue { expected };
                return Err(MemberError::from(problem).inside("format"));
            }
        };
        let record = DecisionRecord {
            decision: Value::Object(part("decision")?.clone()),
            input_hash: shape::member(payload, "input_hash")?,
            context,
            answers: answers.map_err(inside("answers"))?,
            computed,
            input,
            actor: payload.get(ACTOR).cloned(),
            closed: Vec::new(),
        };
        shape::only(payload, &[&MEMBERS, own].concat())?;
        Ok(record)
    }

    /// Reads a payload of which members were taken out, as far as it is there.
    ///
    /// # Errors
    /// [`MemberError`], as [`DecisionRecord::read`].
    pub fn read_redacted(mut payload: Object) -> Result<DecisionRecord, MemberError> {
        let closed = without_closed(&mut payload);
        let record = DecisionRecord::read(&payload)?;
        Ok(DecisionRecord { closed, ..record })
    }

    /// The worker of the receipt: `null` if nothing is dispatched.
    pub fn worker_id(&self) -> &Value {
        let of = match &self.computed {
            Computed::Whole { receipt } => receipt,
            Computed::Digests(_) => &self.decision,
        };
        of.get("worker_id").unwrap_or(&Value::Null)
    }
}

/// What a decision's payload says under a name of the decision, or of the request where
/// the decision does not repeat it.
pub fn said<'p>(payload: &'p Object, name: &str) -> Option<&'p Value> {
    let of = |part| payload.get(part).and_then(|part: &Value| part.get(name));
    of("decision").or_else(|| of("input"))
}
