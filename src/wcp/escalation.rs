//! When a human or a policy has a say, and what a rule takes for granted.

use super::reading::bool_or;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// The escalation policy of a rule, or of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Escalation {
    /// Whether the policy gate must be asked.
    pub policy_gate: bool,
    /// Whether MSAVX step-up approval is wanted; carried, not enforced.
    pub msavx_step_up: bool,
    /// Whether a human reviews by default.
    pub human_required_default: bool,
    /// Objects that say when a human reviews; carried, not judged.
    pub human_required_if: Vec<Value>,
    /// Why.
    pub rationale: Option<String>,
}

impl Escalation {
    /// Reads an escalation policy: every field may be left out, none may be
    /// unknown, so that a misspelt guard is no silent hole.
    pub(super) fn read(mut members: Members<'_>) -> Result<Escalation, MemberError> {
        let m = &mut members;
        let escalation = Escalation {
            policy_gate: bool_or(m, "policy_gate", false)?,
            msavx_step_up: bool_or(m, "msavx_step_up", false)?,
            human_required_default: bool_or(m, "human_required_default", false)?,
            human_required_if: objects(m, "human_required_if")?,
            rationale: m.opt_str("rationale")?.map(str::to_owned),
        };
        members.finish()?;
        Ok(escalation)
    }

    /// Every field, `rationale` `null` if there is none.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let members: Object = [
            ("policy_gate", Value::from(self.policy_gate)),
            ("msavx_step_up", Value::from(self.msavx_step_up)),
            (
                "human_required_default",
                Value::from(self.human_required_default),
            ),
            (
                "human_required_if",
                Value::Array(self.human_required_if.clone()),
            ),
            ("rationale", Value::from(self.rationale.clone())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}

/// A list of objects, `null` or nothing.
pub(super) fn objects(members: &mut Members<'_>, name: &str) -> Result<Vec<Value>, MemberError> {
    let items = members.opt_array(name)?.unwrap_or_default();
    match items.iter().position(|item| item.as_object().is_none()) {
        None => Ok(items.to_vec()),
        Some(index) => Err(MemberError {
            at: format!("{}[{index}]", members.path(name)),
            problem: MemberProblem::WrongType {
                expected: "an object".into(),
            },
        }),
    }
}

/// What a rule wants to be checked before a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreconditionsChecked {
    /// A correlation id that is not blank. Enforced.
    pub must_have_correlation_id: bool,
    /// A policy version in the telemetry. Always attached.
    pub must_attach_policy_version: bool,
    /// The hash of what was routed. Always recorded.
    pub must_record_artifact_hash_if_executes: bool,
    /// Every required control. Enforced.
    pub deny_if_missing_required_controls: bool,
    /// A signed artifact in production. Declared, not enforced.
    pub deny_if_unsigned_artifact_in_prod: bool,
    /// An attested worker in production. Declared, not enforced here:
    /// `HallConfig::require_worker_attestation` is.
    pub deny_if_no_attestation_in_prod: bool,
}

impl Default for PreconditionsChecked {
    fn default() -> PreconditionsChecked {
        PreconditionsChecked {
            must_have_correlation_id: true,
            must_attach_policy_version: true,
            must_record_artifact_hash_if_executes: true,
            deny_if_missing_required_controls: true,
            deny_if_unsigned_artifact_in_prod: false,
            deny_if_no_attestation_in_prod: false,
        }
    }
}

impl PreconditionsChecked {
    /// Reads preconditions: every flag may be left out, none may be unknown.
    pub(super) fn read(mut members: Members<'_>) -> Result<PreconditionsChecked, MemberError> {
        let mut preconditions = PreconditionsChecked::default();
        for (name, flag) in preconditions.flags_mut() {
            *flag = bool_or(&mut members, name, *flag)?;
        }
        members.finish()?;
        Ok(preconditions)
    }

    /// Every flag.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut flags = *self;
        let members = flags.flags_mut().map(|(name, flag)| (name, *flag));
        Value::Object(members.into_iter().collect())
    }

    /// The flags that are set and that no decision enforces, for an auditor.
    pub fn declared_not_enforced(&self) -> impl Iterator<Item = &'static str> {
        [
            (
                "deny_if_unsigned_artifact_in_prod",
                self.deny_if_unsigned_artifact_in_prod,
            ),
            (
                "deny_if_no_attestation_in_prod",
                self.deny_if_no_attestation_in_prod,
            ),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
    }

    fn flags_mut(&mut self) -> [(&'static str, &mut bool); 6] {
        [
            (
                "must_have_correlation_id",
                &mut self.must_have_correlation_id,
            ),
            (
                "must_attach_policy_version",
                &mut self.must_attach_policy_version,
            ),
            (
                "must_record_artifact_hash_if_executes",
                &mut self.must_record_artifact_hash_if_executes,
            ),
            (
                "deny_if_missing_required_controls",
                &mut self.deny_if_missing_required_controls,
            ),
            (
                "deny_if_unsigned_artifact_in_prod",
                &mut self.deny_if_unsigned_artifact_in_prod,
            ),
            (
                "deny_if_no_attestation_in_prod",
                &mut self.deny_if_no_attestation_in_prod,
            ),
        ]
    }
}
