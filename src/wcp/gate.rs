//! The policy gate: someone else's say in a decision.

use std::time::Duration;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::input::RouteInput;
use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::json::Value;
use crate::ledger::shape::{self, MemberError};

/// The policy version that telemetry carries where no gate was asked.
pub const DEFAULT_POLICY_VERSION: &str = "policy.v0";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GateContext<'a> {
    pub capability_id: &'a str,
    pub tenant_id: &'a str,
    pub env: Env,
    pub data_label: DataLabel,
    pub tenant_risk: TenantRisk,
    pub qos_class: QoSClass,
    /// The version in force before the gate is asked.
    pub policy_version: &'a str,
}

impl<'a> GateContext<'a> {
    /// What a gate is told of a request.
    pub fn of(input: &'a RouteInput) -> GateContext<'a> {
        GateContext {
            capability_id: &input.capability_id,
            tenant_id: &input.tenant_id,
            env: input.env,
            data_label: input.data_label,
            tenant_risk: input.tenant_risk,
            qos_class: input.qos_class,
            policy_version: DEFAULT_POLICY_VERSION,
        }
    }

    /// The context as a gate in another language gets it.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }
}

/// What a gate answers. The word is judged by the router, for a gate may say
/// anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateAnswer {
    /// `ALLOW`, `DENY` or `REQUIRE_HUMAN`; anything else is invalid.
    pub decision: String,
    pub policy_version: String,
    pub reason: String,
}

impl GateAnswer {
    /// Reads `{"decision", "policy_version", "reason"}`.
    ///
    /// # Errors
    /// [`MemberError`] names the member that is missing, not text, or unknown.
    pub fn read(value: &Value, at: &str) -> Result<GateAnswer, MemberError> {
        shape::read(value, at)
    }

    /// `{"decision", "policy_version", "reason"}`.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }
}

/// Why a gate gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("the policy is undefined for this request")]
    Undefined,
    #[error("the policy's answer is malformed: {0}")]
    Malformed(#[source] MemberError),
    #[error("the policy was stopped after {limit} instructions")]
    TooManyInstructions { limit: usize },
    #[error("the policy was stopped after {limit} bytes of values")]
    TooManyBytes { limit: u64 },
    /// What evaluates policies ended, or was ended by a limit of the machine. That
    /// says nothing about another machine.
    #[error("the policy could not be evaluated: {detail}")]
    CouldNotEvaluate { detail: String },
    #[error("the policy was stopped after {} ms", limit.as_millis())]
    TimedOut { limit: Duration },
    #[error("the policy failed: {detail}")]
    Failed { detail: String },
    #[error("the allow-all stub answers in dev only, not in {env}")]
    StubOutsideDev { env: Env },
}

impl GateError {
    /// Whether the machine that it was asked on says so, and another may not.
    pub const fn of_this_machine(&self) -> bool {
        matches!(
            self,
            GateError::TimedOut { .. } | GateError::CouldNotEvaluate { .. }
        )
    }

    /// The name that a recorded answer carries.
    pub const fn code(&self) -> &'static str {
        match self {
            GateError::Undefined => "undefined",
            GateError::Malformed(_) => "malformed",
            GateError::TooManyInstructions { .. } => "too_many_instructions",
            GateError::TooManyBytes { .. } => "too_many_bytes",
            GateError::CouldNotEvaluate { .. } => "could_not_evaluate",
            GateError::TimedOut { .. } => "timed_out",
            GateError::Failed { .. } => "failed",
            GateError::StubOutsideDev { .. } => "stub_outside_dev",
        }
    }
}

/// How an auditor gets a gate's answer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rerun {
    /// Not at all: the answer has to be recorded, and believed.
    Opaque,
    Stub {
        /// Whether it answers outside `dev` too.
        everywhere: bool,
    },
    /// By running this document again.
    Policy(Value),
}

/// Decides on a request beside the rules.
pub trait PolicyGate {
    /// The gate's answer to `context`.
    fn evaluate(&self, context: &GateContext<'_>) -> Result<GateAnswer, GateError>;

    /// How its answers can be had again.
    fn rerun(&self) -> Rerun {
        Rerun::Opaque
    }
}

/// A gate that always gives one answer, or always fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedGate(pub Result<GateAnswer, GateError>);

/// What is recorded of a gate: its answer, or that it failed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedAnswer {
    error: Option<String>,
    decision: Option<String>,
    policy_version: Option<String>,
    reason: Option<String>,
}

impl<'v> Deserialize<'v> for FixedGate {
    /// An answer, or `{"error": text}` of one that failed.
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<FixedGate, D::Error> {
        let recorded = RecordedAnswer::deserialize(deserializer)?;
        let parts = [recorded.decision, recorded.policy_version, recorded.reason];
        let names = ["decision", "policy_version", "reason"];
        if let Some(detail) = recorded.error {
            let more = parts.iter().zip(names).find(|(part, _)| part.is_some());
            return match more {
                Some((_, name)) => Err(D::Error::unknown_field(name, &["error"])),
                None => Ok(FixedGate(Err(GateError::Failed { detail }))),
            };
        }
        match parts {
            [Some(decision), Some(policy_version), Some(reason)] => Ok(FixedGate(Ok(GateAnswer {
                decision,
                policy_version,
                reason,
            }))),
            parts => {
                let absent = parts.iter().zip(names).find(|(part, _)| part.is_none());
                Err(D::Error::missing_field(absent.map_or("", |(_, name)| name)))
            }
        }
    }
}

impl PolicyGate for FixedGate {
    fn evaluate(&self, _: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        self.0.clone()
    }
}

/// The gate of a Hall that has no policy yet: it allows everything, in `dev`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StubGate {
    /// Whether it answers outside `dev` too. Asked for by name, never a default.
    pub everywhere: bool,
}

impl PolicyGate for StubGate {
    fn evaluate(&self, context: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        if context.env != Env::Dev && !self.everywhere {
            return Err(GateError::StubOutsideDev { env: context.env });
        }
        Ok(GateAnswer {
            decision: "ALLOW".to_owned(),
            policy_version: DEFAULT_POLICY_VERSION.to_owned(),
            reason: "stub_allows_everything".to_owned(),
        })
    }

    fn rerun(&self) -> Rerun {
        Rerun::Stub {
            everywhere: self.everywhere,
        }
    }
}
