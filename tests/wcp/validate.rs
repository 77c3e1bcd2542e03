//! Tests of rules, goldens, conformance, and what `build` writes.

use sealbook::ledger::json::Value;
use sealbook::wcp::conformance::{Conformance, ConformanceError};
use sealbook::wcp::scaffold::{Scaffold, WorkerScaffoldError};
use sealbook::wcp::validate::{Goldens, TestFailure, golden_document, read_tests, validate};
use sealbook::wcp::{Env, Registry, RuleSet, load_rules_from_dict};

use crate::support::{json, stamp};

fn scaffold() -> Scaffold {
    Scaffold {
        worker_id: "org.example.my-worker".to_owned(),
        worker_species_id: "wrk.example.my-worker".to_owned(),
        capabilities: vec!["cap.example.one".to_owned(), "cap.example.two".to_owned()],
        risk_tier: "low".to_owned(),
        required_controls: vec!["ctrl.obs.audit-log-append-only".to_owned()],
        allowed_environments: vec![Env::Dev, Env::Stage],
        owner: "org.example".to_owned(),
        contact: "team@example.com".to_owned(),
    }
}

fn files() -> (Value, RuleSet, Value) {
    let files = scaffold().files().unwrap();
    let file = |wanted: &str| {
        files
            .iter()
            .find(|(name, _)| *name == wanted)
            .unwrap()
            .1
            .clone()
    };
    let rules = load_rules_from_dict(&file("rules.json")).unwrap();
    (file("registry_record.json"), rules, file("tests.json"))
}

#[test]
fn a_scaffold_can_be_enrolled_and_passes_its_own_tests() {
    let (record, rules, tests) = files();
    Registry::new().enroll(&record).unwrap();
    let tests = read_tests(&tests).unwrap();
    let outcomes = validate(&rules, &tests, None, &Conformance::default(), stamp);
    assert_eq!(outcomes.len(), 2);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.passed() && !outcome.decision.denied())
    );

    let goldens = Goldens::read(&golden_document(&outcomes)).unwrap();
    let again = validate(
        &rules,
        &tests,
        Some(&goldens),
        &Conformance::default(),
        stamp,
    );
    assert_eq!(again, outcomes);
}

#[test]
fn answers_that_make_no_worker_are_refused() {
    let mut bad = scaffold();
    bad.worker_id = "my-worker".to_owned();
    assert!(matches!(
        bad.files(),
        Err(WorkerScaffoldError::WorkerId { .. })
    ));
    let mut bad = scaffold();
    bad.capabilities.clear();
    assert!(matches!(
        bad.files(),
        Err(WorkerScaffoldError::Capability { .. })
    ));
    let mut bad = scaffold();
    bad.required_controls.push("audit".to_owned());
    assert!(matches!(bad.files(), Err(WorkerScaffoldError::Control(_))));
}

#[test]
fn other_rules_and_goldens_fail() {
    let (_, rules, tests) = files();
    let mut tests = read_tests(&tests).unwrap();
    tests[0].expected_rule_id = "rr_002".to_owned();
    let goldens =
        json(r#"{"snapshots": [{"test_id": "routes_cap.example.one", "matched_rule_id": "x"}]}"#);
    let goldens = Goldens::read(&goldens).unwrap();
    let outcomes = validate(
        &rules,
        &tests,
        Some(&goldens),
        &Conformance::default(),
        stamp,
    );
    assert!(matches!(
        outcomes[0].failures[..],
        [
            TestFailure::OtherRule { .. },
            TestFailure::OtherThanGolden { .. }
        ]
    ));
    assert_eq!(outcomes[1].failures, [TestFailure::NoGolden]);
}

#[test]
fn a_conformance_specification_is_held_to() {
    let (_, rules, tests) = files();
    let tests = read_tests(&tests).unwrap();
    let specification = json(
        r#"{"decision_output_schema": {"required_fields": ["decision_id", "colour"]},
            "telemetry_requirements": {"required_events": [
                {"event": "evt.os.task.routed", "must_include_dimensions": ["tenant_id", "weight"]},
                {"event": "evt.os.task.painted"}]}}"#,
    );
    let conformance = Conformance::read(&specification).unwrap();
    let outcomes = validate(&rules, &tests[..1], None, &conformance, stamp);
    let missing = |error| TestFailure::Conformance(error);
    assert_eq!(
        outcomes[0].failures,
        [
            missing(ConformanceError::MissingField {
                field: "colour".to_owned()
            }),
            missing(ConformanceError::MissingDimension {
                event: "evt.os.task.routed".to_owned(),
                dimension: "weight".to_owned(),
            }),
            missing(ConformanceError::MissingEvent {
                event: "evt.os.task.painted".to_owned()
            }),
        ]
    );
}

#[test]
fn errors_in_tests_name_their_place() {
    let tests = json(r#"{"tests": [{"test_id": "a", "input": {"capability_id": 1}}]}"#);
    assert_eq!(
        read_tests(&tests).unwrap_err().at,
        "tests[0].input.capability_id"
    );
}
