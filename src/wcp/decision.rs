//! What the Hall decides.

use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::denial::Denial;
use super::escalation::{Escalation, PreconditionsChecked};
use super::stamp::DecisionId;
use super::telemetry::Telemetry;
use super::terms::{DataLabel, Env, QoSClass, TenantRisk};
use crate::ledger::json::{Number, Value};
use crate::ledger::parse::parse;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::ledger::words::words;
use crate::ledger::written::Written;

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
    pub required_controls_effective: Arc<Written<Vec<Arc<str>>>>,
    /// The rule's profiles; empty if it is denied.
    pub recommended_profiles_effective: Arc<Written<Vec<Value>>>,
    pub escalation_effective: Arc<Written<Escalation>>,
    pub preconditions_checked: Arc<Written<PreconditionsChecked>>,
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

    /// The decision as canonical JSON, every field present: as it is answered.
    pub fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(USUAL_TEXT);
        shape::write_text(self, &mut text);
        text
    }

    /// The same as a value.
    pub fn to_value(&self) -> Value {
        // It is text of our own.
        parse(&self.to_text()).unwrap_or(Value::Null)
    }
}

/// Bytes that most decisions take.
const USUAL_TEXT: usize = 2_560;

/// The members of a decision, in canonical order.
#[derive(serde::Serialize)]
struct DecisionMembers<'d> {
    artifact_hash: Option<&'d str>,
    candidate_workers_ranked: &'d [CandidateWorker],
    capability_id: &'d str,
    correlation_id: &'d str,
    data_label: DataLabel,
    decision_id: DecisionId,
    denied: bool,
    deny_reason_if_denied: Option<Value>,
    dry_run: bool,
    env: Env,
    escalation_effective: &'d Written<Escalation>,
    matched_rule_id: &'d str,
    preconditions_checked: &'d Written<PreconditionsChecked>,
    qos_class: QoSClass,
    recommended_profiles_effective: &'d Written<Vec<Value>>,
    required_controls_effective: &'d Written<Vec<Arc<str>>>,
    selected_worker_species_id: Option<&'d str>,
    telemetry_envelopes: &'d Telemetry,
    tenant_id: &'d str,
    tenant_risk: TenantRisk,
    timestamp: Timestamp,
    worker_attestation_checked: bool,
    worker_attestation_valid: Option<bool>,
}

impl Serialize for RouteDecision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = DecisionMembers {
            artifact_hash: self.artifact_hash.as_deref(),
            candidate_workers_ranked: &self.candidate_workers_ranked,
            capability_id: &self.capability_id,
            correlation_id: &self.correlation_id,
            data_label: self.data_label,
            decision_id: self.decision_id,
            denied: self.denied(),
            deny_reason_if_denied: self.deny_reason_if_denied.as_ref().map(Denial::to_value),
            dry_run: self.dry_run,
            env: self.env,
            escalation_effective: &self.escalation_effective,
            matched_rule_id: &self.matched_rule_id,
            preconditions_checked: &self.preconditions_checked,
            qos_class: self.qos_class,
            recommended_profiles_effective: &self.recommended_profiles_effective,
            required_controls_effective: &self.required_controls_effective,
            selected_worker_species_id: self.selected_worker_species_id.as_deref(),
            telemetry_envelopes: &self.telemetry_envelopes,
            tenant_id: &self.tenant_id,
            tenant_risk: self.tenant_risk,
            timestamp: self.timestamp,
            worker_attestation_checked: self.worker_attestation_checked,
            worker_attestation_valid: self.worker_attestation_valid,
        };
        members.serialize(serializer)
    }
}

/// A worker species that was considered. Its members stand in canonical order.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CandidateWorker {
    /// The rule's minimum; carried, not judged.
    pub requires_controls_minimum: Option<Arc<[Arc<str>]>>,
    pub score_hint: Option<Number>,
    /// Why it was not selected; none for the one that was.
    pub skip_reason: Option<SkipReason>,
    /// The species; [`MISSING_WORKER`] where the rule left it out.
    pub worker_species_id: Arc<str>,
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
