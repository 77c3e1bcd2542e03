//! `route` and `decide`, as a user runs them.

use std::fs;

use serde_json::{Value, json};

use crate::place::{Place, Run};

pub(crate) const RULES: &str = r#"{"rules":[{"rule_id":"rr_dev","match":{"capability_id":"cap.doc.summarize","env":"dev"},
    "decision":{"candidate_workers_ranked":[{"worker_species_id":"wrk.doc.summarizer"}],
    "required_controls_suggested":["ctrl.obs.audit"],"escalation":{"policy_gate":true}}}]}"#;

pub(crate) const POLICY: &str = "package wcp\n\ndefault gate := {\"decision\": \"DENY\", \"policy_version\": \"p1\", \"reason\": \"nobody\"}\n\ngate := {\"decision\": \"ALLOW\", \"policy_version\": \"p1\", \"reason\": \"acme\"} if input.tenant_id == \"acme\"\n";

/// A ledger, rules, a policy and one worker.
pub(crate) fn scene() -> Place {
    let place = Place::initialised();
    place.write("rules.json", RULES);
    place.write("gate.rego", POLICY);
    fs::create_dir(place.path("enrolled")).unwrap();
    let record = json!({"worker_id": "org.a.w", "worker_species_id": "wrk.doc.summarizer",
        "capabilities": ["cap.doc.summarize"], "currently_implements": ["ctrl.obs.audit"]});
    place.write("enrolled/w.json", record.to_string());
    place
}

pub(crate) fn route(place: &Place, tenant: &str, more: &[&str]) -> Run {
    let args = [
        "--json",
        "route",
        "--capability",
        "cap.doc.summarize",
        "--policy",
        "gate.rego",
        "--tenant-id",
        tenant,
        "--correlation-id",
        "c-1",
    ];
    place.run(&[&args, more].concat())
}

fn vectors(name: &str) -> String {
    let path = format!("{}/fixtures/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

/// Without what may differ between two runs and two implementations.
fn comparable(mut decision: Value) -> Value {
    let members = decision.as_object_mut().unwrap();
    members.remove("decision_id");
    members.remove("timestamp");
    if let Some(denial) = members["deny_reason_if_denied"].as_object_mut() {
        denial.remove("message");
    }
    for envelope in members["telemetry_envelopes"].as_array_mut().unwrap() {
        let envelope = envelope.as_object_mut().unwrap();
        envelope.remove("timestamp");
        envelope.remove("deny_message");
        if envelope["event_id"] == "evt.os.worker.attestation_skipped" {
            envelope.remove("reason");
        }
    }
    decision
}

/// Every answer is the vector's; the number of decisions among them.
fn check_vectors(run: &Run, cases: &str) -> usize {
    let answers = run.documents();
    let cases = cases
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cases: Vec<Value> = cases.collect();
    assert_eq!(answers.len(), cases.len());
    let mut decisions = 0;
    for (case, mut answer) in cases.into_iter().zip(answers) {
        assert_eq!(case["id"], answer["id"]);
        if case["expect_invalid_input"] == true {
            let field = &answer["error"]["field"];
            assert!(field.is_string(), "{answer}");
            if let Some(expected) = case["field"].as_str() {
                assert_eq!(field, expected);
            }
            continue;
        }
        decisions += 1;
        let (found, expected) = (answer["decision"].take(), case["expect"].clone());
        assert_eq!(comparable(found), comparable(expected), "{}", case["id"]);
    }
    decisions
}

#[test]
fn every_vector_is_decided_recorded_and_replayed() {
    let place = Place::initialised();
    for name in ["routing.jsonl", "routing_invalid.jsonl"] {
        let cases = vectors(name);
        // A pipe would fill up before all of it is written.
        place.write("cases.jsonl", &cases);
        let run = place.run(&["decide", "cases.jsonl"]).ok();
        let decisions = check_vectors(&run, &cases);
        let run = place.run(&["decide", "--record", "cases.jsonl"]).ok();
        assert_eq!(check_vectors(&run, &cases), decisions);
        let receipts = run
            .documents()
            .into_iter()
            .filter(|a| a["receipt"].is_object());
        assert_eq!(receipts.count(), decisions);
    }
    let replay = place.run(&["--json", "replay"]).ok().document();
    assert_eq!(
        (&replay["verdict"], &replay["faults"]),
        (&json!("pass"), &json!([]))
    );
    let counts = &replay["counts"];
    assert_eq!(counts["recomputed"], counts["decisions"]);
    assert!(counts["decisions"].as_u64().unwrap() > 300);
}

#[test]
fn shadow_vectors_decide_in_production_as_they_lint() {
    let place = Place::initialised();
    let input = json!({"capability_id": "cap.a", "env": "prod", "data_label": "PUBLIC",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": "t", "correlation_id": "c"});
    let (mut lines, mut shadowed) = (String::new(), Vec::new());
    for line in vectors("shadow.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        shadowed.push(case["expect"].as_array().unwrap().len());
        let rules = match &case["rules"] {
            Value::Array(_) => json!({"rules": case["rules"]}),
            rules => rules.clone(),
        };
        lines.push_str(&json!({"id": 1, "input": input, "rules": rules}).to_string());
        lines.push('\n');
    }
    place.write("cases.jsonl", lines);
    let answers = place.run(&["decide", "cases.jsonl"]).ok().documents();
    assert_eq!(answers.len(), shadowed.len());
    for (answer, count) in answers.iter().zip(shadowed) {
        let denial = &answer["decision"]["deny_reason_if_denied"];
        if count == 0 {
            assert_ne!(denial["code"], "DENY_SHADOW_RULES_DETECTED", "{answer}");
        } else {
            assert_eq!(denial["code"], "DENY_SHADOW_RULES_DETECTED", "{answer}");
            assert_eq!(denial["shadow_count"], count);
        }
    }
}

#[test]
fn a_route_is_recorded_with_its_receipt() {
    let place = scene();
    let answer = route(&place, "acme", &[]).ok().document();
    assert_eq!(
        answer["decision"]["selected_worker_species_id"],
        "wrk.doc.summarizer"
    );
    let receipt = &answer["receipt"];
    assert_eq!(receipt["policy_decision"], "ALLOW");
    assert_eq!(receipt["controls_verified"], json!(["ctrl.obs.audit"]));
    assert_eq!(receipt["log"], place.key());
    let seq = receipt["seq"].to_string();
    let entry = place.run(&["--json", "show", &seq]).ok().document();
    assert_eq!(entry["kind"], "wcp.decision");
    let denied = route(&place, "rival", &[]).ends_with(1).document();
    assert_eq!(
        denied["decision"]["deny_reason_if_denied"]["code"],
        "DENY_POLICY_GATE"
    );
    assert_eq!(denied["receipt"]["worker_id"], Value::Null);
    for (filter, found) in [
        (["--tenant", "rival"], 1),
        (["--correlation", "c-1"], 2),
        (["--worker", "wrk.doc.summarizer"], 1),
        (["--kind", "wcp.decision"], 2),
    ] {
        let log = place.run(&[&["--json", "log"], &filter[..]].concat()).ok();
        assert_eq!(log.documents().len(), found, "{filter:?}");
    }
    assert_eq!(
        place
            .run(&["--json", "log", "--denied"])
            .ok()
            .documents()
            .len(),
        1
    );
}

#[test]
fn nothing_is_recorded_where_that_is_asked_and_dry_runs_are() {
    let place = scene();
    let before = place.count();
    let answer = route(&place, "acme", &["--no-record"]).ok().document();
    assert_eq!((&answer["receipt"], place.count()), (&Value::Null, before));
    let answer = route(&place, "acme", &["--dry-run"]).ok().document();
    assert_eq!(answer["decision"]["dry_run"], true);
    assert_eq!(answer["receipt"]["dispatched_at"], Value::Null);
    let replay = place.run(&["--json", "replay"]).ok().document();
    assert_eq!(replay["counts"]["dry_runs"], 1);
}

#[test]
fn a_request_is_given_by_flags_by_file_or_whole() {
    let place = scene();
    place.write("request.json", r#"{"writes": true}"#);
    for request in [r#"{"writes": true}"#, "request.json"] {
        let answer = route(&place, "acme", &["--request", request])
            .ok()
            .document();
        let seq = answer["receipt"]["seq"].to_string();
        let entry = place.run(&["--json", "show", &seq]).ok().document();
        assert_eq!(
            entry["payload"]["input"]["request"],
            json!({"writes": true})
        );
    }
    let hashed = route(
        &place,
        "acme",
        &["--request", "request.json", "--record-request", "hash"],
    );
    let seq = hashed.ok().document()["receipt"]["seq"].to_string();
    let entry = place.run(&["--json", "show", &seq]).ok().document();
    let input = &entry["payload"]["input"];
    assert_eq!(
        (&input["request"], &input["request_flags"]["writes"]),
        (&Value::Null, &json!(true))
    );
    let whole = json!({"capability_id": "cap.doc.summarize", "env": "dev", "data_label": "PUBLIC",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme", "correlation_id": "c-2"});
    place.write("input.json", whole.to_string());
    let args = [
        "--json",
        "route",
        "--input",
        "input.json",
        "--policy",
        "gate.rego",
    ];
    let answer = place.run(&args).ok().document();
    assert_eq!(answer["decision"]["correlation_id"], "c-2");
}

#[test]
fn a_hall_without_its_files_does_not_answer() {
    let place = scene();
    let missing = ["route", "--capability", "cap.a", "--rules", "none.json"];
    assert_eq!(place.run(&missing).status, 2);
    place.write("bad.rego", "package wcp\n\ngate := ");
    let bad = route(&place, "acme", &["--no-record"]);
    assert_eq!(bad.status, 0);
    let bad = [
        "--json",
        "route",
        "--capability",
        "cap.a",
        "--policy",
        "bad.rego",
    ];
    let run = place.run(&bad);
    assert_eq!(
        (run.status, &run.document()["error"]["code"]),
        (2, &json!("bad_policy"))
    );
    let wrong = route(&place, "acme", &["--env", "nowhere"]);
    assert_eq!(
        (wrong.status, &wrong.document()["error"]["code"]),
        (2, &json!("bad_input"))
    );
}

#[test]
fn a_request_of_ten_megabytes_is_denied_and_said_to_be_too_large() {
    let place = scene();
    place.write(
        "large.json",
        format!("{{\"text\": \"{}\"}}", "x".repeat(10 << 20)),
    );
    let before = place.count();
    let run = route(&place, "acme", &["--request", "large.json"]).ends_with(1);
    let answer = run.document();
    assert_eq!(
        answer["decision"]["deny_reason_if_denied"]["code"],
        "DENY_INTERNAL_ERROR"
    );
    assert!(
        run.stderr.contains("at most 4194304 are recorded"),
        "{}",
        run.stderr
    );
    assert_eq!(place.count(), before);
}

#[test]
fn lines_are_answered_whatever_stands_in_them() {
    let place = Place::empty();
    let run = place
        .run_with(&["decide"], "no json\n\n{\"id\": 7}\n[]\n")
        .ok();
    let answers = run.documents();
    let fields: Vec<_> = answers
        .iter()
        .map(|a| a["error"]["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["", "input", ""]);
    assert_eq!(answers[1]["id"], 7);
}

#[test]
fn a_policy_that_never_ends_denies_and_is_recorded() {
    let place = scene();
    let numbers: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let numbers = numbers.join(",");
    place.write(
        "gate.rego",
        format!(
            "package wcp\nn := [{numbers}]\ngate := {{\"decision\": \"ALLOW\", \
             \"policy_version\": \"p\", \"reason\": \"r\"}} if {{ some a in n; some b in n; \
             some c in n; some d in n; some e in n; a + b + c + d + e < 0 }}"
        ),
    );
    let run = route(&place, "acme", &[]).ends_with(1);
    let decision = run.document();
    assert_eq!(
        decision["decision"]["deny_reason_if_denied"]["code"],
        "DENY_INTERNAL_ERROR"
    );
    let entry = place.run(&["--json", "log", "--denied"]).ok();
    assert_eq!(entry.documents().len(), 1);
}
