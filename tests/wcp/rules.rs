//! Loading rules: errors name the rule and the place.

use sealbook::wcp::rule::RuleProblem;
use sealbook::wcp::rules::{RulesError, load_rules, load_rules_from_dict};

use crate::support::{fixture, json};

fn refused(rules: &str) -> RulesError {
    load_rules_from_dict(&json(rules)).unwrap_err()
}

/// A document of a good rule and this one.
fn second(rule: &str) -> RulesError {
    refused(&format!(
        r#"{{"rules": [{{"rule_id": "a", "match": {{}}, "decision": {{}}}}, {rule}]}}"#
    ))
}

#[test]
fn errors_name_the_place() {
    assert_eq!(refused("[]").at(), "");
    assert_eq!(refused("{}").at(), "rules");
    for (rule, at) in [
        ("7", "rules[1]"),
        (r#"{"match": {}, "decision": {}}"#, "rules[1].rule_id"),
        (r#"{"rule_id": "b", "decision": {}}"#, "rules[1].match"),
        (r#"{"rule_id": "b", "match": {}}"#, "rules[1].decision"),
        (
            r#"{"rule_id": "b", "match": {"env": 1}, "decision": {}}"#,
            "rules[1].match.env",
        ),
        (
            r#"{"rule_id": "b", "match": {"env": {"inn": []}}, "decision": {}}"#,
            "rules[1].match.env",
        ),
        (
            r#"{"rule_id": "b", "match": {"enw": "dev"}, "decision": {}}"#,
            "rules[1].match.enw",
        ),
        (
            r#"{"rule_id": "b", "match": {}, "decision": {"candidate_workers_ranked": [{"score_hint": "x"}]}}"#,
            "rules[1].decision.candidate_workers_ranked[0].score_hint",
        ),
        (
            r#"{"rule_id": "b", "match": {}, "decision": {"preconditions": {"must_have": true}}}"#,
            "rules[1].decision.preconditions.must_have",
        ),
        (
            r#"{"rule_id": "b", "match": {}, "decision": {"escalation": {"policy_gate": 1}}}"#,
            "rules[1].decision.escalation.policy_gate",
        ),
    ] {
        assert_eq!(second(rule).at(), at);
    }
}

#[test]
fn duplicate_rule_ids_are_refused_with_both_places() {
    let error = second(r#"{"rule_id": "a", "match": {}, "decision": {}}"#);
    let RulesError::Rule {
        index: 1,
        rule_id,
        problem,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(rule_id.as_deref(), Some("a"));
    assert_eq!(problem, RuleProblem::DuplicateId { earlier: 0 });
}

#[test]
fn a_folder_is_unreadable_and_not_a_panic() {
    let error = load_rules(&fixture("vectors")).unwrap_err();
    assert!(matches!(error, RulesError::Unreadable(_)), "{error:?}");
    let error = load_rules(&fixture("no-such-file")).unwrap_err();
    assert!(matches!(error, RulesError::Unreadable(_)), "{error:?}");
    let error = load_rules(&fixture("vectors/README.md")).unwrap_err();
    assert!(matches!(error, RulesError::NotJson(_)), "{error:?}");
}
