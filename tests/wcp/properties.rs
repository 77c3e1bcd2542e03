//! What holds for every input.

use proptest::prelude::*;
use sealbook::ledger::json::{Object, Value};
use sealbook::wcp::condition::{Condition, RequestField};
use sealbook::wcp::{RouteInput, load_rules_from_dict};

use crate::support::{json, request};

/// Few values, so that rules and requests meet.
fn condition(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let list = prop::sample::subsequence(values, 0..=values.len());
    prop_oneof![
        prop::sample::select(values).prop_map(Value::from),
        list.prop_map(|list| {
            let list = Value::Array(list.into_iter().map(Value::from).collect());
            Value::Object([("in", list)].into_iter().collect())
        }),
        Just(json(r#"{"any": true}"#)),
        Just(json(r#"{"any": false}"#)),
        Just(json("{}")),
    ]
}

fn conditions() -> impl Strategy<Value = Object> {
    (
        prop::option::of(condition(&["cap.a", "cap.b", "cap.c"])),
        prop::option::of(condition(&["dev", "stage", "prod", "edge"])),
        prop::option::of(condition(&["P0", "P1", "P2", "P3"])),
        prop::option::of(condition(&["acme", "beta"])),
    )
        .prop_map(|(capability, env, qos, tenant)| {
            let members = [
                ("capability_id", capability),
                ("env", env),
                ("qos_class", qos),
                ("tenant_id", tenant),
            ];
            let members = members.into_iter();
            members
                .filter_map(|(name, value)| Some((name, value?)))
                .collect()
        })
}

fn rules(conditions: Vec<Object>) -> Value {
    let rules = conditions
        .into_iter()
        .enumerate()
        .map(|(index, conditions)| {
            let members = [
                ("rule_id", Value::from(index.to_string())),
                ("match", conditions.into()),
                ("decision", Object::new().into()),
            ];
            Value::Object(members.into_iter().collect())
        });
    Value::Object(
        [("rules", Value::Array(rules.collect()))]
            .into_iter()
            .collect(),
    )
}

/// Whether a condition, read again, lets a value through.
fn lets(condition: &Value, value: &str) -> bool {
    Condition::read(condition).unwrap().matches(value)
}

proptest! {
    #[test]
    fn the_compiled_set_matches_what_a_plain_walk_does(
        conditions in prop::collection::vec(conditions(), 0..12),
        capability in prop::sample::select(&["cap.a", "cap.b", "cap.z"]),
        env in prop::sample::select(&["dev", "stage", "prod", "edge"]),
        qos in prop::sample::select(&["P0", "P3"]),
        tenant in prop::sample::select(&["acme", "gamma"]),
    ) {
        let input = [("capability_id", capability), ("env", env), ("qos_class", qos), ("tenant_id", tenant)];
        let input = request(&input.map(|(name, value)| (name, Value::from(value))));
        let input = RouteInput::read(&input, "").unwrap();
        let plain = conditions.iter().position(|conditions| {
            let mut conditions = conditions.iter();
            conditions.all(|(name, c)| lets(c, RequestField::parse(name).unwrap().of(&input)))
        });
        let rules = load_rules_from_dict(&rules(conditions)).unwrap();
        let found = rules.first_match(&input).map(|rule| rule.rule_id.to_string());
        prop_assert_eq!(found, plain.map(|index| index.to_string()));
    }

    #[test]
    fn shadows_are_what_comparing_every_pair_finds(
        conditions in prop::collection::vec(conditions(), 0..12),
    ) {
        let rules = load_rules_from_dict(&rules(conditions)).unwrap();
        let mut plain = Vec::new();
        for (index, a) in rules.rules().iter().enumerate() {
            for b in &rules.rules()[index + 1..] {
                let covers = |(field, wide): &(RequestField, Condition)| {
                    *wide == Condition::Any || b.condition(*field).is_some_and(|narrow| wide.covers(narrow))
                };
                if a.conditions.iter().all(covers) {
                    plain.push((a.rule_id.clone(), b.rule_id.clone()));
                }
            }
        }
        let found = rules.shadows().pairs.iter();
        let found: Vec<_> = found.map(|s| (s.shadowing_rule_id.clone(), s.shadowed_rule_id.clone())).collect();
        prop_assert_eq!(found, plain);
    }

    #[test]
    fn a_shadowed_rule_never_matches(
        conditions in prop::collection::vec(conditions(), 0..12),
        capability in prop::sample::select(&["cap.a", "cap.b", "cap.c"]),
        env in prop::sample::select(&["dev", "stage", "prod", "edge"]),
    ) {
        let rules = load_rules_from_dict(&rules(conditions)).unwrap();
        let input = request(&[("capability_id", capability.into()), ("env", env.into())]);
        let input = RouteInput::read(&input, "").unwrap();
        if let Some(rule) = rules.first_match(&input) {
            let mut pairs = rules.shadows().pairs.iter();
            prop_assert!(pairs.all(|shadow| shadow.shadowed_rule_id != rule.rule_id));
        }
    }

    #[test]
    fn any_json_is_read_or_refused_with_a_field(text in "\\PC{0,40}", key in "[a-z_]{1,12}") {
        let input = request(&[(&key, Value::from(text))]);
        if let Err(error) = RouteInput::read(&input, "") {
            prop_assert_eq!(error.at, key);
        }
    }
}
