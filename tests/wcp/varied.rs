//! Inputs that a set of vectors holds constant, each varied once: what is decided
//! changes where it names the input, and nowhere else, and nothing of a default is
//! left in its place.

use sealbook::ledger::fault::FaultCode;
use sealbook::ledger::json::{Form, Object, Value};
use sealbook::record::kind;
use sealbook::wcp::gate::{DEFAULT_POLICY_VERSION, FixedGate, GateAnswer};
use std::sync::Arc;

use crate::scene::{RULES, Scene, hall, input};
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

#[test]
fn a_recorded_policy_version_that_the_gate_did_not_give_is_said() {
    let gate = FixedGate(Ok(GateAnswer {
        decision: "ALLOW".to_owned(),
        policy_version: "p1".to_owned(),
        reason: "because".to_owned(),
    }));
    let scene = Scene::new();
    let hall = hall(RULES, "{}", Some(Arc::new(gate)));
    scene.decide(&hall, &input(&[("env", "prod".into())]));
    let honest = scene.book().replay().0;
    assert_eq!(honest.counts.policy_version_wrong, 0);
    let entry = scene.last(kind::DECISION);
    let lie = |event_id: &'static str, version: &'static str| {
        move |payload: &mut Object| {
            let decision = payload.get_mut("decision").unwrap();
            let Value::Object(decision) = decision else {
                unreachable!()
            };
            let Some(Value::Array(events)) = decision.get_mut("telemetry_envelopes") else {
                unreachable!()
            };
            for event in events {
                if let Value::Object(event) = event
                    && event.get("event_id").and_then(Value::as_str) == Some(event_id)
                {
                    event.insert("policy_version", version);
                }
            }
        }
    };
    // As the first release did: it stands, and is said.
    let blast = "evt.gov.blast_scored";
    let (replay, items) = scene
        .forged(entry, lie(blast, DEFAULT_POLICY_VERSION))
        .replay();
    assert_eq!(replay.report.faults, []);
    assert_eq!(replay.counts.policy_version_wrong, 1);
    let said = items[0].to_value();
    assert_eq!(said.get("policy_version_wrong"), Some(&Value::from(true)));
    // Any other lie of it is a fault.
    for (event, version) in [
        (blast, "p2"),
        ("evt.os.policy.gated", DEFAULT_POLICY_VERSION),
        ("evt.os.task.routed", DEFAULT_POLICY_VERSION),
    ] {
        let faults = scene.forged(entry, lie(event, version)).faults();
        assert!(
            faults
                .iter()
                .any(|(code, ..)| *code == FaultCode::DecisionMismatch),
            "{event} {version}"
        );
    }
}
