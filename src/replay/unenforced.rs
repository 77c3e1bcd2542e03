//! What a decision's rule and configuration declare and nobody enforces.

use crate::wcp::config::HallConfig;
use crate::wcp::decision::RouteDecision;

/// The preconditions, by the member that declares each. The router carries
/// them, as its specification says; the reader of a decision must know that
/// nobody looked.
pub(super) fn unenforced(decision: &RouteDecision, config: &HallConfig) -> Vec<&'static str> {
    let preconditions = &decision.preconditions_checked;
    let escalation = &decision.escalation_effective;
    let production = decision.env.is_production();
    [
        (
            "preconditions.deny_if_unsigned_artifact_in_prod",
            production && preconditions.deny_if_unsigned_artifact_in_prod,
        ),
        (
            "preconditions.deny_if_no_attestation_in_prod",
            production
                && !decision.worker_attestation_checked
                && !config.require_worker_attestation
                && preconditions.deny_if_no_attestation_in_prod,
        ),
        ("escalation.msavx_step_up", escalation.msavx_step_up),
        (
            "escalation.human_required_default",
            !decision.denied() && escalation.human_required_default,
        ),
        (
            "escalation.human_required_if",
            !escalation.human_required_if.is_empty(),
        ),
        ("config.require_credential", config.require_credential),
    ]
    .into_iter()
    .filter(|(_, declared)| *declared)
    .map(|(name, _)| name)
    .collect()
}
