//! Two decisions, field by field.

use crate::ledger::json::{Form, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayDifference {
    /// Its path, such as `decision.denied`.
    pub field: String,
    pub recorded: Option<String>,
    pub recomputed: Option<String>,
}

/// Differences listed for one decision. One is enough to know.
const LISTED: usize = 20;

/// Characters of a value that a difference shows.
const SHOWN: usize = 400;

/// Adds the differences between two values below `at`. Ids, times and the
/// wording of messages are let differ: two runs on one input differ in the
/// first two, two versions of this program in the last.
pub(super) fn compare(
    at: &str,
    recorded: Option<&Value>,
    recomputed: Option<&Value>,
    differences: &mut Vec<ReplayDifference>,
) {
    if recorded == recomputed || differences.len() >= LISTED || is_apart(at, recorded, recomputed) {
        return;
    }
    match (recorded, recomputed) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for (key, value) in left.iter() {
                compare(
                    &format!("{at}.{key}"),
                    Some(value),
                    right.get(key),
                    differences,
                );
            }
            let added = right.iter().filter(|(key, _)| !left.contains_key(key));
            for (key, value) in added {
                compare(&format!("{at}.{key}"), None, Some(value), differences);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for index in 0..left.len().max(right.len()) {
                let at = format!("{at}[{index}]");
                compare(&at, left.get(index), right.get(index), differences);
            }
        }
        _ => differences.push(ReplayDifference {
            field: at.to_owned(),
            recorded: recorded.map(shown),
            recomputed: recomputed.map(shown),
        }),
    }
}

/// Whether `at` is one of the fields that are let differ, and both have text
/// there.
fn is_apart(at: &str, recorded: Option<&Value>, recomputed: Option<&Value>) -> bool {
    let both_text =
        recorded.and_then(Value::as_str).is_some() && recomputed.and_then(Value::as_str).is_some();
    let telemetry = at.strip_prefix("decision.telemetry_envelopes[");
    let telemetry = telemetry
        .and_then(|rest| rest.split_once("]."))
        .map(|(_, name)| name);
    let named = matches!(
        at,
        "decision.decision_id" | "decision.timestamp" | "decision.deny_reason_if_denied.message"
    );
    both_text && (named || matches!(telemetry, Some("timestamp" | "deny_message")))
}

fn shown(value: &Value) -> String {
    let text = value.canonical(Form::Utf8);
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;
    use crate::ledger::parse::parse;

    fn fields(recorded: &str, recomputed: &str) -> Vec<String> {
        let (recorded, recomputed) = (parse(recorded.as_bytes()), parse(recomputed.as_bytes()));
        let mut differences = Vec::new();
        let (recorded, recomputed) = (recorded.unwrap(), recomputed.unwrap());
        compare(
            "decision",
            Some(&recorded),
            Some(&recomputed),
            &mut differences,
        );
        differences.into_iter().map(|d| d.field).collect()
    }

    #[test]
    fn every_field_is_named_where_it_differs() {
        let recorded = r#"{"a":1,"b":[1,2],"c":{"d":true},"gone":null}"#;
        let recomputed = r#"{"a":1.0,"b":[1,3,4],"c":{"d":false},"new":null}"#;
        let named = [
            "decision.a",
            "decision.b[1]",
            "decision.b[2]",
            "decision.c.d",
            "decision.gone",
            "decision.new",
        ];
        assert_eq!(fields(recorded, recomputed), named);
    }

    #[test]
    fn ids_times_and_wording_are_apart_and_nothing_else_is() {
        let recorded = r#"{"decision_id":"a","timestamp":"b","telemetry_envelopes":[{"timestamp":"c"}],
            "deny_reason_if_denied":{"message":"d","code":"X"}}"#;
        let recomputed = r#"{"decision_id":"e","timestamp":"f","telemetry_envelopes":[{"timestamp":"g"}],
            "deny_reason_if_denied":{"message":"h","code":"Y"}}"#;
        assert_eq!(
            fields(recorded, recomputed),
            ["decision.deny_reason_if_denied.code"]
        );
        assert_eq!(
            fields(r#"{"timestamp":null}"#, r#"{"timestamp":"f"}"#),
            ["decision.timestamp"]
        );
    }
}
