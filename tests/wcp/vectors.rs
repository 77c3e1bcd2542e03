//! Every reference vector of routing, compared as JSON values.

use sealbook::ledger::json::{Object, Value};
use sealbook::wcp::bulk::CaseReader;
use sealbook::wcp::rule_set::detect_shadow_rules;
use sealbook::wcp::rules::load_rules_from_dict;

use crate::support::{stamp, vectors};

/// Takes out what may differ between two implementations: ids, times and the
/// wording of messages.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(comparable).collect()),
        Value::Object(object) => {
            let skipped = object.get("event_id").and_then(Value::as_str)
                == Some("evt.os.worker.attestation_skipped");
            let free = |key: &str| match key {
                "decision_id" | "timestamp" | "message" | "deny_message" => true,
                "reason" => skipped,
                _ => false,
            };
            let members = object.iter().filter(|(key, _)| !free(key));
            Value::Object(
                members
                    .map(|(k, v)| (k.to_owned(), comparable(v)))
                    .collect::<Object>(),
            )
        }
        scalar => scalar.clone(),
    }
}

#[test]
fn every_routing_vector_is_decided_as_the_reference_does() {
    let cases = vectors("routing.jsonl");
    assert!(cases.len() >= 340);
    for case in &cases {
        let id = case.get("id").unwrap().as_str().unwrap();
        let read = CaseReader::default().read(case);
        if case.get("expect_invalid_input").is_some() {
            assert!(read.is_err(), "{id}");
            continue;
        }
        let decided = read.unwrap().decide(stamp());
        let expected = comparable(case.get("expect").unwrap());
        assert_eq!(comparable(&decided.decision.to_value()), expected, "{id}");
    }
}

#[test]
fn malformed_input_is_refused_with_the_name_of_the_field() {
    let cases = vectors("routing_invalid.jsonl");
    assert!(cases.len() >= 31);
    for case in &cases {
        let error = CaseReader::default().read(case).unwrap_err();
        assert_eq!(
            Some(error.field.as_str()),
            case.get("field").unwrap().as_str()
        );
    }
}

#[test]
fn every_shadow_vector_has_the_expected_pairs_in_order() {
    let cases = vectors("shadow.jsonl");
    assert!(cases.len() >= 60);
    for case in &cases {
        let rules = load_rules_from_dict(case.get("rules").unwrap()).unwrap();
        let pair = |(a, b): (&str, &str)| Value::Array(vec![Value::from(a), Value::from(b)]);
        let found = detect_shadow_rules(&rules)
            .iter()
            .map(|s| pair((&s.shadowing_rule_id, &s.shadowed_rule_id)));
        let found = Value::Array(found.collect());
        assert_eq!(&found, case.get("expect").unwrap(), "{:?}", case.get("id"));
    }
}
