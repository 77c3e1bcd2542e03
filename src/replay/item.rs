//! What stands in the timeline.

use serde::Serialize;

use super::compare::ReplayDifference;
use super::otherwise::{Brief, Otherwise};
use super::trust::Inputs;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::producers::{Kind, Role};
use crate::record::context::{BanSource, GateSource};
use crate::record::{DecisionRecord, DocumentDigest};

#[derive(Clone, Debug)]
pub struct Item {
    pub seq: Seq,
    pub ts: Timestamp,
    pub kind: String,
    pub hash: Hash,
    pub event: TimelineEvent,
}

#[derive(Clone, Debug)]
pub enum TimelineEvent {
    /// A decision, taken again.
    Decided(Box<ReplayedDecision>),
    /// A decision that someone claims. It counts for nothing.
    Claimed {
        submitter: Value,
        brief: Brief,
        /// What comes out of the request, the rules and the Hall that the claim
        /// brings, if it brings them.
        again: Option<Brief>,
    },
    Recorded(RecordedOutcome),
    /// An entry of no producer, or one that cannot be read.
    Other,
}

/// A decision with what came of taking it again.
#[derive(Clone, Debug)]
pub struct ReplayedDecision {
    /// What its entry says.
    pub record: Box<DecisionRecord>,
    /// Whether it came out as it is recorded; none if it could not be taken.
    pub same: Option<bool>,
    /// Whether what evaluates its policy ended without an answer: that says
    /// nothing about the decision.
    pub could_not_evaluate: bool,
    /// Whether its policy has no counted budget, and ran under the limits of an
    /// earlier release.
    pub without_budget: bool,
    /// Whether its blast score is recorded with a policy version that the gate did not
    /// give, as version 0.1.0 did.
    pub version_as_first: bool,
    pub inputs: Inputs,
    /// Preconditions that were declared and not enforced.
    pub unenforced: Vec<&'static str>,
    /// Where it came out otherwise.
    pub differences: Vec<ReplayDifference>,
    /// What would have been decided otherwise; not part of the custody.
    pub otherwise: Option<Otherwise>,
}

/// An entry of a producer's kind.
#[derive(Clone, Debug)]
pub struct RecordedOutcome {
    pub kind: &'static Kind,
    pub summary: Object,
    /// The comparison with today's content, if that was given.
    pub today: Option<Object>,
}

impl TimelineEvent {
    pub const fn word(&self) -> &'static str {
        match self {
            TimelineEvent::Decided(_) => "decided",
            TimelineEvent::Claimed { .. } => "claimed",
            TimelineEvent::Recorded(recorded) => recorded.kind.event,
            TimelineEvent::Other => "other",
        }
    }
}

impl Item {
    /// The item as JSON: `seq`, `ts`, `kind`, `entry_hash`, `event` and what
    /// belongs to the event.
    pub fn to_value(&self) -> Value {
        // It is text of our own.
        parse(&self.to_text(None, None)).unwrap_or(Value::Null)
    }

    /// The same as canonical text, with the number of its book and the times between
    /// which it was made, where they are told.
    pub fn to_text(&self, book: Option<u64>, between: Option<Value>) -> Vec<u8> {
        let mut text = Vec::with_capacity(USUAL_TEXT);
        let mut object = match &self.event {
            TimelineEvent::Decided(decided) => {
                let written = DecidedWritten::of(self, decided, book, between);
                shape::write_text(&written, &mut text);
                return text;
            }
            TimelineEvent::Claimed {
                submitter,
                brief,
                again,
            } => {
                let members = [
                    ("submitter", submitter.clone()),
                    ("claim", brief.to_value()),
                ];
                let mut object: Object = members.into_iter().collect();
                if let Some(again) = again {
                    object.insert("of_its_inputs", again.to_value());
                    object.insert("same_of_its_inputs", again == brief);
                }
                object
            }
            TimelineEvent::Recorded(recorded) => {
                let mut object = recorded.summary.clone();
                if recorded.kind.role != Role::Change {
                    object.insert("today", recorded.today.clone().map(Value::Object));
                }
                object
            }
            TimelineEvent::Other => Object::new(),
        };
        object.insert("seq", self.seq.0);
        object.insert("ts", self.ts.to_string());
        object.insert("kind", self.kind.as_str());
        object.insert("entry_hash", self.hash.to_string());
        object.insert("event", self.event.word());
        if let Some(book) = book {
            object.insert("book", book);
        }
        if let Some(between) = between {
            object.insert("between", between);
        }
        object.write_canonical(Form::Utf8, &mut text);
        text
    }
}

/// Bytes that most items take.
const USUAL_TEXT: usize = 1_536;

/// What is shown of a decision, in canonical order: written from its record at once, for
/// to make a value of it first takes longer than to take it again.
#[derive(Serialize)]
struct DecidedWritten<'a> {
    #[serde(rename = "_actor", skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a str>,
    ban_list: Option<DocumentDigest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    between: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    book: Option<u64>,
    capability_id: MemberSource<'a>,
    config: DocumentDigest,
    correlation_id: MemberSource<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    could_not_evaluate: bool,
    data_label: MemberSource<'a>,
    decision_id: MemberSource<'a>,
    denied: MemberSource<'a>,
    deny_code: Option<&'a str>,
    differences: Vec<Value>,
    dry_run: MemberSource<'a>,
    entry_hash: Hash,
    env: MemberSource<'a>,
    event: &'static str,
    inputs: &'a Inputs,
    kind: &'a str,
    matched_rule_id: MemberSource<'a>,
    policy: Option<DocumentDigest>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    policy_version_wrong: bool,
    recomputed: bool,
    registry: Option<Hash>,
    rules: DocumentDigest,
    same: Option<bool>,
    seq: u64,
    tenant_id: MemberSource<'a>,
    ts: Timestamp,
    unenforced: &'a [&'static str],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    without_budget: bool,
    worker: Option<&'a str>,
    worker_id: &'a Value,
}

/// What the decision says, or the request where the decision does not repeat it.
#[derive(Serialize)]
#[serde(untagged)]
enum MemberSource<'a> {
    Decision(&'a Value),
    Asked(&'a str),
    Flag(bool),
    Nothing,
}

impl<'a> MemberSource<'a> {
    fn of(record: &'a DecisionRecord, name: &str) -> MemberSource<'a> {
        if let Some(said) = record.decision.get(name) {
            return MemberSource::Decision(said);
        }
        let input = &record.input.input;
        match name {
            "correlation_id" => MemberSource::Asked(&input.correlation_id),
            "tenant_id" => MemberSource::Asked(&input.tenant_id),
            "capability_id" => MemberSource::Asked(&input.capability_id),
            "env" => MemberSource::Asked(input.env.as_str()),
            "data_label" => MemberSource::Asked(input.data_label.as_str()),
            "dry_run" => MemberSource::Flag(input.dry_run),
            _ => MemberSource::Nothing,
        }
    }

    fn is_true(&self) -> bool {
        match self {
            MemberSource::Decision(said) => said.as_bool() == Some(true),
            MemberSource::Flag(flag) => *flag,
            MemberSource::Asked(_) | MemberSource::Nothing => false,
        }
    }
}

impl<'a> DecidedWritten<'a> {
    fn of(
        item: &'a Item,
        decided: &'a ReplayedDecision,
        book: Option<u64>,
        between: Option<Value>,
    ) -> DecidedWritten<'a> {
        let record = &*decided.record;
        let (decision, context) = (&record.decision, &record.context);
        let said = |name| MemberSource::of(record, name);
        let text = |of: Option<&'a Value>| of.and_then(Value::as_str);
        let denial = decision.get("deny_reason_if_denied");
        DecidedWritten {
            actor: record.actor.as_ref(),
            approval: record.answers.approval.as_deref(),
            ban_list: match context.ban_list {
                BanSource::List(digest) => Some(digest),
                _ => None,
            },
            between,
            book,
            capability_id: said("capability_id"),
            config: context.config,
            correlation_id: said("correlation_id"),
            could_not_evaluate: decided.could_not_evaluate,
            data_label: said("data_label"),
            decision_id: said("decision_id"),
            denied: said("denied"),
            deny_code: text(denial.and_then(|denial| denial.get("code"))),
            differences: decided
                .differences
                .iter()
                .map(ReplayDifference::to_value)
                .collect(),
            dry_run: said("dry_run"),
            entry_hash: item.hash,
            env: said("env"),
            event: item.event.word(),
            inputs: &decided.inputs,
            kind: &item.kind,
            matched_rule_id: said("matched_rule_id"),
            policy: match context.gate {
                GateSource::Policy(digest) => Some(digest),
                _ => None,
            },
            policy_version_wrong: decided.version_as_first,
            recomputed: decided.same.is_some(),
            registry: context.registry_digest,
            rules: context.rules,
            same: decided.same,
            seq: item.seq.0,
            tenant_id: said("tenant_id"),
            ts: item.ts,
            unenforced: &decided.unenforced,
            without_budget: decided.without_budget,
            worker: text(decision.get("selected_worker_species_id")),
            worker_id: record.worker_id(),
        }
    }
}

impl ReplayedDecision {
    pub fn denied(&self) -> bool {
        MemberSource::of(&self.record, "denied").is_true()
    }

    pub fn dry_run(&self) -> bool {
        MemberSource::of(&self.record, "dry_run").is_true()
    }
}

impl ReplayDifference {
    /// `{"field", "recorded", "recomputed"}`.
    pub fn to_value(&self) -> Value {
        let members = [
            ("field", Value::from(self.field.as_str())),
            ("recorded", Value::from(self.recorded.clone())),
            ("recomputed", Value::from(self.recomputed.clone())),
        ];
        Value::Object(members.into_iter().collect())
    }
}
