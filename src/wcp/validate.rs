//! Running rules against tests, goldens and a conformance specification.

use std::collections::HashMap;

use serde::Deserialize;

use super::basis::{Basis, DEFAULT_TASK_ID, RegistryView};
use super::config::HallConfig;
use super::conformance::{Conformance, ConformanceError};
use super::decision::RouteDecision;
use super::gate::{FixedGate, GateAnswer};
use super::input::RouteInput;
use super::router::make_decision;
use super::rule_set::RuleSet;
use super::stamp::DecisionStamp;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError};

/// One test: a request, and the rule that it should match.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTest {
    pub test_id: String,
    pub input: RouteInput,
    /// The rule, or `NO_MATCH`.
    pub expected_rule_id: String,
}

#[derive(Deserialize)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    test_id: String,
    input: RouteInput,
    expect: Expected,
}

#[derive(Deserialize)]
struct Expected {
    expected_rule_id: String,
}

#[derive(Deserialize)]
struct Snapshots {
    snapshots: Vec<Matched>,
}

#[derive(Deserialize)]
struct Matched {
    test_id: String,
    matched_rule_id: String,
}

/// Reads `{"tests": [{"test_id", "input", "expect": {"expected_rule_id"}}]}`;
/// other members are let pass.
pub fn read_tests(document: &Value) -> Result<Vec<RuleTest>, MemberError> {
    let document: Tests = shape::read(document, "")?;
    let test = |test: Test| RuleTest {
        test_id: test.test_id,
        input: test.input,
        expected_rule_id: test.expect.expected_rule_id,
    };
    Ok(document.tests.into_iter().map(test).collect())
}

/// Rules that tests matched before, by test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goldens(pub HashMap<String, String>);

impl Goldens {
    /// Reads `{"snapshots": [{"test_id", "matched_rule_id"}]}`.
    pub fn read(document: &Value) -> Result<Goldens, MemberError> {
        let document: Snapshots = shape::read(document, "")?;
        let matched = document.snapshots.into_iter();
        let matched = matched.map(|matched| (matched.test_id, matched.matched_rule_id));
        Ok(Goldens(matched.collect()))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TestOutcome {
    pub test_id: String,
    pub decision: RouteDecision,
    /// Everything that is not as it should be; empty if it passed.
    pub failures: Vec<TestFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestFailure {
    #[error("expected rule \"{expected}\", matched \"{matched}\"")]
    OtherRule { expected: String, matched: String },
    #[error("the golden snapshot has rule \"{golden}\", matched \"{matched}\"")]
    OtherThanGolden { golden: String, matched: String },
    #[error("there is no golden snapshot of this test")]
    NoGolden,
    #[error(transparent)]
    Conformance(#[from] ConformanceError),
}

impl TestOutcome {
    /// Whether everything was as it should be.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// `{"test_id", "passed", "matched_rule_id", "denied", "deny_code",
    /// "failures"}`.
    pub fn to_value(&self) -> Value {
        let failures = self.failures.iter().map(|f| Value::from(f.to_string()));
        let denial = self.decision.deny_reason_if_denied.as_ref();
        let members: Object = [
            ("test_id", Value::from(self.test_id.as_str())),
            ("passed", Value::from(self.passed())),
            (
                "matched_rule_id",
                Value::from(&*self.decision.matched_rule_id),
            ),
            ("denied", Value::from(self.decision.denied())),
            ("deny_code", Value::from(denial.map(|denial| denial.code()))),
            ("failures", Value::Array(failures.collect())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}

/// Runs every test in a Hall where all workers and controls that rules name
/// are present, and every gate allows. `stamp` gives each decision its own.
pub fn validate(
    rules: &RuleSet,
    tests: &[RuleTest],
    goldens: Option<&Goldens>,
    conformance: &Conformance,
    mut stamp: impl FnMut() -> DecisionStamp,
) -> Vec<TestOutcome> {
    let gate = FixedGate(Ok(GateAnswer {
        decision: "ALLOW".to_owned(),
        policy_version: "policy.v0".to_owned(),
        reason: "validation".to_owned(),
    }));
    let config = HallConfig::default();
    let basis = Basis {
        rules,
        config: &config,
        registry: &EverythingPresent,
        gate: Some(&gate),
        approval: None,
        task_id: DEFAULT_TASK_ID,
    };
    let tests = tests.iter().map(|test| {
        let decision = make_decision(&test.input, &basis, stamp()).decision;
        let mut failures = Vec::new();
        let matched = decision.matched_rule_id.to_string();
        if matched != test.expected_rule_id {
            failures.push(TestFailure::OtherRule {
                expected: test.expected_rule_id.clone(),
                matched: matched.clone(),
            });
        }
        match goldens.map(|goldens| goldens.0.get(&test.test_id)) {
            Some(None) => failures.push(TestFailure::NoGolden),
            Some(Some(golden)) if *golden != matched => {
                failures.push(TestFailure::OtherThanGolden {
                    golden: golden.clone(),
                    matched,
                });
            }
            _ => {}
        }
        failures.extend(
            conformance
                .check(&decision)
                .into_iter()
                .map(TestFailure::from),
        );
        TestOutcome {
            test_id: test.test_id.clone(),
            decision,
            failures,
        }
    });
    tests.collect()
}

/// The golden snapshots of a run, to be kept.
pub fn golden_document(outcomes: &[TestOutcome]) -> Value {
    let snapshots = outcomes.iter().map(|outcome| {
        let members: Object = [
            ("test_id", outcome.test_id.as_str()),
            ("matched_rule_id", &outcome.decision.matched_rule_id),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    });
    let document: Object = [("snapshots", Value::Array(snapshots.collect()))]
        .into_iter()
        .collect();
    Value::Object(document)
}

/// A registry in which everything is there, and no worker has an envelope.
#[derive(Clone, Copy, Debug)]
pub struct EverythingPresent;

impl RegistryView for EverythingPresent {
    fn control_present(&self, _: &str) -> bool {
        true
    }

    fn worker_available(&self, _: &str) -> bool {
        true
    }

    fn has_privileges(&self) -> bool {
        true
    }
}
