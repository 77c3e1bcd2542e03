//! Policies in Rego: answers, bundles, and policies that misbehave.

use std::fs;
use std::time::{Duration, Instant};

use sealbook::wcp::gate::{GateContext, GateError, PolicyGate};
use sealbook::wcp::rego::{RegoError, RegoGate, RegoLimits, RegoSource};
use sealbook::wcp::{Denial, Env, RouteInput, make_decision};
use tempfile::tempdir;

use crate::support::{case, json, request, stamp};

const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {}, "decision": {
    "escalation": {"policy_gate": true},
    "candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#;

const POLICY: &str = r#"
package wcp

default gate := {"decision": "DENY", "policy_version": "p1", "reason": "default"}

gate := {"decision": "ALLOW", "policy_version": "p1", "reason": "dev"} if input.env == "dev"
gate := {"decision": "REQUIRE_HUMAN", "policy_version": "p1", "reason": data.why} if {
    input.env == "stage"
    input.data_label == "PUBLIC"
}
"#;

fn source(policy: &str) -> RegoSource {
    RegoSource {
        modules: [("gate.rego".to_owned(), policy.to_owned())].into(),
        data: Some(json(r#"{"why": "staged"}"#)),
    }
}

fn gate(policy: &str) -> RegoGate {
    RegoGate::new(source(policy), RegoLimits::default()).unwrap()
}

fn denial(gate: &RegoGate, env: Env) -> Option<Denial> {
    let mut case = case(request(&[]), RULES, r#"{"workers_available": ["wrk.a"]}"#);
    case.input.env = env;
    let mut hall = case.hall.basis(&case.rules, &case.task_id);
    hall.gate = Some(gate);
    make_decision(&case.input, &hall, stamp())
        .decision
        .deny_reason_if_denied
}

#[test]
fn a_policy_decides_by_what_it_is_told() {
    let gate = gate(POLICY);
    assert_eq!(denial(&gate, Env::Dev), None);
    assert_eq!(
        denial(&gate, Env::Stage).unwrap().code(),
        "DENY_REQUIRES_HUMAN_APPROVAL"
    );
    assert_eq!(denial(&gate, Env::Prod).unwrap().code(), "DENY_POLICY_GATE");
    let input = RouteInput::read(&request(&[("env", "stage".into())]), "").unwrap();
    assert_eq!(
        gate.evaluate(&GateContext::of(&input)).unwrap().reason,
        "staged"
    );
}

/// To Rego a package is an object of its rules, so both answer the same.
const PACKAGE: &str = r#"
package wcp.gate

default decision := "DENY"
policy_version := "p1"

decision := "ALLOW" if input.env == "dev"
decision := "REQUIRE_HUMAN" if {
    input.env == "stage"
    input.data_label == "PUBLIC"
}

default reason := "default"
reason := "dev" if input.env == "dev"
reason := data.why if decision == "REQUIRE_HUMAN"
"#;

#[test]
fn a_package_of_three_rules_answers_as_one_rule_does() {
    let (rule, package) = (gate(POLICY), gate(PACKAGE));
    for env in ["dev", "stage", "prod"] {
        for label in ["PUBLIC", "INTERNAL"] {
            let members = [("env", env.into()), ("data_label", label.into())];
            let input = RouteInput::read(&request(&members), "").unwrap();
            let context = GateContext::of(&input);
            let answer = rule.evaluate(&context).unwrap();
            assert_eq!(package.evaluate(&context).unwrap(), answer, "{env} {label}");
        }
    }
    let dotted = "package wcp\ngate.decision := \"ALLOW\"\ngate.policy_version := \"p\"\n\
                  gate.reason := \"r\"";
    assert_eq!(denial(&gate(dotted), Env::Dev), None);
    assert_eq!(denial(&package, Env::Dev), None);
    assert_eq!(
        denial(&package, Env::Prod).unwrap().code(),
        "DENY_POLICY_GATE"
    );
    let undefined = PACKAGE.replace("default decision := \"DENY\"", "");
    let invalid = denial(&gate(&undefined), Env::Prod);
    assert_eq!(invalid, Some(Denial::PolicyGateInvalidResponse));
}

#[test]
fn a_policy_that_answers_nothing_says_what_is_missing() {
    for (policy, rule) in [
        ("package other\nx := 1", "data.wcp.gate"),
        ("package wcp\nx := 1", "data.wcp.gate"),
        (
            "package wcp.gate\ndecision := \"ALLOW\"\nreason := \"r\"",
            "data.wcp.gate.policy_version",
        ),
    ] {
        let error = RegoGate::new(source(policy), RegoLimits::default()).unwrap_err();
        assert_eq!(error, RegoError::NoGate { missing: rule }, "{policy}");
    }
}

#[test]
fn undefined_and_malformed_answers_are_invalid() {
    for policy in [
        "package wcp\ngate := {\"decision\": \"ALLOW\"} if input.env == \"nowhere\"",
        "package wcp\ngate := \"ALLOW\"",
        "package wcp\ngate := {\"decision\": true, \"policy_version\": \"p\", \"reason\": \"r\"}",
        "package wcp\ngate := {\"decision\": \"allow\", \"policy_version\": \"p\", \"reason\": \"r\"}",
    ] {
        let denial = denial(&gate(policy), Env::Dev);
        assert_eq!(denial, Some(Denial::PolicyGateInvalidResponse), "{policy}");
    }
}

#[test]
fn a_policy_that_never_ends_is_stopped_and_denies() {
    let numbers = (0..200)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let endless = format!(
        "package wcp\nn := [{numbers}]\ngate := {{\"decision\": \"ALLOW\", \"policy_version\": \"p\", \
         \"reason\": \"r\"}} if {{ some a in n; some b in n; some c in n; some d in n; some e in n; \
         a + b + c + d + e < 0 }}"
    );
    let begin = Instant::now();
    let gate = gate(&endless);
    assert_eq!(denial(&gate, Env::Dev), Some(Denial::InternalError));
    let input = RouteInput::read(&request(&[]), "").unwrap();
    let error = gate.evaluate(&GateContext::of(&input)).unwrap_err();
    assert!(
        matches!(error, GateError::TooManyInstructions { .. }),
        "{error:?}"
    );
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );

    let limits = RegoLimits {
        instructions: usize::MAX,
        time: Duration::from_millis(50),
    };
    let gate = RegoGate::new(source(&endless), limits).unwrap();
    let error = gate.evaluate(&GateContext::of(&input)).unwrap_err();
    assert!(matches!(error, GateError::TimedOut { .. }), "{error:?}");
}

#[test]
fn built_ins_that_see_the_world_do_not_exist() {
    for call in [
        "time.now_ns()",
        "rand.intn(\"x\", 5)",
        "http.send({\"url\": \"http://127.0.0.1\"})",
        "opa.runtime()",
        "uuid.rfc4122(\"x\")",
        "net.lookup_ip_addr(\"localhost\")",
    ] {
        let policy = format!("package wcp\ngate := {{\"decision\": {call}}}");
        let error = RegoGate::new(source(&policy), RegoLimits::default()).unwrap_err();
        assert!(
            matches!(error, RegoError::Compile { .. }),
            "{call}: {error:?}"
        );
    }
}

#[test]
fn built_ins_without_bound_are_refused() {
    let policy = "package wcp\ngate := {\"decision\": numbers.range(1, 1000000000000000)}";
    let error = RegoGate::new(source(policy), RegoLimits::default()).unwrap_err();
    assert!(
        matches!(error, RegoError::UnboundedBuiltin { .. }),
        "{error:?}"
    );
}

#[test]
fn a_policy_that_does_not_compile_says_where() {
    let error = RegoGate::new(source("package wcp\ngate := {"), RegoLimits::default()).unwrap_err();
    assert!(error.to_string().contains("gate.rego"), "{error}");
    let error = RegoGate::new(RegoSource::default(), RegoLimits::default()).unwrap_err();
    assert_eq!(error, RegoError::Empty);
}

#[test]
fn a_bundle_is_every_module_below_a_folder_and_its_data() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("lib")).unwrap();
    fs::write(dir.path().join("gate.rego"), POLICY).unwrap();
    fs::write(dir.path().join("lib/more.rego"), "package lib\nx := 1").unwrap();
    fs::write(dir.path().join("gate_test.rego"), "not rego").unwrap();
    fs::write(dir.path().join("data.json"), r#"{"why": "bundled"}"#).unwrap();
    let source = RegoSource::read(dir.path()).unwrap();
    assert_eq!(
        source.modules.keys().collect::<Vec<_>>(),
        ["gate.rego", "lib/more.rego"]
    );
    let gate = RegoGate::new(source, RegoLimits::default()).unwrap();
    let denial = denial(&gate, Env::Stage).unwrap();
    assert!(
        matches!(denial, Denial::RequiresHumanApproval { ref reason, .. } if reason == "bundled")
    );
    let one = RegoSource::read(&dir.path().join("gate.rego")).unwrap();
    assert_eq!((one.modules.len(), one.data), (1, None));
}
