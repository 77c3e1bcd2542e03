//! `rules lint` and `validate`, also on input that means harm.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use crate::place::Place;

fn rule(id: &str, conditions: &Value) -> Value {
    json!({"rule_id": id, "match": conditions, "decision": {
        "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}})
}

fn rules(rules: &[Value]) -> String {
    json!({"rules": rules}).to_string()
}

fn test(id: &str, capability: &str, expected: &str) -> Value {
    json!({"test_id": id, "expect": {"expected_rule_id": expected}, "input": {
        "capability_id": capability, "env": "dev", "data_label": "PUBLIC",
        "tenant_risk": "low", "qos_class": "P2", "tenant_id": "t",
        "correlation_id": "c"}})
}

/// Rules for two capabilities, and a test of each.
fn scene() -> Place {
    let place = Place::empty();
    let of = |capability: &str| json!({"capability_id": capability});
    place.write(
        "rules.json",
        rules(&[rule("r1", &of("cap.a")), rule("r2", &of("cap.b"))]),
    );
    let tests = [test("t1", "cap.a", "r1"), test("t2", "cap.b", "r2")];
    place.write("tests.json", json!({"tests": tests}).to_string());
    place
}

const VALIDATE: [&str; 6] = [
    "--json",
    "validate",
    "--rules",
    "rules.json",
    "--tests",
    "tests.json",
];

#[test]
fn validate_runs_every_test_and_its_report_is_pinned() {
    let place = scene();
    let report = place.run(&VALIDATE).ok().document();
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(report.as_object().unwrap().len(), 3);
    let expected = json!({"test_id": "t1", "passed": true, "matched_rule_id": "r1",
        "denied": false, "deny_code": null, "failures": []});
    assert_eq!(report["tests"][0], expected);
    let tests = [
        test("t1", "cap.a", "r2"),
        test("t2", "cap.none", "NO_MATCH"),
    ];
    place.write("tests.json", json!({"tests": tests}).to_string());
    let report = place.run(&VALIDATE).ends_with(1).document();
    let failures = json!(["expected rule \"r2\", matched \"r1\""]);
    assert_eq!(report["tests"][0]["failures"], failures);
    assert_eq!(report["tests"][1]["passed"], true);
    assert_eq!(report["tests"][1]["deny_code"], "DENY_NO_MATCHING_RULE");
    let people = place.run(&VALIDATE[1..]).ends_with(1).stdout;
    assert!(people.starts_with("FAIL  t1: r1\n"), "{people}");
    assert!(people.ends_with("1 passed, 1 failed\n"), "{people}");
}

#[test]
fn validate_compares_with_goldens_and_keeps_them() {
    let place = scene();
    let goldens = ["--with-goldens", "--goldens-file", "g.json"];
    let keep = [&VALIDATE[..], &["--write-goldens", "g.json"]].concat();
    place.run(&keep).ok();
    let compare = [&VALIDATE[..], &goldens].concat();
    place.run(&compare).ok();
    let kept: Value = serde_json::from_str(&place.read("g.json")).unwrap();
    let snapshot = json!({"test_id": "t1", "matched_rule_id": "r1"});
    assert_eq!(kept["snapshots"][0], snapshot);
    place.write(
        "g.json",
        r#"{"snapshots": [{"test_id": "t1", "matched_rule_id": "r9"}]}"#,
    );
    let report = place.run(&compare).ends_with(1).document();
    let failures = json!(["the golden snapshot has rule \"r9\", matched \"r1\""]);
    assert_eq!(report["tests"][0]["failures"], failures);
    let none = json!(["there is no golden snapshot of this test"]);
    assert_eq!(report["tests"][1]["failures"], none);
    let run = place
        .run(&[&VALIDATE[..], &goldens[..1]].concat())
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "usage");
}

#[test]
fn validate_holds_decisions_to_a_conformance_specification() {
    let place = scene();
    let args = [&VALIDATE[..], &["--conformance", "c.json"]].concat();
    place.write(
        "c.json",
        r#"{"decision_output_schema": {"required_fields": ["denied"]}}"#,
    );
    place.run(&args).ok();
    place.write(
        "c.json",
        r#"{"decision_output_schema": {"required_fields": ["colour"]}}"#,
    );
    let report = place.run(&args).ends_with(1).document();
    let failures = json!(["the decision has no field \"colour\""]);
    assert_eq!(report["tests"][0]["failures"], failures);
    place.write("c.json", r#"{"decision_output_schema": 7}"#);
    let run = place.run(&args).ends_with(2);
    let detail = run.document()["error"]["detail"].clone();
    assert!(
        detail
            .as_str()
            .unwrap()
            .starts_with("c.json: decision_output_schema"),
        "{detail}"
    );
}

#[test]
fn lint_names_what_never_matches() {
    let place = scene();
    assert_eq!(
        place
            .run(&["--json", "rules", "lint", "rules.json"])
            .ok()
            .document(),
        json!([])
    );
    let any = json!({"capability_id": {"any": true}});
    let one = json!({"capability_id": "cap.a"});
    place.write(
        "rules.json",
        rules(&[rule("wide", &any), rule("narrow", &one)]),
    );
    let found = place
        .run(&["--json", "rules", "lint", "rules.json"])
        .ends_with(1);
    let reason = "every condition of the earlier rule covers that of the later one";
    let expected = json!([{"shadowing_rule_id": "wide", "shadowed_rule_id": "narrow",
                           "reason": reason}]);
    assert_eq!(found.document(), expected);
    let text = place.read("rules.json");
    let run = place.run_with(&["rules", "lint", "-"], &text).ends_with(1);
    assert!(
        run.stdout.starts_with("narrow is shadowed by wide: "),
        "{run:?}"
    );
    // Rules that shadow each other are still validated, with a warning.
    let run = place.run(&VALIDATE);
    assert!(run.stderr.contains("1 rules are shadowed"), "{run:?}");
}

#[test]
fn every_reference_shadow_comes_through_the_program() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(file.join("fixtures/vectors/shadow.jsonl")).unwrap();
    let place = Place::empty();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let document = match case["rules"].is_array() {
            true => json!({"rules": case["rules"]}),
            false => case["rules"].clone(),
        };
        place.write("rules.json", document.to_string());
        let run = place.run(&["--json", "rules", "lint", "rules.json"]);
        let found = run.document();
        let pairs = found.as_array().unwrap().iter();
        let pairs: Vec<_> = pairs
            .map(|s| json!([s["shadowing_rule_id"], s["shadowed_rule_id"]]))
            .collect();
        assert_eq!(json!(pairs), case["expect"], "{line}");
        run.ends_with(i32::from(!pairs.is_empty()));
    }
}

#[test]
fn rules_that_cannot_be_loaded_are_named_with_rule_and_place() {
    let place = scene();
    fs::create_dir(place.path("folder")).unwrap();
    let one = json!({"capability_id": "cap.a"});
    let twice = rules(&[rule("r", &one), rule("r", &one)]);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, code, detail) in [
        (twice.as_str(), "bad_rules", "rule 1 (\"r\")"),
        ("{\"rules\": [{}]}", "bad_rules", "rule 0"),
        ("{}", "bad_rules", "rules: missing"),
        ("{", "bad_json", "line 1"),
        (deep.as_str(), "bad_json", "128 levels"),
    ] {
        place.write("bad.json", text);
        let run = place
            .run(&["--json", "rules", "lint", "bad.json"])
            .ends_with(2);
        let error = &run.document()["error"];
        assert_eq!(error["code"], code, "{error}");
        let found = error["detail"].as_str().unwrap();
        assert!(
            found.starts_with("bad.json: ") && found.contains(detail),
            "{found}"
        );
    }
    let run = place
        .run(&["--json", "rules", "lint", "folder"])
        .ends_with(2);
    assert_eq!(run.document()["error"]["code"], "io");
    assert!(
        run.stderr.contains("hint: name the rules file in it"),
        "{run:?}"
    );
}

#[test]
fn control_characters_everywhere_reach_no_terminal() {
    let place = Place::empty();
    let evil: String = (1..=0x9f_u8).map(char::from).collect();
    let evil = format!("x{evil}\u{202e}");
    let conditions = json!({"capability_id": evil});
    let all = [
        rule(&evil, &conditions),
        rule(&format!("{evil}2"), &conditions),
    ];
    place.write("rules.json", rules(&all));
    place.write(
        "tests.json",
        json!({"tests": [test(&evil, &evil, "other")]}).to_string(),
    );
    for args in [&["rules", "lint", "rules.json"][..], &VALIDATE[1..]] {
        let run = place.run(args).ends_with(1);
        let shown = run.stdout + &run.stderr;
        let hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!shown.contains(hostile), "{shown:?}");
    }
}

#[test]
fn ten_thousand_rules_and_a_test_of_ten_megabytes_are_no_trouble() {
    let place = Place::empty();
    let many: Vec<_> = (0..10_000)
        .map(|n| {
            rule(
                &format!("r{n}"),
                &json!({"capability_id": format!("cap.{n}")}),
            )
        })
        .collect();
    place.write("rules.json", rules(&many));
    let mut big = test("t", "cap.9999", "r9999");
    big["input"]["request"] = json!({"blob": "x\u{7f}é".repeat(2_500_000)});
    place.write("tests.json", json!({"tests": [big]}).to_string());
    let begun = Instant::now();
    place.run(&VALIDATE).ok();
    place.run(&["rules", "lint", "rules.json"]).ok();
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn a_condition_on_a_tenant_is_warned_of_for_it_counts_here_alone() {
    let place = Place::empty();
    let of = json!({"tenant_id": "acme", "capability_id": "cap.a"});
    place.write("rules.json", rules(&[rule("r1", &of)]));
    let run = place.run(&["rules", "lint", "rules.json"]).ok();
    let warning = "sealbook: warning: rule r1 has a condition on tenant_id: it counts here, and PyHall ignores it\n";
    assert_eq!(run.stderr, warning);
    // As the guide says, the rule is for that tenant alone.
    let dispatch = |tenant: &str| {
        let args = [
            "--json",
            "dispatch",
            "cap.a",
            "--rules",
            "rules.json",
            "--tenant-id",
            tenant,
        ];
        place.run(&args).document()["matched_rule_id"].clone()
    };
    assert_eq!(
        (dispatch("acme"), dispatch("beta")),
        (json!("r1"), json!("NO_MATCH"))
    );
}
