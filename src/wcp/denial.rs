//! Why a request is denied: every deny code, with what belongs to it.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::ledger::json::{Number, Value};
use crate::ledger::shape;

/// The reason of a denial: a decision, not a failure. No message holds what a
/// caller could choose, so that it needs no cleaning on its way into telemetry.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[serde(untagged)]
pub enum Denial {
    #[error("the tenant is not a registered signatory")]
    UnknownTenant { tenant_id: String },
    #[error("the tenant id is blank")]
    MissingTenantId,
    #[error("the blast score is not between 0 and 100")]
    InvalidInput { blast_score: Number },
    #[error("rules in production can never match")]
    ShadowRulesDetected {
        shadow_count: usize,
        /// The later rule of each pair, or of the first
        /// [`REPORTED`](crate::ledger::limits::REPORTED) of them.
        shadowed_rule_ids: Vec<Arc<str>>,
    },
    #[error("no routing rule matches")]
    NoMatchingRule,
    #[error("the correlation id is blank")]
    MissingCorrelationId,
    #[error("required controls are not present")]
    MissingRequiredControls {
        /// Which, sorted.
        missing: Vec<Arc<str>>,
    },
    #[error("the blast score is too high without a human")]
    RequiresHuman { blast_score: u8 },
    #[error("the rule wants a policy gate and none is configured")]
    PolicyGateUnconfigured,
    #[error("the policy gate gave no valid answer")]
    PolicyGateInvalidResponse,
    #[error("the policy gate denied")]
    PolicyGate {
        policy_version: Arc<str>,
        reason: String,
    },
    #[error("the policy gate wants a human's approval")]
    RequiresHumanApproval {
        policy_version: Arc<str>,
        reason: String,
    },
    #[error("no candidate worker is available")]
    NoAvailableWorker,
    #[error("the worker's enrolment was revoked")]
    WorkerRevoked { worker_species_id: Arc<str> },
    #[error("the worker or its namespace is banned")]
    WorkerBanned { worker_species_id: Arc<str> },
    #[error("attestation is required and not configured")]
    AttestationUnconfigured,
    #[error("the worker has no registered code hash")]
    WorkerAttestationMissing,
    #[error("the registered code hash is malformed")]
    WorkerAttestationInvalidHash,
    #[error("the worker's code hash cannot be told")]
    WorkerHashUnavailable,
    #[error("the worker's code is not what was registered")]
    WorkerTampered { worker_species_id: Arc<str> },
    #[error("the worker's code is on the ban list")]
    WorkerBannedHash { worker_species_id: Arc<str> },
    #[error("privilege envelopes are not configured")]
    PrivilegeEnvelopeUnconfigured,
    #[error("the privilege envelope is not allowed")]
    PrivilegeEnvelopeViolated {
        reason: String,
        worker_species_id: Arc<str>,
    },
    #[error("the decision could not be computed or recorded")]
    InternalError,
}

/// The `reason` and rationale of [`Denial::RequiresHuman`].
pub(super) const HIGH_BLAST: &str = "REQUIRE_HUMAN_HIGH_BLAST";

impl Denial {
    pub const fn code(&self) -> &'static str {
        match self {
            Denial::UnknownTenant { .. } => "DENY_UNKNOWN_TENANT",
            Denial::MissingTenantId => "DENY_MISSING_TENANT_ID",
            Denial::InvalidInput { .. } => "DENY_INVALID_INPUT",
            Denial::ShadowRulesDetected { .. } => "DENY_SHADOW_RULES_DETECTED",
            Denial::NoMatchingRule => "DENY_NO_MATCHING_RULE",
            Denial::MissingCorrelationId => "DENY_MISSING_CORRELATION_ID",
            Denial::MissingRequiredControls { .. } => "DENY_MISSING_REQUIRED_CONTROLS",
            Denial::RequiresHuman { .. } => "DENY_REQUIRES_HUMAN",
            Denial::PolicyGateUnconfigured => "DENY_POLICY_GATE_UNCONFIGURED",
            Denial::PolicyGateInvalidResponse => "DENY_POLICY_GATE_INVALID_RESPONSE",
            Denial::PolicyGate { .. } => "DENY_POLICY_GATE",
            Denial::RequiresHumanApproval { .. } => "DENY_REQUIRES_HUMAN_APPROVAL",
            Denial::NoAvailableWorker => "DENY_NO_AVAILABLE_WORKER",
            Denial::WorkerRevoked { .. } => "DENY_WORKER_REVOKED",
            Denial::WorkerBanned { .. } => "DENY_WORKER_BANNED",
            Denial::AttestationUnconfigured => "DENY_ATTESTATION_UNCONFIGURED",
            Denial::WorkerAttestationMissing => "DENY_WORKER_ATTESTATION_MISSING",
            Denial::WorkerAttestationInvalidHash => "DENY_WORKER_ATTESTATION_INVALID_HASH",
            Denial::WorkerHashUnavailable => "DENY_WORKER_HASH_UNAVAILABLE",
            Denial::WorkerTampered { .. } => "DENY_WORKER_TAMPERED",
            Denial::WorkerBannedHash { .. } => "DENY_WORKER_BANNED_HASH",
            Denial::PrivilegeEnvelopeUnconfigured => "DENY_PRIVILEGE_ENVELOPE_UNCONFIGURED",
            Denial::PrivilegeEnvelopeViolated { .. } => "DENY_PRIVILEGE_ENVELOPE_VIOLATED",
            Denial::InternalError => "DENY_INTERNAL_ERROR",
        }
    }

    /// `{"code", "message", …}`, the data of the code beside them.
    pub fn to_value(&self) -> Value {
        let mut members = shape::write_object(self);
        members.insert("code", self.code());
        members.insert("message", self.to_string());
        match self {
            Denial::RequiresHuman { .. } => members.insert("reason", HIGH_BLAST),
            Denial::RequiresHumanApproval { .. } => members.insert("supervisor_required", true),
            _ => None,
        };
        Value::Object(members)
    }
}
