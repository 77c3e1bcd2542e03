//! Answers that a decision was given and that nobody can have again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::ser::{Serialize, Serializer};

use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError, MemberProblem};
use crate::wcp::consulted::Consulted;
use crate::wcp::gate::{GateAnswer, GateError};
use crate::wcp::terms::Env;

/// The `answers` of a recorded decision, each there if it was asked for.
///
/// The gate's answer is there for a policy too: it is compared with what the
/// policy answers again, and stands in for it only where it cannot be run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// The live code hash of each worker that was asked for, malformed or not.
    pub live_hashes: Vec<(Arc<str>, Option<String>)>,
    pub gate: Option<Result<GateAnswer, GateError>>,
    /// The hash of the approval that stood for a human.
    pub approval: Option<String>,
    /// That of a ban list which cannot be had: whether it bans the worker.
    pub banned: Option<bool>,
}

impl Answers {
    pub fn of(consulted: &Consulted) -> Answers {
        let selected = consulted.workers.iter().find(|(_, available)| *available);
        let code = consulted.code.as_ref().zip(selected);
        Answers {
            live_hashes: code
                .map(|(code, (species, _))| (species.clone(), code.current.clone()))
                .into_iter()
                .collect(),
            gate: consulted.gate.clone(),
            approval: consulted.approval.as_deref().map(str::to_owned),
            banned: None,
        }
    }

    /// The inverse of writing them. Of an error of the gate only what
    /// a decision depends on is read back: whether it was undefined, the stub's
    /// or another.
    pub fn read(answers: &Object, env: Env) -> Result<Answers, MemberError> {
        let read: AnswersRead = shape::read_object(answers, "")?;
        let gate = read.gate.map(|gate| gate.answer(env)).transpose();
        Ok(Answers {
            live_hashes: read.live_hashes.into_iter().collect(),
            gate: gate.map_err(|error| error.inside("gate"))?,
            approval: read.approval,
            banned: read.banned,
        })
    }
}

/// As they are recorded, in canonical order.
impl Serialize for Answers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hashes = self.live_hashes.iter();
        let hashes = hashes.map(|(id, hash)| (&**id, hash.as_deref()));
        let written = AnswersWritten {
            approval: self.approval.as_deref(),
            banned: self.banned,
            gate: self.gate.as_ref().map(|answer| match answer {
                Ok(answer) => GateWritten::Answer(answer),
                Err(_) => GateWritten::Error(gate_to_value(answer)),
            }),
            live_hashes: hashes.collect(),
        };
        written.serialize(serializer)
    }
}

#[derive(serde::Serialize)]
struct AnswersWritten<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateWritten<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    live_hashes: BTreeMap<&'a str, Option<&'a str>>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum GateWritten<'a> {
    Answer(&'a GateAnswer),
    Error(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswersRead {
    #[serde(default, deserialize_with = "shape::or_default")]
    live_hashes: BTreeMap<Arc<str>, Option<String>>,
    gate: Option<ReadGate>,
    approval: Option<String>,
    banned: Option<bool>,
}

/// An answer of the gate, or what went wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadGate {
    decision: Option<String>,
    policy_version: Option<String>,
    reason: Option<String>,
    error: Option<String>,
    detail: Option<String>,
}

/// `{"decision", "policy_version", "reason"}` or `{"error", "detail"}`.
pub fn gate_to_value(answer: &Result<GateAnswer, GateError>) -> Value {
    match answer {
        Ok(answer) => answer.to_value(),
        Err(error) => {
            let members = [("error", error.code()), ("detail", &error.to_string())];
            Value::Object(members.into_iter().collect())
        }
    }
}

impl ReadGate {
    fn answer(self, env: Env) -> Result<Result<GateAnswer, GateError>, MemberError> {
        let answer = [self.decision, self.policy_version, self.reason];
        let error = [self.error, self.detail];
        match (answer, error) {
            ([Some(decision), Some(policy_version), Some(reason)], [None, None]) => {
                Ok(Ok(GateAnswer {
                    decision,
                    policy_version,
                    reason,
                }))
            }
            ([None, None, None], [Some(error), Some(detail)]) => {
                Ok(Err(error_named(&error, detail, env)))
            }
            _ => Err(MemberProblem::BadValue {
                expected: "either an answer or an error, whole".into(),
            }
            .into()),
        }
    }
}

fn error_named(name: &str, detail: String, env: Env) -> GateError {
    match name {
        "undefined" => GateError::Undefined,
        "malformed" => GateError::Malformed(MemberError {
            at: detail,
            problem: MemberProblem::Unknown,
        }),
        "stub_outside_dev" => GateError::StubOutsideDev { env },
        "too_many_instructions" => GateError::TooManyInstructions { limit: 0 },
        "too_many_bytes" => GateError::TooManyBytes { limit: 0 },
        "could_not_evaluate" => GateError::CouldNotEvaluate { detail },
        "timed_out" => GateError::TimedOut {
            limit: Duration::ZERO,
        },
        _ => GateError::Failed { detail },
    }
}
