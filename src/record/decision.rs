//! A routing decision with all that it was taken from, written and read.

use super::answers::Answers;
use super::context::Context;
use super::governance::Governance;
use super::input::{RecordedInput, RequestContent, from_recorded, to_recorded};
use super::outcome::ACTOR;
use super::receipt::EvidenceReceipt;
use super::slice::RegistrySlice;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError};
use crate::wcp::basis::Basis;
use crate::wcp::input::RouteInput;
use crate::wcp::router::Decided;

/// The payload of a `wcp.decision`, and the receipt in it.
///
/// `basis` is what it was decided from, under `governance`.
pub fn compose(
    decided: &Decided,
    input: &RouteInput,
    governance: &Governance,
    basis: &Basis<'_>,
    content: RequestContent,
) -> (Object, EvidenceReceipt) {
    let (decision, consulted) = (&decided.decision, &decided.consulted);
    let receipt = EvidenceReceipt::of(decision, &consulted.controls, basis.registry);
    let (rules, config) = governance.named();
    let context = Context {
        task_id: basis.task_id.to_owned(),
        rules,
        config,
        gate: governance.gate_source(),
        ban_list: governance.ban_source(),
        registry: RegistrySlice::of(consulted, basis, input.env),
    };
    // Of an allowed decision it is computed already.
    let input_hash = decision.artifact_hash.clone();
    let input_hash = input_hash.unwrap_or_else(|| input.artifact_hash());
    let members = [
        ("decision", decision.to_value()),
        ("input", Value::Object(to_recorded(input, content))),
        ("input_hash", Value::from(input_hash)),
        ("context", context.to_value()),
        ("answers", Answers::of(consulted).to_value()),
        ("receipt", Value::Object(receipt.to_object())),
    ];
    (members.into_iter().collect(), receipt)
}

/// Where a decision stands that was carried over from the book before.
const CARRIED: &str = "carried";

/// The members of a payload; the server adds the actor, a rotation where it stood.
const MEMBERS: [&str; 8] = [
    "decision",
    "input",
    "input_hash",
    "context",
    "answers",
    "receipt",
    ACTOR,
    CARRIED,
];

#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRecord {
    pub decision: Value,
    pub input: RecordedInput,
    /// The SHA-256 of the request as it came.
    pub input_hash: String,
    pub context: Context,
    /// What cannot be asked again.
    pub answers: Answers,
    pub receipt: Value,
    /// On whose behalf it was asked, where that is recorded.
    pub actor: Option<Value>,
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
        let context = Context::read(part("context")?).map_err(inside("context"))?;
        let answers = Answers::read(part("answers")?, input.input.env);
        let record = DecisionRecord {
            decision: Value::Object(part("decision")?.clone()),
            input_hash: shape::member(payload, "input_hash")?,
            context,
            answers: answers.map_err(inside("answers"))?,
            receipt: Value::Object(part("receipt")?.clone()),
            input,
            actor: payload.get(ACTOR).cloned(),
        };
        shape::only(payload, &MEMBERS)?;
        Ok(record)
    }
}
