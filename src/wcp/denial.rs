//! Why a request is denied: every deny code, with what belongs to it.

use std::fmt;
use std::sync::Arc;

use crate::ledger::json::{Number, Object, Value};
use crate::ledger::shape;

/// The reason of a denial. A denial is a decision, not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The tenant is no registered signatory.
    UnknownTenant {
        tenant_id: String,
    },
    MissingTenantId,
    /// The caller's blast score is outside 0 to 100.
    InvalidInput {
        blast_score: Number,
    },
    /// Rules in production that can never match.
    ShadowRulesDetected {
        shadow_count: usize,
        /// The later rule of each pair, or of the first
        /// [`REPORTED`](crate::ledger::limits::REPORTED) of them.
        shadowed_rule_ids: Vec<Arc<str>>,
    },
    NoMatchingRule,
    MissingCorrelationId,
    /// Required controls are not declared present.
    MissingRequiredControls {
        /// Which, sorted.
        missing: Vec<Arc<str>>,
    },
    /// The blast score is too high to go on without a human.
    RequiresHuman {
        blast_score: u8,
    },
    /// The rule wants a policy gate and there is none, or only the stub
    /// outside `dev`.
    PolicyGateUnconfigured,
    /// The gate answered nothing, or no word that it has.
    PolicyGateInvalidResponse,
    PolicyGate {
        policy_version: Arc<str>,
        reason: String,
    },
    RequiresHumanApproval {
        policy_version: Arc<str>,
        reason: String,
    },
    /// No candidate is available.
    NoAvailableWorker,
    /// The enrolment of every worker of the selected species was revoked.
    WorkerRevoked {
        worker_species_id: Arc<str>,
    },
    /// Every worker of the selected species, or its namespace, is banned.
    WorkerBanned {
        worker_species_id: Arc<str>,
    },
    /// Attestation is required and no source of hashes is configured.
    AttestationUnconfigured,
    /// The selected worker has no registered hash.
    WorkerAttestationMissing,
    /// The registered hash of the selected worker is malformed.
    WorkerAttestationInvalidHash,
    /// The live hash of the selected worker is malformed or absent.
    WorkerHashUnavailable,
    /// The live hash is not the registered one.
    WorkerTampered {
        worker_species_id: Arc<str>,
    },
    WorkerBannedHash {
        worker_species_id: Arc<str>,
    },
    /// Envelopes are to be checked and no source of them is configured.
    PrivilegeEnvelopeUnconfigured,
    /// The selected worker's envelope asks for more than is allowed.
    PrivilegeEnvelopeViolated {
        reason: String,
        worker_species_id: Arc<str>,
    },
    /// A source of the decision failed, or it could not be recorded.
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
        let mut members = Object::new();
        members.insert("code", self.code());
        members.insert("message", self.to_string());
        match self {
            Denial::UnknownTenant { tenant_id } => {
                members.insert("tenant_id", tenant_id.as_str());
            }
            Denial::InvalidInput { blast_score } => {
                members.insert("blast_score", blast_score.clone());
            }
            Denial::ShadowRulesDetected {
                shadow_count,
                shadowed_rule_ids,
            } => {
                members.insert("shadow_count", *shadow_count as u64);
                members.insert("shadowed_rule_ids", shape::write(shadowed_rule_ids));
            }
            Denial::MissingRequiredControls { missing } => {
                members.insert("missing", shape::write(missing));
            }
            Denial::RequiresHuman { blast_score } => {
                members.insert("blast_score", u64::from(*blast_score));
                members.insert("reason", HIGH_BLAST);
            }
            Denial::PolicyGate {
                policy_version,
                reason,
            } => {
                members.insert("policy_version", &**policy_version);
                members.insert("reason", reason.as_str());
            }
            Denial::RequiresHumanApproval {
                policy_version,
                reason,
            } => {
                members.insert("policy_version", &**policy_version);
                members.insert("reason", reason.as_str());
                members.insert("supervisor_required", true);
            }
            Denial::WorkerRevoked { worker_species_id }
            | Denial::WorkerBanned { worker_species_id }
            | Denial::WorkerTampered { worker_species_id }
            | Denial::WorkerBannedHash { worker_species_id } => {
                members.insert("worker_species_id", &**worker_species_id);
            }
            Denial::PrivilegeEnvelopeViolated {
                reason,
                worker_species_id,
            } => {
                members.insert("reason", reason.as_str());
                members.insert("worker_species_id", &**worker_species_id);
            }
            _ => {}
        }
        Value::Object(members)
    }
}

impl fmt::Display for Denial {
    /// The message for people. It holds nothing that a caller could choose, so
    /// that it needs no cleaning on its way into telemetry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Denial::UnknownTenant { .. } => "the tenant is not a registered signatory",
            Denial::MissingTenantId => "the tenant id is blank",
            Denial::InvalidInput { .. } => "the blast score is not between 0 and 100",
            Denial::ShadowRulesDetected { .. } => "rules in production can never match",
            Denial::NoMatchingRule => "no routing rule matches",
            Denial::MissingCorrelationId => "the correlation id is blank",
            Denial::MissingRequiredControls { .. } => "required controls are not present",
            Denial::RequiresHuman { .. } => "the blast score is too high without a human",
            Denial::PolicyGateUnconfigured => "the rule wants a policy gate and none is configured",
            Denial::PolicyGateInvalidResponse => "the policy gate gave no valid answer",
            Denial::PolicyGate { .. } => "the policy gate denied",
            Denial::RequiresHumanApproval { .. } => "the policy gate wants a human's approval",
            Denial::NoAvailableWorker => "no candidate worker is available",
            Denial::WorkerRevoked { .. } => "the worker's enrolment was revoked",
            Denial::WorkerBanned { .. } => "the worker or its namespace is banned",
            Denial::AttestationUnconfigured => "attestation is required and not configured",
            Denial::WorkerAttestationMissing => "the worker has no registered code hash",
            Denial::WorkerAttestationInvalidHash => "the registered code hash is malformed",
            Denial::WorkerHashUnavailable => "the worker's code hash cannot be told",
            Denial::WorkerTampered { .. } => "the worker's code is not what was registered",
            Denial::WorkerBannedHash { .. } => "the worker's code is on the ban list",
            Denial::PrivilegeEnvelopeUnconfigured => "privilege envelopes are not configured",
            Denial::PrivilegeEnvelopeViolated { .. } => "the privilege envelope is not allowed",
            Denial::InternalError => "the decision could not be computed or recorded",
        })
    }
}
