//! What commands print of rules, requests and decisions.

#![allow(dead_code, reason = "their derived schemas are what is used of them")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::values::{Digest, Time};

/// A routing decision, as WCP has it.
#[derive(ToSchema)]
pub(super) struct Decision {
    decision_id: String,
    timestamp: Time,
    correlation_id: String,
    tenant_id: String,
    capability_id: String,
    env: String,
    data_label: String,
    tenant_risk: String,
    qos_class: String,
    denied: bool,
    deny_reason_if_denied: Option<Denial>,
    matched_rule_id: String,
    selected_worker_species_id: Option<String>,
    candidate_workers_ranked: Vec<Candidate>,
    required_controls_effective: Vec<String>,
    recommended_profiles_effective: Vec<Value>,
    escalation_effective: BTreeMap<String, Value>,
    preconditions_checked: BTreeMap<String, bool>,
    artifact_hash: Option<Digest>,
    dry_run: bool,
    worker_attestation_checked: bool,
    worker_attestation_valid: Option<bool>,
    telemetry_envelopes: Vec<BTreeMap<String, Value>>,
}

#[derive(ToSchema)]
pub(super) struct Denial {
    code: String,
    message: String,
}

#[derive(ToSchema)]
pub(super) struct Candidate {
    worker_species_id: Option<String>,
    score_hint: Option<f64>,
    requires_controls_minimum: Option<Vec<String>>,
    skip_reason: Option<String>,
}

/// With `--dry-run`: what would be decided on.
#[derive(ToSchema)]
pub(super) struct Plan {
    capability_id: String,
    env: String,
    data_label: String,
    tenant_risk: String,
    dry_run: bool,
    matched_rule_id: Option<String>,
    candidates: Vec<String>,
    controls: Vec<String>,
}

#[derive(ToSchema)]
pub(super) struct Routed {
    /// A decision; of a server that holds the ledger, as it says it.
    decision: BTreeMap<String, Value>,
    /// Where it is recorded; null where it could not be, and was denied.
    receipt: Option<BTreeMap<String, Value>>,
}

/// The answer to one line.
#[derive(ToSchema)]
pub(super) struct BulkAnswer {
    /// As the line has it.
    #[schema(required)]
    id: Value,
    /// A decision.
    decision: Option<BTreeMap<String, Value>>,
    receipt: Option<BTreeMap<String, Value>>,
    /// What is wrong with the line.
    error: Option<Value>,
}

/// A rule that no request reaches, for an earlier one takes all of its.
#[derive(ToSchema)]
pub(super) struct Shadow {
    shadowing_rule_id: String,
    shadowed_rule_id: String,
    reason: String,
}

/// Empty if all is well.
#[derive(ToSchema)]
pub(super) struct Shadows(Vec<Shadow>);

#[derive(ToSchema)]
pub(super) struct Validated {
    passed: u64,
    failed: u64,
    tests: Vec<RuleTest>,
}

#[derive(ToSchema)]
pub(super) struct RuleTest {
    test_id: String,
    passed: bool,
    matched_rule_id: String,
    denied: bool,
    deny_code: Option<String>,
    failures: Vec<String>,
}

/// An entry of the taxonomy catalogue.
#[derive(ToSchema)]
pub(super) struct CatalogueEntry {
    id: String,
    #[serde(rename = "type")]
    entry_type: String,
    name: String,
    description: String,
    risk_tier: Option<String>,
    tags: Vec<String>,
    related: Vec<String>,
    /// Of `explain`.
    referred_to_by: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub(super) struct CatalogueEntries(Vec<CatalogueEntry>);
