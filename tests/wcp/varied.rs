//! Inputs that a set of vectors holds constant, each varied once: what is decided
//! changes where it names the input, and nowhere else, and nothing of a default is
//! left in its place.

use sealbook::ledger::json::{Form, Value};
use sealbook::wcp::gate::DEFAULT_POLICY_VERSION;

use crate::support::{case, json, stamp};

/// Names that decisions repeat, in the case below.
const NAMES: [&str; 10] = [
    "policy_version",
    "reason",
    "rule_id",
    "rationale",
    "profile_id",
    "species",
    "control",
    "tenant",
    "correlation",
    "capability",
];

/// A decision in production, where every event is reported, with the words that
/// `word` gives to the names; with `gate` as the policy's answer.
fn decision(gate: &str, word: impl Fn(&str) -> String) -> Value {
    let rules = format!(
        r#"{{"rules": [{{"rule_id": "{}", "match": {{"capability_id": "cap.{}"}},
            "decision": {{"candidate_workers_ranked": [{{"worker_species_id": "wrk.{}"}}],
                "required_controls_suggested": ["ctrl.{}"],
                "recommended_profiles": [{{"profile_id": "{}", "score": 0.5}}],
                "escalation": {{"policy_gate": true, "rationale": "{}"}}}}}}]}}"#,
        word("rule_id"),
        word("capability"),
        word("species"),
        word("control"),
        word("profile_id"),
        word("rationale"),
    );
    let hall = format!(
        r#"{{"workers_available": ["wrk.{}"], "controls_present": ["ctrl.{}"],
            "config": {{"require_worker_attestation": false}},
            "policy_gate": {{"decision": "{gate}", "policy_version": "{}", "reason": "{}"}}}}"#,
        word("species"),
        word("control"),
        word("policy_version"),
        word("reason"),
    );
    let input = json(&format!(
        r#"{{"capability_id": "cap.{}", "env": "prod", "data_label": "PUBLIC", "tenant_risk": "low",
            "qos_class": "P2", "tenant_id": "{}", "correlation_id": "{}"}}"#,
        word("capability"),
        word("tenant"),
        word("correlation"),
    ));
    let decided = case(input, &rules, &hall).decide(stamp());
    let mut decision = decided.decision.to_value();
    // A digest of all of them.
    if let Value::Object(members) = &mut decision {
        members.insert("artifact_hash", Value::Null);
    }
    decision
}

fn one(name: &str) -> String {
    format!("one-{name}-x")
}

#[test]
fn every_name_is_repeated_as_it_was_given_wherever_it_is_repeated() {
    for gate in ["ALLOW", "DENY", "REQUIRE_HUMAN"] {
        let base = decision(gate, one).canonical(Form::Utf8);
        assert!(
            !base.contains(DEFAULT_POLICY_VERSION) || gate != "ALLOW",
            "{base}"
        );
        let mut repeated = 0;
        for varied in NAMES {
            let other = |name: &str| match name == varied {
                true => format!("two-{name}-y"),
                false => one(name),
            };
            let found = decision(gate, other).canonical(Form::Utf8);
            let expected = base.replace(&one(varied), &format!("two-{varied}-y"));
            assert_eq!(found, expected, "{gate}: {varied}");
            repeated += usize::from(expected != base);
        }
        assert!(repeated >= 6, "{gate}: only {repeated} names are repeated");
    }
}

/// The policy's version of every event that has one.
fn versions(decision: &Value) -> Vec<String> {
    let events = decision
        .get("telemetry_envelopes")
        .unwrap()
        .as_array()
        .unwrap();
    let versions = events
        .iter()
        .filter_map(|event| event.get("policy_version"));
    versions.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_event_names_another_policy_than_the_one_that_answered() {
    let found = versions(&decision("ALLOW", one));
    assert!(found.len() >= 3, "{found:?}");
    for version in found {
        assert_eq!(version, one("policy_version"));
    }
}
