//! What stands in the timeline.

use super::compare::Difference;
use super::otherwise::{Brief, Otherwise};
use super::trust::Inputs;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::producers::{Kind, Role};
use crate::record::DecisionRecord;
use crate::record::context::{BanSource, GateSource};

#[derive(Clone, Debug)]
pub struct Item {
    pub seq: Seq,
    pub ts: Timestamp,
    pub kind: String,
    pub hash: Hash,
    pub event: Event,
}

#[derive(Clone, Debug)]
pub enum Event {
    /// A decision, taken again.
    Decided(Box<Decided>),
    /// A decision that someone claims. It counts for nothing.
    Claimed {
        submitter: Value,
        brief: Brief,
        /// What comes out of the request, the rules and the Hall that the claim
        /// brings, if it brings them.
        again: Option<Brief>,
    },
    Recorded(Recorded),
    /// An entry of no producer, or one that cannot be read.
    Other,
}

/// A decision with what came of taking it again.
#[derive(Clone, Debug)]
pub struct Decided {
    pub summary: Object,
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
    pub differences: Vec<Difference>,
    /// What would have been decided otherwise; not part of the custody.
    pub otherwise: Option<Otherwise>,
}

/// An entry of a producer's kind.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub kind: &'static Kind,
    pub summary: Object,
    /// The comparison with today's content, if that was given.
    pub today: Option<Object>,
}

impl Event {
    pub const fn word(&self) -> &'static str {
        match self {
            Event::Decided(_) => "decided",
            Event::Claimed { .. } => "claimed",
            Event::Recorded(recorded) => recorded.kind.event,
            Event::Other => "other",
        }
    }
}

/// What a decision's entry says of it, in short.
pub(super) fn summary_of(record: &DecisionRecord) -> Object {
    let decision = &record.decision;
    let mut summary = Object::new();
    for name in [
        "decision_id",
        "correlation_id",
        "tenant_id",
        "capability_id",
        "env",
        "data_label",
        "matched_rule_id",
        "denied",
        "dry_run",
    ] {
        let said = decision.get(name).cloned();
        summary.insert(name, said.unwrap_or_else(|| asked(record, name)));
    }
    let brief = Brief::of_record(decision);
    summary.insert("deny_code", brief.deny_code);
    summary.insert("worker", brief.worker);
    let context = &record.context;
    summary.insert("rules", context.rules);
    summary.insert("config", context.config);
    summary.insert(
        "policy",
        match context.gate {
            GateSource::Policy(digest) => Value::from(digest),
            _ => Value::Null,
        },
    );
    summary.insert(
        "ban_list",
        match context.ban_list {
            BanSource::List(digest) => Value::from(digest),
            _ => Value::Null,
        },
    );
    let registry = context.registry_digest.map(|hash| hash.to_string());
    summary.insert("registry", registry);
    summary.insert("worker_id", record.worker_id().clone());
    if let Some(approval) = &record.answers.approval {
        summary.insert("approval", approval.as_str());
    }
    if let Some(actor) = &record.actor {
        summary.insert("_actor", actor.clone());
    }
    summary
}

/// What was asked, where the decision does not repeat it.
fn asked(record: &DecisionRecord, name: &str) -> Value {
    let input = &record.input.input;
    match name {
        "correlation_id" => Value::from(input.correlation_id.as_str()),
        "tenant_id" => Value::from(input.tenant_id.as_str()),
        "capability_id" => Value::from(input.capability_id.as_str()),
        "env" => Value::from(input.env.as_str()),
        "data_label" => Value::from(input.data_label.as_str()),
        "dry_run" => Value::from(input.dry_run),
        _ => Value::Null,
    }
}

impl Item {
    /// The item as JSON: `seq`, `ts`, `kind`, `entry_hash`, `event` and what
    /// belongs to the event.
    pub fn to_value(&self) -> Value {
        let mut object = match &self.event {
            Event::Decided(decided) => decided.to_object(),
            Event::Claimed {
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
            Event::Recorded(recorded) => {
                let mut object = recorded.summary.clone();
                if recorded.kind.role != Role::Change {
                    object.insert("today", recorded.today.clone().map(Value::Object));
                }
                object
            }
            Event::Other => Object::new(),
        };
        object.insert("seq", self.seq.0);
        object.insert("ts", self.ts.to_string());
        object.insert("kind", self.kind.as_str());
        object.insert("entry_hash", self.hash.to_string());
        object.insert("event", self.event.word());
        Value::Object(object)
    }
}

impl Decided {
    fn to_object(&self) -> Object {
        let mut object = self.summary.clone();
        object.insert("recomputed", self.same.is_some());
        object.insert("same", self.same);
        if self.could_not_evaluate {
            object.insert("could_not_evaluate", true);
        }
        if self.without_budget {
            object.insert("without_budget", true);
        }
        if self.version_as_first {
            object.insert("policy_version_wrong", true);
        }
        object.insert("inputs", self.inputs.to_value());
        let unenforced = self.unenforced.iter().map(|name| Value::from(*name));
        object.insert("unenforced", unenforced.collect::<Vec<_>>());
        let differences = self.differences.iter().map(Difference::to_value);
        object.insert("differences", differences.collect::<Vec<_>>());
        object
    }
}

impl Difference {
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
