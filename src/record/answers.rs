//! Answers that a decision was given and that nobody can have again.

use std::sync::Arc;
use std::time::Duration;

use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};
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
    /// The gate's.
    pub gate: Option<Result<GateAnswer, GateError>>,
    /// The hash of the approval that stood for a human.
    pub approval: Option<String>,
    /// That of a ban list which cannot be had: whether it bans the worker.
    pub banned: Option<bool>,
}

impl Answers {
    /// What was answered.
    #[must_use]
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

    /// The answers as they are recorded.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        if !self.live_hashes.is_empty() {
            let hashes = self.live_hashes.iter();
            let hashes: Object = hashes
                .map(|(id, hash)| (id.to_string(), hash.clone()))
                .collect();
            object.insert("live_hashes", hashes);
        }
        if let Some(gate) = &self.gate {
            object.insert("gate", gate_to_value(gate));
        }
        if let Some(approval) = &self.approval {
            object.insert("approval", approval.as_str());
        }
        if let Some(banned) = self.banned {
            object.insert("banned", banned);
        }
        Value::Object(object)
    }

    /// The inverse of [`Answers::to_value`]. Of an error of the gate only what
    /// a decision depends on is read back: whether it was undefined, the stub's
    /// or another.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn read(mut members: Members<'_>, env: Env) -> Result<Answers, MemberError> {
        let m = &mut members;
        let mut answers = Answers::default();
        if let Some(mut hashes) = m.opt_nested("live_hashes")? {
            let names: Vec<&str> = hashes.names().collect();
            for name in names {
                let hash = hashes.opt_str(name)?.map(str::to_owned);
                answers.live_hashes.push((Arc::from(name), hash));
            }
        }
        if let Some(gate) = m.optional("gate") {
            answers.gate = Some(gate_from_value(gate, &m.path("gate"), env)?);
        }
        answers.approval = m.opt_str("approval")?.map(str::to_owned);
        answers.banned = m.opt_bool("banned")?;
        members.finish()?;
        Ok(answers)
    }
}

/// `{"decision", "policy_version", "reason"}` or `{"error", "detail"}`.
#[must_use]
pub fn gate_to_value(answer: &Result<GateAnswer, GateError>) -> Value {
    match answer {
        Ok(answer) => answer.to_value(),
        Err(error) => {
            let members = [("error", error.code()), ("detail", &error.to_string())];
            Value::Object(members.into_iter().collect())
        }
    }
}

fn gate_from_value(
    value: &Value,
    at: &str,
    env: Env,
) -> Result<Result<GateAnswer, GateError>, MemberError> {
    if value.get("error").is_none() {
        return GateAnswer::read(value, at).map(Ok);
    }
    let mut members = Members::of(value, at)?;
    let detail = members.str("detail")?.to_owned();
    let error = match members.str("error")? {
        "undefined" => GateError::Undefined,
        "malformed" => GateError::Malformed(MemberError {
            at: detail,
            problem: MemberProblem::Unknown,
        }),
        "stub_outside_dev" => GateError::StubOutsideDev { env },
        "too_many_instructions" => GateError::TooManyInstructions { limit: 0 },
        "timed_out" => GateError::TimedOut {
            limit: Duration::ZERO,
        },
        _ => GateError::Failed { detail },
    };
    members.finish()?;
    Ok(Err(error))
}
