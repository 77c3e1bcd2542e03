//! What a decision's rule and configuration declare and nobody enforces.

use crate::ledger::json::Value;
use crate::wcp::config::HallConfig;

/// The preconditions, by the member that declares each. The router carries
/// them, as its specification says; the reader of a decision must know that
/// nobody looked.
pub(super) fn unenforced(decision: &Value, config: &HallConfig) -> Vec<&'static str> {
    let is = |value: Option<&Value>, name| value.and_then(|v| v.get(name)).and_then(Value::as_bool);
    let (preconditions, escalation) = (
        decision.get("preconditions_checked"),
        decision.get("escalation_effective"),
    );
    let env = decision.get("env").and_then(Value::as_str);
    let production = matches!(env, Some("prod" | "edge"));
    let attested = is(Some(decision), "worker_attestation_checked") == Some(true);
    let allowed = is(Some(decision), "denied") == Some(false);
    let conditions = escalation.and_then(|e| e.get("human_required_if"));
    let conditions = conditions.and_then(Value::as_array);
    let declared = |name| is(preconditions, name) == Some(true);
    let escalates = |name| is(escalation, name) == Some(true);
    [
        (
            "preconditions.deny_if_unsigned_artifact_in_prod",
            production && declared("deny_if_unsigned_artifact_in_prod"),
        ),
        (
            "preconditions.deny_if_no_attestation_in_prod",
            production
                && !attested
                && !config.require_worker_attestation
                && declared("deny_if_no_attestation_in_prod"),
        ),
        ("escalation.msavx_step_up", escalates("msavx_step_up")),
        (
            "escalation.human_required_default",
            allowed && escalates("human_required_default"),
        ),
        (
            "escalation.human_required_if",
            conditions.is_some_and(|conditions| !conditions.is_empty()),
        ),
        ("config.require_credential", config.require_credential),
    ]
    .into_iter()
    .filter(|(_, declared)| *declared)
    .map(|(name, _)| name)
    .collect()
}
