//! Rules: a rule that another shadows is never the first match of an input
//! that its own conditions name.

use sealbook::ledger::parse::parse;
use sealbook::wcp::{RouteInput, detect_shadow_rules, load_rules_from_dict, route_first_match};

/// Panics where it does not hold.
pub fn holds(text: &[u8]) {
    let Ok(document) = parse(text) else { return };
    let Ok(rules) = load_rules_from_dict(&document) else {
        return;
    };
    let shadowed: Vec<_> = detect_shadow_rules(&rules)
        .iter()
        .map(|shadow| shadow.shadowed_rule_id.to_string())
        .collect();
    for input in inputs() {
        let Some(rule) = route_first_match(&rules, &input) else {
            continue;
        };
        let twice = rules
            .rules()
            .iter()
            .filter(|r| r.rule_id == rule.rule_id)
            .count()
            > 1;
        assert!(twice || !shadowed.contains(&rule.rule_id.to_string()));
    }
}

/// The inputs of the first vectors.
fn inputs() -> Vec<RouteInput> {
    let cases = include_str!("../../../fixtures/vectors/routing.jsonl")
        .lines()
        .take(40);
    let values = cases.filter_map(|case| parse(case.as_bytes()).ok());
    values
        .filter_map(|value| RouteInput::read(value.get("input")?, "").ok())
        .collect()
}
