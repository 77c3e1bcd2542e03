//! What the vectors do not show of a decision.

use sealbook::ledger::json::{Number, Value};
use sealbook::wcp::bulk::CaseReader;
use sealbook::wcp::{Denial, RouteInput};

use crate::support::{case, deny_code, json, request, stamp, vectors};

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {}, "decision": {
    "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;
const WORKER: &str = r#"{"workers_available": ["wrk.a"]}"#;

const GATED: &str = r#"{"rules": [{"rule_id": "r", "match": {}, "decision": {
    "escalation": {"policy_gate": true},
    "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;

#[test]
fn an_integer_score_of_any_size_is_a_denial_and_not_an_error() {
    for score in ["-1", "101", "123456789012345678901234567890"] {
        let case = case(request(&[("blast_score", json(score))]), RULES, WORKER);
        let denial = case.decide(stamp()).decision.deny_reason_if_denied;
        let Some(Denial::InvalidInput { blast_score }) = denial else {
            panic!("{denial:?}")
        };
        assert_eq!(blast_score.to_string(), score);
    }
}

#[test]
fn a_blank_tenant_made_in_rust_is_denied() {
    let mut case = case(request(&[]), RULES, WORKER);
    case.input.tenant_id = " \u{1f}".to_owned();
    assert_eq!(deny_code(&case), Some("DENY_MISSING_TENANT_ID"));
}

#[test]
fn banned_code_is_denied_whether_attestation_is_required_or_not() {
    let hash = "ab".repeat(32);
    for required in [true, false] {
        let hall = format!(
            r#"{{"config": {{"require_worker_attestation": {required}}},
                "workers_available": ["wrk.a"], "ban_list": ["{hash}"],
                "worker_hashes": {{"registered": {{"wrk.a": "{hash}"}}, "current": {{"wrk.a": "{hash}"}}}}}}"#
        );
        let case = case(request(&[]), RULES, &hall);
        assert_eq!(deny_code(&case), Some("DENY_WORKER_BANNED_HASH"));
        let text = case
            .decide(stamp())
            .decision
            .to_value()
            .canonical(sealbook::ledger::json::Form::Utf8);
        assert!(!text.contains(&hash), "a hash is in no decision");
    }
}

#[test]
fn what_was_consulted_is_all_that_was_asked_and_no_more() {
    let denied = case(
        request(&[("tenant_id", "t".into())]),
        RULES,
        r#"{"config":
        {"require_signatory": true}}"#,
    );
    assert_eq!(denied.decide(stamp()).consulted, Default::default());

    let allowed = case(
        request(&[]),
        GATED,
        r#"{"workers_available": ["wrk.a"],
        "policy_gate": {"decision": "ALLOW", "policy_version": "v7", "reason": "r"}}"#,
    );
    let consulted = allowed.decide(stamp()).consulted;
    assert_eq!(consulted.workers, [("wrk.a".into(), true)]);
    assert_eq!(consulted.gate.unwrap().unwrap().policy_version, "v7");
    assert_eq!(
        (consulted.code, consulted.privileges, consulted.banned),
        (None, None, None)
    );
}

#[test]
fn a_decision_that_cannot_be_recorded_becomes_a_denial() {
    let case = case(request(&[]), RULES, WORKER);
    let decision = case.decide(stamp()).decision;
    assert!(!decision.denied());
    let denied = decision.unrecorded();
    assert_eq!(denied.deny_reason_if_denied, Some(Denial::InternalError));
    assert_eq!(
        (
            &*denied.matched_rule_id,
            denied.telemetry_envelopes.events.len()
        ),
        ("r", 1)
    );
    assert!(denied.artifact_hash.is_none() && denied.selected_worker_species_id.is_none());
}

#[test]
fn decisions_are_equal_but_for_their_stamp() {
    for vector in vectors("routing.jsonl") {
        let case = CaseReader::default().read(&vector).unwrap();
        assert_eq!(case.decide(stamp()), case.decide(stamp()));
    }
}

#[test]
fn a_request_reads_back_from_what_it_is_written_as() {
    for vector in vectors("routing.jsonl") {
        let input = RouteInput::read(vector.get("input").unwrap(), "").unwrap();
        assert_eq!(RouteInput::read(&input.to_value(), ""), Ok(input));
    }
}

#[test]
fn unknown_fields_of_a_request_are_refused() {
    let input = request(&[("blast_scroe", Value::from(Number::from(1_i64)))]);
    assert_eq!(RouteInput::read(&input, "").unwrap_err().at, "blast_scroe");
}

#[test]
fn the_stub_gate_is_no_gate_outside_dev() {
    use sealbook::wcp::gate::StubGate;
    use sealbook::wcp::{Env, make_decision};

    let mut case = case(request(&[]), GATED, WORKER);
    for (env, everywhere, allowed) in [
        (Env::Dev, false, true),
        (Env::Stage, false, false),
        (Env::Prod, true, true),
    ] {
        case.input.env = env;
        let stub = StubGate { everywhere };
        let mut hall = case.hall.basis(&case.rules, &case.task_id);
        hall.gate = Some(&stub);
        let denial = make_decision(&case.input, &hall, stamp())
            .decision
            .deny_reason_if_denied;
        let expected = (!allowed).then_some(Denial::PolicyGateUnconfigured);
        assert_eq!(denial, expected, "{env}");
    }
}
