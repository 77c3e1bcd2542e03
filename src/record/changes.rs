//! What changed between two Halls, or two documents, in words.

use super::hall::Hall;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::limits;

/// Characters of a value that a change shows.
const SHOWN: usize = 200;

/// What is decided otherwise from now on: one sentence a change, at most
/// [`limits::REPORTED`]. Without a Hall before there is nothing to compare.
pub fn changes(before: Option<&Hall>, after: &Hall) -> Vec<String> {
    let Some(before) = before else {
        return Vec::new();
    };
    let (was, is) = (described(before), described(after));
    differences(&was, &is)
}

/// What is in one document and not in another, in words.
pub fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut told = Vec::new();
    compare("", Some(before), Some(after), &mut told);
    told
}

pub fn texts(sentences: &[String]) -> Value {
    let sentences = sentences.iter().map(|text| Value::from(text.as_str()));
    Value::Array(sentences.collect())
}

fn described(hall: &Hall) -> Value {
    let governance = hall.governance();
    let mut object = Object::new();
    object.insert("rules", by_id(governance.rules().document()));
    object.insert("config", governance.config().to_value());
    object.insert("gate", governance.gate_source().name());
    object.insert("policy", governance.policy().cloned());
    let bans = governance.ban_list().map(|list| list.document());
    object.insert("ban_list", bans.map(lines));
    for (name, part) in hall.parts() {
        object.insert(name, part);
    }
    Value::Object(object)
}

/// Lists whose items have names as objects, so that one that was put in between
/// is one change.
pub(super) fn by_id(document: &Value) -> Value {
    let Some(rules) = document.get("rules").and_then(Value::as_array) else {
        return document.clone();
    };
    let rules = rules.iter().map(|rule| {
        let id = rule.get("rule_id").and_then(Value::as_str);
        (id.unwrap_or_default().to_owned(), rule.clone())
    });
    Value::Object(rules.collect())
}

/// The lines of a text, each by itself.
pub(super) fn lines(document: &Value) -> Value {
    let items = match document {
        Value::String(text) => text.lines().map(Value::from).collect(),
        other => other.as_array().unwrap_or_default().to_vec(),
    };
    let items = items.into_iter().map(|item| {
        let name = match &item {
            Value::String(text) => text.clone(),
            other => other.canonical(Form::Utf8),
        };
        (name, item)
    });
    Value::Object(items.collect())
}

fn compare(at: &str, before: Option<&Value>, after: Option<&Value>, told: &mut Vec<String>) {
    if before == after || told.len() >= limits::REPORTED {
        return;
    }
    let below = |name: &str| match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    };
    match (before, after) {
        (Some(Value::Object(was)), Some(Value::Object(is))) => {
            for (name, value) in was.iter() {
                compare(&below(name), Some(value), is.get(name), told);
            }
            let added = is.iter().filter(|(name, _)| !was.contains_key(name));
            for (name, value) in added {
                compare(&below(name), None, Some(value), told);
            }
        }
        (Some(Value::Array(was)), Some(Value::Array(is))) => {
            for item in was.iter().filter(|item| !is.contains(item)) {
                told.push(format!("{at}: {} is gone", shown(item)));
            }
            for item in is.iter().filter(|item| !was.contains(item)) {
                told.push(format!("{at}: {} is new", shown(item)));
            }
            if was.iter().all(|item| is.contains(item)) && is.iter().all(|item| was.contains(item))
            {
                told.push(format!("{at}: the order changed"));
            }
        }
        (Some(was), Some(is)) => told.push(format!("{at}: {} became {}", shown(was), shown(is))),
        (Some(was), None) => told.push(format!("{at} is gone: {}", shown(was))),
        (None, Some(is)) => told.push(format!("{at} is new: {}", shown(is))),
        (None, None) => {}
    }
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

    #[test]
    fn a_change_is_one_sentence_that_names_its_place() {
        let before = parse(br#"{"a": {"b": 1, "gone": true}, "list": ["x", "y"]}"#).unwrap();
        let after = parse(br#"{"a": {"b": 2, "new": null}, "list": ["y", "z"]}"#).unwrap();
        let told = [
            "a.b: 1 became 2",
            "a.gone is gone: true",
            "a.new is new: null",
            "list: \"x\" is gone",
            "list: \"z\" is new",
        ];
        assert_eq!(differences(&before, &after), told);
        assert_eq!(differences(&before, &before), [""; 0]);
    }
}
