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

pub(crate) const POLICY: &str = r#"
package wcp

default gate := {"decision": "DENY", "policy_version": "p1", "reason": "default"}

gate := {"decision": "ALLOW", "policy_version": "p1", "reason": "dev"} if input.env == "dev"
gate := {"decision": "REQUIRE_HUMAN", "policy_version": "p1", "reason": data.why} if {
    input.env == "stage"
    input.data_label == "PUBLIC"
}
"#;

pub(crate) fn source(policy: &str) -> RegoSource {
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
        bytes: Some(u64::MAX),
        time: Some(Duration::from_millis(50)),
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

/// A rule `gate` that allows, if what stands before it and in it can be had.
fn allowing(before: &str, what: &str) -> String {
    format!(
        "package wcp\n{before}\ngate := {{\"decision\": \"ALLOW\", \"policy_version\": \"p\", \
         \"reason\": sprintf(\"%d\", [count([{what}])])}}"
    )
}

/// `x0 := FIRST`, and each of `times` more from the one before.
fn doubled(first: &str, step: &str, times: usize) -> String {
    let mut rules = format!("x0 := {first}\n");
    for n in 1..=times {
        let step = step.replace('$', &format!("x{}", n - 1));
        rules.push_str(&format!("x{n} := {step}\n"));
    }
    rules
}

/// What grows in one step beyond all memory, or is compared for ever.
pub(crate) fn growing() -> Vec<(&'static str, String)> {
    let many = |what: &str| format!("[{}]", vec![what; 2_000].join(",\n"));
    let twice = |first, step, what: &str| allowing(&doubled(first, step, 31), what);
    vec![
        (
            "strings",
            twice("\"aaaaaaaaaaaaaaaa\"", "concat(\"\", [$, $])", "x31"),
        ),
        ("arrays", twice("[1,2,3,4]", "array.concat($, $)", "x31")),
        ("squares", twice("7", "$ * $", "x26 > 3")),
        ("width", allowing("", "sprintf(\"%2000000000d\", [5])")),
        ("decimals", allowing("", "sprintf(\"%.2000000000f\", [5])")),
        (
            "formats",
            twice("\"a\"", "sprintf(\"%s%s\", [$, $])", "x31"),
        ),
        (
            "replacing",
            twice("\"aa\"", "replace($, \"a\", \"aa\")", "x31"),
        ),
        (
            "replacing many",
            twice("\"aa\"", "strings.replace_n({\"a\": \"aa\"}, $)", "x31"),
        ),
        (
            "expressions",
            twice("\"aa\"", "regex.replace($, \"a\", \"aa\")", "x31"),
        ),
        (
            "marshalling",
            twice("\"\\\"\"", "json.marshal([$, $])", "x31"),
        ),
        (
            "a product",
            allowing(&format!("n := {}", many("1e308")), "product(n)"),
        ),
        (
            "an exponent in text",
            allowing("", "to_number(\"1e2000000000\")"),
        ),
        (
            "an exponent in JSON",
            allowing("", "json.unmarshal(\"[1e2000000000]\")"),
        ),
        ("held twice, compared", {
            let left = doubled("[1]", "[$, $]", 31);
            allowing(&format!("{left}{}", left.replace('x', "y")), "x31 == y31")
        }),
        (
            "held twice, written",
            twice("[1]", "[$, $]", "sprintf(\"%v\", [x31])"),
        ),
        ("held twice, a key", twice("[1]", "[$, $]", "{x31: 1}")),
        ("held twice, in a set", {
            let left = doubled("[1]", "[$, $]", 31);
            allowing(&format!("{left}{}", left.replace('x', "y")), "{x31, y31}")
        }),
        ("held twice, answered twice", {
            let left = doubled("[1]", "[$, $]", 31);
            let both = format!("{left}{}\nz := x31\nz := y31", left.replace('x', "y"));
            allowing(&both, "z")
        }),
        ("the answer itself", {
            let strings = doubled("\"aaaaaaaaaaaaaaaa\"", "[$, $]", 31);
            format!("package wcp\n{strings}\ngate := {{\"decision\": x31}}")
        }),
    ]
}

#[test]
fn what_grows_beyond_all_memory_is_stopped_at_the_same_byte_everywhere() {
    let input = RouteInput::read(&request(&[]), "").unwrap();
    for (name, policy) in growing() {
        let gate = gate(&policy);
        let limit = 64 << 20;
        assert_eq!(
            gate.evaluate(&GateContext::of(&input)),
            Err(GateError::TooManyBytes { limit }),
            "{name}"
        );
        assert_eq!(
            denial(&gate, Env::Dev),
            Some(Denial::InternalError),
            "{name}"
        );
    }
}

#[test]
fn a_policy_with_a_number_of_gigabytes_is_not_loaded() {
    let policy = allowing("x := 1e2000000000", "x");
    let error = RegoGate::new(source(&policy), RegoLimits::default()).unwrap_err();
    let module = "gate.rego".to_owned();
    assert_eq!(error, RegoError::Number { module });
}

/// One rule calls the next as deep as there are rules; values nest 256 deep.
#[test]
fn rules_that_call_each_other_a_thousand_deep_end_in_an_answer_or_a_limit() {
    let input = RouteInput::read(&request(&[]), "").unwrap();
    let deep = allowing(&doubled("1", "$ + 1", 1_500), "x1500");
    let answer = gate(&deep).evaluate(&GateContext::of(&input)).unwrap();
    assert_eq!(answer.reason, "1");
    let nested = allowing(&doubled("1", "[$]", 1_500), "x1500");
    let answer = gate(&nested).evaluate(&GateContext::of(&input));
    assert_eq!(answer, Err(GateError::TooManyBytes { limit: 64 << 20 }));
}

/// Counting puts calls into the program; it must say what it said without.
#[test]
fn a_counted_policy_answers_what_it_answers_uncounted() {
    let uncounted = RegoLimits {
        bytes: None,
        ..RegoLimits::default()
    };
    for body in [
        "count([x | some x in [3, 1, 2]; x > 1])",
        "count({x | some x in [3, 1, 3]})",
        "count({k: v | some k, v in {\"a\": 1, \"b\": 2}; v != 1})",
        "count([x | some x in []])",
        "sum([z | some x in [1, 2]; some y in [3, 4]; x + y > 4; z := x * y])",
        "f(3)",
        "f(\"three\")",
        "count(every_case)",
        "count(object.keys(by_name))",
        "nested.a.b[input.env]",
        "count(data.why)",
        "1 + count([1 | not 1 + \"a\" == 2])",
        "count(split(\"a,b,c\", \",\")) - 7 % 3",
        "to_number(regex.replace(\"a1b\", \"[a-z]\", \"\"))",
    ] {
        let policy = format!(
            "package wcp\n\
             f(x) := 10 / x if is_number(x)\nelse := 4\n\
             every_case contains x if {{ some x in [1, 2, 3]; every y in [1, 2] {{ y <= x }} }}\n\
             every_case contains 9 if \"a\" in [\"a\", \"b\"]\n\
             by_name[name] := n if {{ some n, name in [\"p\", \"q\"]; not name == \"q\" }}\n\
             nested.a.b := {{\"dev\": 5, \"prod\": 6}}\n\
             default answer := \"undefined\"\n\
             answer := sprintf(\"%v\", [{body}])\n\
             gate := {{\"decision\": \"ALLOW\", \"policy_version\": \"p\", \"reason\": answer}}"
        );
        for env in ["dev", "prod"] {
            let input = RouteInput::read(&request(&[("env", env.into())]), "").unwrap();
            let context = GateContext::of(&input);
            let plain = RegoGate::new(source(&policy), uncounted).unwrap();
            let plain = plain.evaluate(&context).unwrap();
            assert_eq!(gate(&policy).evaluate(&context).unwrap(), plain, "{body}");
        }
    }
}

#[test]
fn the_budget_stands_in_what_is_recorded_of_the_policy() {
    let document = gate(POLICY).to_document();
    assert_eq!(
        document.get("budget"),
        Some(&json(
            r#"{"version": 1, "instructions": 1000000, "bytes": 67108864}"#
        ))
    );
    assert_eq!(document.get("instructions"), None);
    let again = RegoGate::from_document(&document, RegoLimits::default()).unwrap();
    assert_eq!(again.to_document(), document);
}
