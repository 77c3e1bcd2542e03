//! How far a request could reach if it went wrong.

use super::input::RouteInput;
use super::terms::{DataLabel, QoSClass};
use crate::ledger::json::{Number, Object, Value};

/// From this score on, a human decides in production.
pub const HUMAN_FROM: u8 = 85;

pub const HIGHEST: u8 = 100;

/// The blast score of a request, 0 to 100 (SPEC §5.1). A caller's score can
/// only raise it.
pub fn blast_score(input: &RouteInput) -> u8 {
    let flag = |names: [&str; 2]| names.iter().any(|name| is_set(&input.request, name));
    let mut score = 10;
    score += match input.data_label {
        DataLabel::Public => 0,
        DataLabel::Internal => 20,
        DataLabel::Restricted => 40,
    };
    score += if input.env.is_production() { 15 } else { 0 };
    score += if input.qos_class == QoSClass::P0 {
        10
    } else {
        0
    };
    score += if flag(["egress", "external_call"]) {
        15
    } else {
        0
    };
    score += if flag(["writes", "mutates_state"]) {
        15
    } else {
        0
    };
    let claimed = input.blast_score.as_ref().and_then(in_range).unwrap_or(0);
    claimed.max(score.min(HIGHEST))
}

/// The members of a request that raise its score.
pub const FLAGS: [&str; 4] = ["egress", "external_call", "mutates_state", "writes"];

/// Each of [`FLAGS`], and whether the request sets it.
pub fn flags(request: &Object) -> [(&'static str, bool); 4] {
    FLAGS.map(|name| (name, is_set(request, name)))
}

/// A caller's score, if it is between 0 and 100.
pub(super) fn in_range(score: &Number) -> Option<u8> {
    let score = u8::try_from(score.as_u64()?).ok()?;
    (score <= HIGHEST).then_some(score)
}

fn is_set(request: &Object, name: &str) -> bool {
    request.get(name).is_some_and(is_truthy)
}

/// Not `null`, `false`, zero, or an empty string, list or object.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        // An integer beyond a double is not zero.
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A panic is how a test fails.
mod tests {
    use super::*;
    use crate::ledger::parse::parse;

    #[test]
    fn truth_is_that_of_the_specification() {
        let truthy = |text: &str| is_truthy(&parse(text.as_bytes()).unwrap());
        for text in [
            "null", "false", "0", "-0", "0.0", "-0.0", "\"\"", "[]", "{}",
        ] {
            assert!(!truthy(text), "{text}");
        }
        let huge = "1".repeat(400);
        for text in ["true", "1", "5e-324", "\"0\"", "[0]", "{\"a\":0}", &huge] {
            assert!(truthy(text), "{text}");
        }
    }

    #[test]
    fn only_whole_scores_from_0_to_100_are_in_range() {
        let score = |text: &str| match parse(text.as_bytes()).unwrap() {
            Value::Number(number) => in_range(&number),
            _ => None,
        };
        assert_eq!(score("0"), Some(0));
        assert_eq!(score("100"), Some(100));
        for text in ["-1", "101", "256", "356", "99999999999999999999999", "1.0"] {
            assert_eq!(score(text), None, "{text}");
        }
    }
}
