//! Every input of a decision, varied once: what follows is written down, and nothing
//! else may follow.

use std::collections::BTreeMap;

use sealbook::ledger::json::{Form, Object, Value};

use crate::support::{case, json, stamp};

const INPUT: &str = r#"{"capability_id": "cap.a", "env": "prod", "data_label": "PUBLIC",
    "tenant_risk": "low", "qos_class": "P2", "tenant_id": "t", "correlation_id": "c",
    "request": {}, "blast_radius": null, "blast_score": null, "privilege_context": null,
    "dry_run": false, "tenant_credential": null}"#;

const RULE: &str = r#"{"rule_id": "r", "match": {}, "decision": {
    "candidate_workers_ranked": [{"worker_species_id": "wrk.a", "score_hint": 0.5,
        "requires_controls_minimum": null}, {"worker_species_id": "wrk.b"}],
    "required_controls_suggested": ["ctrl.a", "ctrl.blast_radius_scoring",
        "ctrl.privilege_envelopes_required"],
    "recommended_profiles": [],
    "escalation": {"policy_gate": true, "msavx_step_up": false, "human_required_default": false,
        "human_required_if": [], "rationale": "because"},
    "preconditions": {"must_have_correlation_id": true, "must_attach_policy_version": true,
        "must_record_artifact_hash_if_executes": true, "deny_if_missing_required_controls": true,
        "deny_if_unsigned_artifact_in_prod": false, "deny_if_no_attestation_in_prod": false}}}"#;

const HALL: &str = r#"{"workers_available": ["wrk.a"], "controls_present": ["ctrl.a",
        "ctrl.blast_radius_scoring", "ctrl.privilege_envelopes_required"],
    "config": {"require_signatory": false, "allowed_tenants": [], "enforce_correlation_id": true,
        "enforce_required_controls": true, "enforce_blast_scoring_in_prod": true,
        "enforce_privilege_envelopes": true, "require_worker_attestation": false},
    "policy_gate": {"decision": "ALLOW", "policy_version": "p1", "reason": "fine"},
    "privilege_envelopes": {"wrk.a": {"secrets_access": [], "network_egress": "none",
        "filesystem_writes": [], "tools": []}},
    "egress_allowlist": {},
    "worker_hashes": {"registered": {}, "current": {}}, "ban_list": []}"#;

/// A decision with everything in it by its path, events by their name.
fn flat(decision: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk("", decision, &mut found);
    found
}

fn walk(at: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| match at {
        "" => name.to_owned(),
        at => format!("{at}/{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter() {
                walk(&below(name), value, found);
            }
        }
        Value::Array(items) if at == "telemetry_envelopes" => {
            for event in items {
                let name = event.get("event_id").and_then(Value::as_str).unwrap();
                walk(name, event, found);
            }
        }
        other => {
            found.insert(at.to_owned(), other.canonical(Form::Utf8));
        }
    }
}

/// The text with the member at `path` set.
fn set(text: &str, path: &[&str], value: &str) -> String {
    fn put(value: Value, path: &[&str], new: &Value) -> Value {
        let Some((name, rest)) = path.split_first() else {
            return new.clone();
        };
        match value {
            Value::Object(members) => {
                let mut members: Object = members;
                let old = members.get(name).cloned().unwrap_or(Value::Null);
                members.insert((*name).to_owned(), put(old, rest, new));
                Value::Object(members)
            }
            other => panic!("{name} in {other:?}"),
        }
    }
    put(json(text), path, &json(value)).canonical(Form::Utf8)
}

fn decide(input: &str, rule: &str, hall: &str) -> BTreeMap<String, String> {
    let rules = format!(r#"{{"rules": [{rule}]}}"#);
    flat(
        &case(json(input), &rules, hall)
            .decide(stamp())
            .decision
            .to_value(),
    )
}

/// What is varied, to what, and what of the decision is another then.
const VARIED: [(&str, &str, &[&str]); 46] = [
    (
        "input/capability_id",
        r#""cap.b""#,
        &[
            "artifact_hash",
            "capability_id",
            "evt.os.policy.gated/capability_id",
            "evt.os.task.routed/capability_id",
            "evt.os.worker.selected/capability_id",
        ],
    ),
    (
        "input/env",
        r#""dev""#,
        &[
            "artifact_hash",
            "env",
            "evt.gov.blast_scored/blast_score",
            "evt.gov.blast_scored/env",
            "evt.gov.privilege_envelope.checked/env",
            "evt.os.worker.attestation_skipped",
        ],
    ),
    (
        "input/data_label",
        r#""INTERNAL""#,
        &[
            "artifact_hash",
            "data_label",
            "evt.gov.blast_scored/blast_score",
            "evt.gov.blast_scored/data_label",
            "evt.gov.privilege_envelope.checked/data_label",
        ],
    ),
    (
        "input/tenant_risk",
        r#""high""#,
        &["artifact_hash", "tenant_risk"],
    ),
    (
        "input/qos_class",
        r#""P0""#,
        &[
            "artifact_hash",
            "evt.gov.blast_scored/blast_score",
            "evt.os.task.routed/qos_class",
            "qos_class",
        ],
    ),
    (
        "input/tenant_id",
        r#""u""#,
        &[
            "artifact_hash",
            "evt.gov.blast_scored/tenant_id",
            "evt.gov.privilege_envelope.checked/tenant_id",
            "evt.os.policy.gated/tenant_id",
            "evt.os.task.routed/tenant_id",
            "evt.os.worker.selected/tenant_id",
            "tenant_id",
        ],
    ),
    (
        "input/correlation_id",
        r#""d""#,
        &[
            "artifact_hash",
            "correlation_id",
            "evt.gov.blast_scored/correlation_id",
            "evt.gov.privilege_envelope.checked/correlation_id",
            "evt.os.policy.gated/correlation_id",
            "evt.os.task.routed/correlation_id",
            "evt.os.worker.attestation_skipped/correlation_id",
            "evt.os.worker.selected/correlation_id",
        ],
    ),
    (
        "input/request",
        r#"{"egress": true}"#,
        &["artifact_hash", "evt.gov.blast_scored/blast_score"],
    ),
    ("input/blast_radius", r#"{"data": 3}"#, &["artifact_hash"]),
    (
        "input/blast_score",
        r#"60"#,
        &["artifact_hash", "evt.gov.blast_scored/blast_score"],
    ),
    (
        "input/privilege_context",
        r#"{"role": "admin"}"#,
        &["artifact_hash"],
    ),
    (
        "input/dry_run",
        r#"true"#,
        &[
            "artifact_hash",
            "dry_run",
            "evt.gov.blast_scored/dry_run",
            "evt.gov.privilege_envelope.checked/dry_run",
            "evt.os.policy.gated/dry_run",
            "evt.os.task.routed/dry_run",
            "evt.os.worker.attestation_skipped/dry_run",
            "evt.os.worker.selected/dry_run",
        ],
    ),
    ("input/tenant_credential", r#""secret""#, &["artifact_hash"]),
    (
        "rule/rule_id",
        r#""s""#,
        &["evt.os.task.routed/matched_rule_id", "matched_rule_id"],
    ),
    ("rule/match", r#"{"env": "prod"}"#, &[]),
    (
        "rule/decision/candidate_workers_ranked",
        r#"[{"worker_species_id": "wrk.b"}, {"worker_species_id": "wrk.a", "score_hint": 0.5, "requires_controls_minimum": null}]"#,
        &["candidate_workers_ranked"],
    ),
    (
        "rule/decision/required_controls_suggested",
        r#"["ctrl.a"]"#,
        &["required_controls_effective"],
    ),
    (
        "rule/decision/recommended_profiles",
        r#"[{"profile_id": "prof.x"}]"#,
        &["recommended_profiles_effective"],
    ),
    (
        "rule/decision/escalation/policy_gate",
        r#"false"#,
        &[
            "escalation_effective/policy_gate",
            "evt.gov.blast_scored/policy_version",
            "evt.gov.privilege_envelope.checked/policy_version",
            "evt.os.policy.gated/policy_version",
            "evt.os.policy.gated/reason",
            "evt.os.task.routed/policy_version",
        ],
    ),
    (
        "rule/decision/escalation/msavx_step_up",
        r#"true"#,
        &["escalation_effective/msavx_step_up"],
    ),
    (
        "rule/decision/escalation/human_required_default",
        r#"true"#,
        &["escalation_effective/human_required_default"],
    ),
    (
        "rule/decision/escalation/human_required_if",
        r#"[{"if": "x"}]"#,
        &["escalation_effective/human_required_if"],
    ),
    (
        "rule/decision/escalation/rationale",
        r#""other""#,
        &["escalation_effective/rationale"],
    ),
    (
        "rule/decision/preconditions/must_have_correlation_id",
        r#"false"#,
        &["preconditions_checked/must_have_correlation_id"],
    ),
    (
        "rule/decision/preconditions/must_attach_policy_version",
        r#"false"#,
        &["preconditions_checked/must_attach_policy_version"],
    ),
    (
        "rule/decision/preconditions/must_record_artifact_hash_if_executes",
        r#"false"#,
        &["preconditions_checked/must_record_artifact_hash_if_executes"],
    ),
    (
        "rule/decision/preconditions/deny_if_missing_required_controls",
        r#"false"#,
        &["preconditions_checked/deny_if_missing_required_controls"],
    ),
    (
        "rule/decision/preconditions/deny_if_unsigned_artifact_in_prod",
        r#"true"#,
        &["preconditions_checked/deny_if_unsigned_artifact_in_prod"],
    ),
    (
        "rule/decision/preconditions/deny_if_no_attestation_in_prod",
        r#"true"#,
        &["preconditions_checked/deny_if_no_attestation_in_prod"],
    ),
    (
        "hall/workers_available",
        r#"["wrk.b"]"#,
        &[
            "candidate_workers_ranked",
            "evt.gov.privilege_envelope.checked/worker_species_id",
            "evt.os.task.routed/selected_worker_species_id",
            "evt.os.worker.attestation_skipped/worker_species_id",
            "evt.os.worker.selected/selected_worker_species_id",
            "selected_worker_species_id",
        ],
    ),
    (
        "hall/controls_present",
        r#"["ctrl.a"]"#,
        &[
            "artifact_hash",
            "candidate_workers_ranked",
            "denied",
            "deny_reason_if_denied",
            "deny_reason_if_denied/code",
            "deny_reason_if_denied/message",
            "deny_reason_if_denied/missing",
            "escalation_effective/policy_gate",
            "escalation_effective/rationale",
            "evt.gov.blast_scored",
            "evt.gov.privilege_envelope.checked",
            "evt.os.policy.gated",
            "evt.os.task.denied",
            "evt.os.task.routed",
            "evt.os.worker.attestation_skipped",
            "evt.os.worker.selected",
            "selected_worker_species_id",
        ],
    ),
    (
        "hall/config/require_signatory",
        r#"true"#,
        &[
            "artifact_hash",
            "candidate_workers_ranked",
            "denied",
            "deny_reason_if_denied",
            "deny_reason_if_denied/code",
            "deny_reason_if_denied/message",
            "deny_reason_if_denied/tenant_id",
            "escalation_effective/policy_gate",
            "escalation_effective/rationale",
            "evt.gov.blast_scored",
            "evt.gov.privilege_envelope.checked",
            "evt.os.policy.gated",
            "evt.os.task.denied",
            "evt.os.task.routed",
            "evt.os.worker.attestation_skipped",
            "evt.os.worker.selected",
            "matched_rule_id",
            "required_controls_effective",
            "selected_worker_species_id",
        ],
    ),
    ("hall/config/allowed_tenants", r#"["u"]"#, &[]),
    ("hall/config/enforce_correlation_id", r#"false"#, &[]),
    ("hall/config/enforce_required_controls", r#"false"#, &[]),
    ("hall/config/enforce_blast_scoring_in_prod", r#"false"#, &[]),
    ("hall/config/enforce_privilege_envelopes", r#"false"#, &[]),
    (
        "hall/config/require_worker_attestation",
        r#"true"#,
        &[
            "artifact_hash",
            "candidate_workers_ranked",
            "denied",
            "deny_reason_if_denied",
            "deny_reason_if_denied/code",
            "deny_reason_if_denied/message",
            "evt.gov.blast_scored",
            "evt.gov.privilege_envelope.checked",
            "evt.os.policy.gated",
            "evt.os.task.denied",
            "evt.os.task.routed",
            "evt.os.worker.attestation_skipped",
            "evt.os.worker.selected",
            "selected_worker_species_id",
        ],
    ),
    (
        "hall/policy_gate",
        r#"{"decision": "ALLOW", "policy_version": "p2", "reason": "fine"}"#,
        &[
            "evt.gov.blast_scored/policy_version",
            "evt.gov.privilege_envelope.checked/policy_version",
            "evt.os.policy.gated/policy_version",
            "evt.os.task.routed/policy_version",
        ],
    ),
    ("hall/policy_gate/reason", r#""other""#, &[]),
    (
        "hall/policy_gate/decision",
        r#""DENY""#,
        &[
            "artifact_hash",
            "candidate_workers_ranked",
            "denied",
            "deny_reason_if_denied",
            "deny_reason_if_denied/code",
            "deny_reason_if_denied/message",
            "deny_reason_if_denied/policy_version",
            "deny_reason_if_denied/reason",
            "escalation_effective/rationale",
            "evt.gov.blast_scored",
            "evt.gov.privilege_envelope.checked",
            "evt.os.policy.gated",
            "evt.os.task.denied",
            "evt.os.task.routed",
            "evt.os.worker.attestation_skipped",
            "evt.os.worker.selected",
            "selected_worker_species_id",
        ],
    ),
    ("hall/privilege_envelopes/wrk.a/tools", r#"["sh"]"#, &[]),
    (
        "hall/privilege_envelopes/wrk.a/network_egress",
        r#""open""#,
        &[],
    ),
    ("hall/egress_allowlist", r#"{"prod": ["a.example"]}"#, &[]),
    (
        "hall/worker_hashes/registered",
        r#"{"wrk.a": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
        &[],
    ),
    (
        "hall/ban_list",
        r#"["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]"#,
        &[],
    ),
];

fn varied(path: &str, value: &str) -> Vec<String> {
    let base = decide(INPUT, RULE, HALL);
    let (of, rest) = path.split_once('/').unwrap();
    let rest: Vec<&str> = rest.split('/').collect();
    let pick = |name: &str, text: &str| match name == of {
        true => set(text, &rest, value),
        false => text.to_owned(),
    };
    let found = decide(
        &pick("input", INPUT),
        &pick("rule", RULE),
        &pick("hall", HALL),
    );
    let mut names: Vec<String> = base
        .keys()
        .chain(found.keys())
        .filter(|name| base.get(*name) != found.get(*name))
        .cloned()
        .collect();
    // An event that is there or not is one difference.
    for name in &mut names {
        let event = name.split('/').next().unwrap_or_default().to_owned();
        let id = format!("{event}/event_id");
        if event.starts_with("evt.") && base.contains_key(&id) != found.contains_key(&id) {
            *name = event;
        }
    }
    names.sort();
    names.dedup();
    names
}

#[test]
fn every_input_changes_what_names_it_and_nothing_else() {
    let base = decide(INPUT, RULE, HALL);
    assert_eq!(base["denied"], "false", "{base:#?}");
    let mut wrong = Vec::new();
    for (path, value, expected) in VARIED {
        let found = varied(path, value);
        if found != expected {
            wrong.push(format!("(\"{path}\", r#\"{value}\"#, &{found:?}),"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
