//! Input that means harm.

use std::time::{Duration, Instant};

use sealbook::ledger::json::{Object, Value};
use sealbook::wcp::bulk::CaseReader;
use sealbook::wcp::bulk::answer_line;
use sealbook::wcp::{RouteInput, load_rules_from_dict};

use crate::support::{case, json, request, stamp};

#[test]
fn a_request_of_ten_megabytes_is_decided() {
    let payload: Object = [("blob", "x\u{7f}é".repeat(2_500_000))]
        .into_iter()
        .collect();
    let rules = r#"{"rules": [{"rule_id": "r", "match": {}, "decision": {
        "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;
    let input = request(&[("request", Value::Object(payload))]);
    let case = case(input, rules, r#"{"workers_available": ["wrk.a"]}"#);
    assert!(case.decide(stamp()).decision.artifact_hash.is_some());
}

#[test]
fn nesting_beyond_the_limit_is_an_error_on_its_line() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = format!(r#"{{"id": 1, "input": {{"request": {{"a": {deep}}}}}}}"#);
    let answer = answer_line(&mut CaseReader::default(), line.as_bytes(), |_| Value::Null);
    let message = answer.get("error").unwrap().get("message").unwrap();
    assert!(
        message.as_str().unwrap().contains("128 levels"),
        "{message:?}"
    );
}

#[test]
fn control_characters_reach_no_telemetry() {
    let evil: String = (0..=0x9f_u8).map(char::from).collect();
    let evil = format!("x{evil}");
    let rules = Value::Object(
        [("rules", Value::Array(vec![rule(&evil, "{}", &evil)]))]
            .into_iter()
            .collect(),
    );
    let texts = ["capability_id", "tenant_id", "correlation_id"]
        .map(|name| (name, Value::from(evil.as_str())));
    let members = [
        ("input", request(&texts)),
        ("rules", rules),
        ("task_id", Value::from(evil.as_str())),
        (
            "hall",
            Value::Object(
                [(
                    "workers_available",
                    Value::Array(vec![evil.as_str().into()]),
                )]
                .into_iter()
                .collect(),
            ),
        ),
    ];
    let line = Value::Object(members.into_iter().collect());
    let case = CaseReader::default().read(&line).unwrap();
    let decision = case.decide(stamp()).decision;
    assert!(!decision.denied());
    let answered = decision.to_value();
    let envelopes = answered.get("telemetry_envelopes").unwrap();
    for envelope in envelopes.as_array().unwrap() {
        let members = envelope.as_object().unwrap();
        let texts = members.iter().filter_map(|(_, value)| value.as_str());
        for text in texts {
            assert!(!text.bytes().any(|b| b < 0x20 || b == 0x7f), "{text:?}");
        }
    }
    assert_eq!(
        &*decision.tenant_id, evil,
        "the decision itself keeps what it was given"
    );
}

/// Ten thousand rules that all let everything through but the last condition.
fn many(condition: impl Fn(usize) -> String) -> Value {
    let rules = (0..10_000).map(|n| rule(&format!("r{n}"), &condition(n), "wrk.a"));
    Value::Object(
        [("rules", Value::Array(rules.collect()))]
            .into_iter()
            .collect(),
    )
}

fn rule(id: &str, conditions: &str, worker: &str) -> Value {
    let candidate: Object = [("worker_species_id", worker)].into_iter().collect();
    let decision: Object = [(
        "candidate_workers_ranked",
        Value::Array(vec![candidate.into()]),
    )]
    .into_iter()
    .collect();
    let members = [
        ("rule_id", Value::from(id)),
        ("match", json(conditions)),
        ("decision", decision.into()),
    ];
    Value::Object(members.into_iter().collect())
}

#[test]
fn ten_thousand_rules_are_matched_and_searched_for_shadows_in_time() {
    let worst = [
        // All equal: fifty million pairs.
        many(|_| "{}".to_owned()),
        // One capability each.
        many(|n| format!(r#"{{"capability_id": "cap.{n}"}}"#)),
        // One capability, and no pair though every pair must be looked at.
        many(|n| format!(r#"{{"capability_id": "cap.a", "tenant_id": "t{n}"}}"#)),
        // Lists that nearly cover each other: looked at pair by pair.
        many(|n| format!(r#"{{"tenant_id": {{"in": ["a", "b", "c", "t{n}"]}}}}"#)),
    ];
    for document in worst {
        let begin = Instant::now();
        let rules = load_rules_from_dict(&document).unwrap();
        let input = request(&[("tenant_id", "t9999".into())]);
        let input = RouteInput::read(&input, "").unwrap();
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
        let matched = Instant::now();
        for _ in 0..100 {
            std::hint::black_box(rules.first_match(&input));
        }
        let matched = matched.elapsed() / 100;
        let begin = Instant::now();
        let (total, kept) = (rules.shadows().total, rules.shadows().pairs.len());
        let shadowed = begin.elapsed();
        assert!(kept <= 10_000 && kept <= total);
        assert!(matched < Duration::from_millis(20), "{matched:?}");
        assert!(shadowed < Duration::from_secs(20), "{shadowed:?}");
    }
}
