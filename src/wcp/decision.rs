//! What the Hall decides.

use std::sync::Arc;

use serde::Serialize;

use super::denial::Denial;
use super::escalation::{Escalation, PreconditionsChecked};
use super::stamp::DecisionId;
use super::telemetry::Telemetry;
use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::json::{Object, Value};
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::ledger::words::words;

/// `matched_rule_id` of a denial that came before any rule was looked at.
pub const PRE_ROUTING: &str = "PRE_ROUTING";

/// `matched_rule_id` where no rule matched, or none could be trusted to.
pub const NO_MATCH: &str = "NO_MATCH";

/// A routing decision, allowed or denied.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteDecision {
    pub decision_id: DecisionId,
    pub timestamp: Timestamp,
    pub correlation_id: Arc<str>,
    pub tenant_id: Arc<str>,
    pub capability_id: Arc<str>,
    /// The rule that matched, [`NO_MATCH`] or [`PRE_ROUTING`].
    pub matched_rule_id: Arc<str>,
    pub env: Env,
    pub data_label: DataLabel,
    pub tenant_risk: TenantRisk,
    pub qos_class: QoSClass,
    /// Why it is denied; none if it is allowed.
    pub deny_reason_if_denied: Option<Denial>,
    /// The worker to dispatch to; none if it is denied.
    pub selected_worker_species_id: Option<Arc<str>>,
    /// All candidates in rank order, where workers were looked for and nothing
    /// later denied.
    pub candidate_workers_ranked: Vec<CandidateWorker>,
    /// The controls that were enforced, sorted.
    pub required_controls_effective: Arc<[Arc<str>]>,
    /// The rule's profiles; empty if it is denied.
    pub recommended_profiles_effective: Arc<[Value]>,
    pub escalation_effective: Arc<Escalation>,
    pub preconditions_checked: PreconditionsChecked,
    /// [`RouteInput::artifact_hash`](super::RouteInput::artifact_hash) of what
    /// was routed; none if it is denied.
    pub artifact_hash: Option<String>,
    pub worker_attestation_checked: bool,
    /// Whether it was the registered one; none if it was not compared.
    pub worker_attestation_valid: Option<bool>,
    pub dry_run: bool,
    /// Exactly one for a denial, three or more otherwise.
    pub telemetry_envelopes: Telemetry,
}

impl RouteDecision {
    pub const fn denied(&self) -> bool {
        self.deny_reason_if_denied.is_some()
    }

    /// The denial that takes the place of a decision which could not be
    /// recorded: it must not be acted on.
    pub fn unrecorded(self) -> RouteDecision {
        let denial = Denial::InternalError;
        let subject = self.telemetry_envelopes.subject;
        RouteDecision {
            telemetry_envelopes: Telemetry::denied(subject, &denial, &self.matched_rule_id),
            deny_reason_if_denied: Some(denial),
            selected_worker_species_id: None,
            candidate_workers_ranked: Vec::new(),
            recommended_profiles_effective: Arc::default(),
            artifact_hash: None,
            ..self
        }
    }

    /// The decision as JSON, every field present.
    pub fn to_value(&self) -> Value {
        let candidates = self.candidate_workers_ranked.iter();
        let envelopes = self.telemetry_envelopes.envelopes();
        let text = |text: &str| Value::from(text);
        let members: Object = [
            ("decision_id", Value::from(self.decision_id.to_string())),
            ("timestamp", Value::from(self.timestamp.to_string())),
            ("correlation_id", text(&self.correlation_id)),
            ("tenant_id", text(&self.tenant_id)),
            ("capability_id", text(&self.capability_id)),
            ("matched_rule_id", text(&self.matched_rule_id)),
            ("env", text(self.env.as_str())),
            ("data_label", text(self.data_label.as_str())),
            ("tenant_risk", text(self.tenant_risk.as_str())),
            ("qos_class", text(self.qos_class.as_str())),
            ("denied", Value::from(self.denied())),
            (
                "deny_reason_if_denied",
                Value::from(self.deny_reason_if_denied.as_ref().map(Denial::to_value)),
            ),
            (
                "selected_worker_species_id",
                Value::from(self.selected_worker_species_id.as_deref()),
            ),
            (
                "candidate_workers_ranked",
                Value::Array(candidates.map(CandidateWorker::to_value).collect()),
            ),
            (
                "required_controls_effective",
                shape::write(&self.required_controls_effective),
            ),
            (
                "recommended_profiles_effective",
                Value::Array(self.recommended_profiles_effective.to_vec()),
            ),
            ("escalation_effective", self.escalation_effective.to_value()),
            (
                "preconditions_checked",
                self.preconditions_checked.to_value(),
            ),
            ("artifact_hash", Value::from(self.artifact_hash.as_deref())),
            (
                "worker_attestation_checked",
                Value::from(self.worker_attestation_checked),
            ),
            (
                "worker_attestation_valid",
                Value::from(self.worker_attestation_valid),
            ),
            ("dry_run", Value::from(self.dry_run)),
            (
                "telemetry_envelopes",
                Value::Array(envelopes.map(|envelope| envelope.to_value()).collect()),
            ),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}

/// A worker species that was considered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateWorker {
    /// The species; [`MISSING_WORKER`] where the rule left it out.
    pub worker_species_id: Arc<str>,
    pub score_hint: Option<f64>,
    /// The rule's minimum; carried, not judged.
    pub requires_controls_minimum: Option<Arc<[Arc<str>]>>,
    /// Why it was not selected; none for the one that was.
    pub skip_reason: Option<SkipReason>,
}

/// The species of a candidate whose rule names none.
pub const MISSING_WORKER: &str = "__missing__";

words! {
    /// Why a candidate was not selected.
    pub enum SkipReason {
        /// It is not enrolled, or not available.
        Unavailable = "unavailable",
        /// One before it was available.
        AlreadySelected = "already_selected",
    }
}

impl CandidateWorker {
    /// The candidate as JSON, every field present.
    pub fn to_value(&self) -> Value {
        shape::write(self)
    }
}
