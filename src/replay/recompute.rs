//! One decision, taken again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compare::{ReplayDifference, compare};
use super::hall::{Bans, RecordedHall};
use super::library::{Library, Unusable};
use super::otherwise::{Alternative, Brief, Otherwise};
use super::trust::{InputTrust, Inputs};
use super::unenforced::unenforced;
use crate::ledger::fault::FaultCode;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Value};
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::record::answers::gate_to_value;
use crate::record::context::{BanSource, GateSource, RegistrySource};
use crate::record::decision::{Computed, DecisionSummary, DigestedParts, Digests};
use crate::record::slice::RegistrySlice;
use crate::record::{DecisionRecord, DocumentDigest, EvidenceReceipt, SharedGate};
use crate::wcp::basis::Basis;
use crate::wcp::config::HallConfig;
use crate::wcp::decision::RouteDecision;
use crate::wcp::gate::{DEFAULT_POLICY_VERSION, GateError, PolicyGate, StubGate};
use crate::wcp::router::{Decided, make_decision};
use crate::wcp::rule_set::RuleSet;
use crate::wcp::stamp::{DecisionId, DecisionStamp};

/// What came of taking a decision again.
#[derive(Debug, Default)]
pub(super) struct Recomputed {
    /// Whether the decision could be taken again.
    pub(super) possible: bool,
    /// Whether the policy's evaluator ended without an answer.
    pub(super) could_not_evaluate: bool,
    /// Whether the policy ran under the limits of an earlier release.
    pub(super) without_budget: bool,
    /// Whether a policy version is recorded that the gate did not give, as version
    /// 0.1.0 did: it stands, and is wrong.
    pub(super) version_as_first: bool,
    /// Documents that are not what or where they have to be.
    pub(super) documents: Vec<(FaultCode, String)>,
    pub(super) differences: Vec<ReplayDifference>,
    pub(super) inputs: Inputs,
    /// Preconditions that were declared and not enforced.
    pub(super) unenforced: Vec<&'static str>,
    /// What would have been decided otherwise, if that was asked.
    pub(super) otherwise: Option<Otherwise>,
}

/// What governed a decision, ready to be used again.
struct Governed<'r> {
    slice: SliceSource<'r>,
    rules: Arc<RuleSet>,
    config: Arc<HallConfig>,
    gate: Gate,
    bans: Bans,
}

enum SliceSource<'r> {
    Inline(&'r RegistrySlice),
    Document(Arc<RegistrySlice>),
}

enum Gate {
    None,
    Policy(Arc<SharedGate>),
    Stub(StubGate),
    Recorded,
}

/// Takes the decision that entry `index` records again.
pub(super) fn recompute(
    record: &DecisionRecord,
    index: u64,
    library: &Library,
    alternative: Option<&Alternative>,
    erased: &BTreeSet<Hash>,
) -> Recomputed {
    if !record.closed.is_empty() {
        return without_input(record, alternative.is_some(), erased);
    }
    let mut result = Recomputed {
        possible: true,
        ..Recomputed::default()
    };
    let Some(governed) = Governed::find(record, index, library, &mut result) else {
        return result;
    };
    let asked = RecordedHall::new(record, governed.slice(), &governed.bans);
    let stamp = stamp_of(&record.decision);
    let basis = governed.basis(&asked, &record.context.task_id);
    let mut decided = make_decision(&record.input.input, &basis, stamp);
    result.unenforced = unenforced(&decided.decision, &governed.config);
    if let GateSource::Policy(digest) = record.context.gate {
        result.without_budget = library.without_budget(digest);
    }
    // Where this machine ended the policy, it says nothing of the decision.
    let ended =
        |answer: &Result<_, GateError>| answer.as_ref().is_err_and(GateError::of_this_machine);
    if !matches!(governed.gate, Gate::Recorded)
        && decided.consulted.gate.as_ref().is_some_and(ended)
    {
        result.possible = false;
        result.could_not_evaluate = true;
        governed.label(record, &decided, &mut result.inputs);
        return result;
    }
    result.version_as_first = compare_all(record, &mut decided, &asked, &mut result.differences);
    for what in asked.beyond() {
        result.differences.push(ReplayDifference {
            field: format!("context: {what}"),
            recorded: None,
            recomputed: Some("asked for".to_owned()),
        });
    }
    governed.label(record, &decided, &mut result.inputs);
    result.otherwise = alternative.map(|alternative| {
        let asked = RecordedHall::new(record, governed.slice(), &governed.bans);
        let basis = governed.basis(&asked, &record.context.task_id);
        let basis = Basis {
            rules: alternative.rules.as_deref().unwrap_or(basis.rules),
            gate: match &alternative.gate {
                Some(gate) => Some(&**gate as &dyn PolicyGate),
                None => basis.gate,
            },
            ..basis
        };
        let decided = make_decision(&record.input.input, &basis, stamp);
        Otherwise::of(&record.decision, &decided.decision, asked.beyond())
    });
    result
}

/// What there is to say of a decision whose request is not all here: nothing that it could
/// be held against.
fn without_input(record: &DecisionRecord, compared: bool, erased: &BTreeSet<Hash>) -> Recomputed {
    let mut result = Recomputed::default();
    let mut closed = record.closed.iter();
    let trust = match closed.any(|(_, commitment)| erased.contains(commitment)) {
        true => InputTrust::Erased,
        false => InputTrust::Withheld,
    };
    result.inputs.add("input", trust);
    result.otherwise = compared.then(|| {
        let recorded = Brief::of_record(&record.decision);
        Otherwise {
            otherwise: recorded.clone(),
            recorded,
            undetermined: vec!["input".to_owned()],
        }
    });
    result
}

/// Decision, receipt, hash of the request and the gate's answer.
fn compare_all(
    record: &DecisionRecord,
    decided: &mut Decided,
    registry: &RecordedHall<'_>,
    differences: &mut Vec<ReplayDifference>,
) -> bool {
    let decision = &mut decided.decision;
    let hash = match record.input.whole {
        // Of an allowed decision it is computed already.
        true => decision.artifact_hash.clone(),
        // It cannot be had from what is recorded of the request.
        false => Some(record.input_hash.clone()),
    };
    let hash = hash.unwrap_or_else(|| record.input.input.artifact_hash());
    if decision.artifact_hash.is_some() {
        decision.artifact_hash = Some(hash.clone());
    }
    let mut check = |at: &str, recorded: &Value, recomputed: &Value| {
        compare(at, Some(recorded), Some(recomputed), differences);
    };
    // What explains the others comes first: not all may be listed.
    if record.input_hash != hash {
        let (recorded, hash) = (Value::from(record.input_hash.as_str()), Value::from(hash));
        check("input_hash", &recorded, &hash);
    }
    let answer = |gate: &Option<_>| gate.as_ref().map_or(Value::Null, gate_code);
    if record.answers.gate != decided.consulted.gate {
        let recorded = answer(&record.answers.gate);
        check("answers.gate", &recorded, &answer(&decided.consulted.gate));
    }
    let receipt = EvidenceReceipt::of(decision, &decided.consulted.controls, registry);
    match &record.computed {
        Computed::Digests(digests) => {
            compare_digests(record, digests, decision, &receipt, differences);
            false
        }
        Computed::Whole { receipt: recorded } => {
            let mut recomputed = decision.to_value();
            let as_first = as_first_reported(&record.decision, &mut recomputed);
            check("decision", &record.decision, &recomputed);
            check("receipt", recorded, &Value::Object(receipt.to_object()));
            as_first
        }
    }
}

/// What is shown of a decision, and the digests of the rest.
fn compare_digests(
    record: &DecisionRecord,
    recorded: &Digests,
    decision: &RouteDecision,
    receipt: &EvidenceReceipt,
    differences: &mut Vec<ReplayDifference>,
) {
    let part = DecisionSummary::of(decision, receipt);
    let mut texts = (Vec::new(), Vec::new());
    record.decision.write_canonical(Form::Utf8, &mut texts.0);
    shape::write_text(&part, &mut texts.1);
    if texts.0 != texts.1 {
        let (recorded, shown) = (Some(&record.decision), shape::write(&part));
        compare("decision", recorded, Some(&shown), differences);
    }
    let mut digests = DigestedParts::of(decision, receipt).digests;
    if digests != *recorded
        && let Some(worded) = DigestedParts::in_words_of(&record.decision, decision, receipt)
    {
        digests = worded;
    }
    for (field, recorded, recomputed) in [
        ("digests.decision", recorded.decision, digests.decision),
        ("digests.receipt", recorded.receipt, digests.receipt),
        ("digests.telemetry", recorded.telemetry, digests.telemetry),
    ] {
        if recorded != recomputed {
            differences.push(ReplayDifference {
                field: field.to_owned(),
                recorded: Some(recorded.to_string()),
                recomputed: Some(recomputed.to_string()),
            });
        }
    }
}

/// Version 0.1.0 reported the blast score with the policy version that was in
/// force before the gate was asked. What it recorded stands, and is said to be wrong:
/// whether that was so.
fn as_first_reported(recorded: &Value, recomputed: &mut Value) -> bool {
    const EVENT: &str = "evt.gov.blast_scored";
    let reported = |decision: &Value| {
        let events = decision.get("telemetry_envelopes")?.as_array()?.iter();
        let mut events = events.filter(|event| event.get("event_id") == Some(&EVENT.into()));
        events.next()?.get("policy_version").cloned()
    };
    let first = Some(Value::from(DEFAULT_POLICY_VERSION));
    if reported(recorded) != first || reported(recomputed) == first {
        return false;
    }
    let Value::Object(decision) = recomputed else {
        return false;
    };
    let events = decision
        .get("telemetry_envelopes")
        .and_then(Value::as_array);
    let mut events = events.unwrap_or_default().to_vec();
    for event in &mut events {
        if let Value::Object(event) = event
            && event.get("event_id") == Some(&EVENT.into())
        {
            event.insert("policy_version", DEFAULT_POLICY_VERSION);
        }
    }
    decision.insert("telemetry_envelopes", events);
    true
}

/// The gate's answer, of an error its code alone: the words are an engine's.
fn gate_code(answer: &Result<crate::wcp::gate::GateAnswer, GateError>) -> Value {
    match answer {
        Ok(_) => gate_to_value(answer),
        Err(error) => Value::from(error.code()),
    }
}

/// Id and time are the decision's own: they are not computed, and stand in what is.
fn stamp_of(decision: &Value) -> DecisionStamp {
    let text = |name| decision.get(name).and_then(Value::as_str);
    let time = text("timestamp").and_then(|text| Timestamp::parse_canonical(text).ok());
    let id = text("decision_id").and_then(DecisionId::parse);
    DecisionStamp {
        decision_id: id.unwrap_or(DecisionId::from_random([0; 16])),
        timestamp: time.unwrap_or(Timestamp::MIN),
    }
}

impl<'r> Governed<'r> {
    fn find(
        record: &'r DecisionRecord,
        index: u64,
        library: &Library,
        result: &mut Recomputed,
    ) -> Option<Governed<'r>> {
        let context = &record.context;
        let slice = match &context.registry {
            RegistrySource::Slice(slice) => Some(SliceSource::Inline(slice)),
            RegistrySource::Document(digest) => {
                let slice = library.slice(*digest, index);
                usable(slice, *digest, "registry slice", result).map(SliceSource::Document)
            }
        };
        let rules = library.rules(context.rules, index);
        let rules = usable(rules, context.rules, "rule set", result);
        let config = library.config(context.config, index);
        let config = usable(config, context.config, "configuration", result);
        let gate = match context.gate {
            GateSource::None => Some(Gate::None),
            GateSource::Stub => Some(Gate::Stub(StubGate { everywhere: false })),
            GateSource::StubEverywhere => Some(Gate::Stub(StubGate { everywhere: true })),
            GateSource::Opaque => Some(Gate::Recorded),
            // Where a machine once ended a policy says nothing about this one.
            GateSource::Policy(_) if ended_there(record) => Some(Gate::Recorded),
            GateSource::Policy(digest) => match library.gate(digest, index) {
                Err(Unusable::NotRunnable) => Some(Gate::Recorded),
                gate => usable(gate, digest, "policy", result).map(Gate::Policy),
            },
        };
        let bans = match context.ban_list {
            BanSource::None => Some(Bans::None),
            BanSource::Opaque => Some(Bans::Recorded),
            BanSource::List(digest) => {
                let list = library.ban_list(digest, index);
                usable(list, digest, "ban list", result).map(Bans::List)
            }
        };
        Some(Governed {
            slice: slice?,
            rules: rules?,
            config: config?,
            gate: gate?,
            bans: bans?,
        })
    }

    fn slice(&self) -> &RegistrySlice {
        match &self.slice {
            SliceSource::Inline(slice) => slice,
            SliceSource::Document(slice) => slice,
        }
    }

    fn basis<'a>(&'a self, asked: &'a RecordedHall<'a>, task_id: &'a str) -> Basis<'a> {
        Basis {
            rules: &self.rules,
            config: &self.config,
            registry: asked,
            gate: match &self.gate {
                Gate::None => None,
                Gate::Policy(gate) => Some(&***gate as &dyn PolicyGate),
                Gate::Stub(stub) => Some(stub),
                Gate::Recorded => Some(asked),
            },
            approval: asked.approval(),
            task_id,
        }
    }

    fn label(&self, record: &DecisionRecord, decided: &Decided, inputs: &mut Inputs) {
        let consulted = &decided.consulted;
        inputs.add("rules", InputTrust::Recomputed);
        inputs.add("config", InputTrust::Recomputed);
        inputs.add(
            "input_hash",
            match record.input.whole {
                true => InputTrust::Recomputed,
                false => InputTrust::TakenOnTrust,
            },
        );
        if !consulted.controls.is_empty() || !consulted.workers.is_empty() {
            inputs.add("registry", InputTrust::Recomputed);
        }
        if record.context.registry_digest.is_some() {
            inputs.add("registry_digest", InputTrust::TakenOnTrust);
        }
        if consulted.gate.is_some() {
            inputs.add(
                "policy",
                match self.gate {
                    Gate::Recorded => InputTrust::TakenOnTrust,
                    _ => InputTrust::Recomputed,
                },
            );
        }
        if consulted.approval.is_some() {
            inputs.add("approval", InputTrust::TakenOnTrust);
        }
        if consulted.banned.is_some() {
            inputs.add(
                "ban_list",
                match self.bans {
                    Bans::Recorded => InputTrust::TakenOnTrust,
                    _ => InputTrust::Recomputed,
                },
            );
        }
        if consulted.code.is_some() {
            inputs.add("live_hashes", InputTrust::TakenOnTrust);
        }
    }
}

fn ended_there(record: &DecisionRecord) -> bool {
    matches!(&record.answers.gate, Some(Err(error)) if error.of_this_machine())
}

/// The document, or a fault that says why it cannot be used.
fn usable<T>(
    found: Result<T, Unusable>,
    digest: DocumentDigest,
    what: &str,
    result: &mut Recomputed,
) -> Option<T> {
    let (code, detail) = match found {
        Ok(found) => return Some(found),
        // Named by verification already.
        Err(Unusable::Missing) => {
            result.possible = false;
            return None;
        }
        Err(Unusable::NotEvaluated) => {
            result.possible = false;
            result.could_not_evaluate = true;
            return None;
        }
        Err(Unusable::Later) => (
            FaultCode::DocumentMissing,
            format!("the {what} {digest} stands after this decision"),
        ),
        Err(Unusable::Malformed(error)) => (
            FaultCode::DocumentMismatch,
            format!("the document {digest} is no {what}: {error}"),
        ),
        Err(Unusable::NotRunnable) => (
            FaultCode::DocumentMismatch,
            format!("this build cannot run the {what} {digest}"),
        ),
    };
    result.documents.push((code, detail));
    result.possible = false;
    None
}
