//! When a human or a policy has a say, and what a rule takes for granted.

use serde::{Deserialize, Serialize};

use crate::ledger::json::Object;
use crate::ledger::shape;

/// The escalation policy of a rule, or of a decision.
///
/// Every member may be left out, none may be unknown, so that a misspelt guard
/// is not a silent hole; so in what is checked before a dispatch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Escalation {
    /// Whether the policy gate must be asked.
    pub policy_gate: bool,
    /// Whether MSAVX step-up approval is wanted; carried, not enforced.
    pub msavx_step_up: bool,
    pub human_required_default: bool,
    /// Objects that say when a human reviews; carried, not judged.
    #[serde(deserialize_with = "shape::or_default")]
    pub human_required_if: Vec<Object>,
    pub rationale: Option<String>,
}

/// What a rule wants to be checked before a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreconditionsChecked {
    /// A correlation id that is not blank. Enforced.
    pub must_have_correlation_id: bool,
    pub must_attach_policy_version: bool,
    pub must_record_artifact_hash_if_executes: bool,
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
