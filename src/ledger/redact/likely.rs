//! Values that look like secrets: what is appended stays for ever, so it is worth a word
//! before. A guess by form alone: it finds what is written as its kind is written.

use super::super::json::Value;
use super::pointer::Pointer;

/// Places that are named at most.
const MOST: usize = 20;

/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 64 << 10;

/// Beginnings of tokens, with how many characters of a token follow at least.
const TOKENS: [(&str, usize, &str); 14] = [
    ("AKIA", 16, "an access key of AWS"),
    ("ASIA", 16, "an access key of AWS"),
    ("ghp_", 30, "a token of GitHub"),
    ("gho_", 30, "a token of GitHub"),
    ("ghs_", 30, "a token of GitHub"),
    ("github_pat_", 30, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("sk_live_", 16, "a key of Stripe"),
    ("sk-", 32, "a key of an API"),
    ("AIza", 35, "a key of Google"),
    ("npm_", 30, "a token of npm"),
    ("SG.", 40, "a key of SendGrid"),
];

/// What a value looks like, with its place, in the order of the payload.
#[must_use]
pub fn likely_secrets(payload: &Value) -> Vec<(Pointer, &'static str)> {
    let mut found = Vec::new();
    walk(payload, &Pointer::ROOT, &mut found);
    found
}

fn walk(value: &Value, at: &Pointer, found: &mut Vec<(Pointer, &'static str)>) {
    if found.len() >= MOST {
        return;
    }
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter() {
                walk(value, &at.child(name), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, &at.child(&index.to_string()), found);
            }
        }
        Value::String(text) => found.extend(looks_like(text).map(|what| (at.clone(), what))),
        Value::Number(number) => {
            let text = number.to_string();
            let card = text.bytes().all(|byte| byte.is_ascii_digit()) && is_card(&text);
            found.extend(card.then(|| (at.clone(), CARD)));
        }
        _ => {}
    }
}

const CARD: &str = "the number of a payment card";

fn looks_like(text: &str) -> Option<&'static str> {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end)?;
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '=' | '&');
    for word in text.split(is_end) {
        let token = |(begin, least, _): &&(&str, usize, &str)| {
            let rest = word.strip_prefix(begin);
            rest.is_some_and(|rest| rest.len() >= *least && rest.bytes().all(is_of_token))
        };
        if let Some((_, _, what)) = TOKENS.iter().find(token) {
            return Some(what);
        }
        if is_jwt(word) {
            return Some("a signed token (JWT)");
        }
    }
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let card = digits.bytes().all(|byte| byte.is_ascii_digit()) && is_card(&digits);
    card.then_some(CARD)
}

const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Three parts in base64url, of which the first two are JSON objects.
fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let object = |part: &&str| part.starts_with("eyJ") && part.len() > 10;
    parts.len() == 3
        && parts.iter().take(2).all(object)
        && parts.iter().all(|part| part.bytes().all(is_of_token))
}

/// 13 to 19 digits of which the last is the check digit (ISO/IEC 7812), beginning as
/// cards do.
fn is_card(digits: &str) -> bool {
    if !(13..=19).contains(&digits.len()) || !digits.starts_with(['2', '3', '4', '5', '6']) {
        return false;
    }
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match at % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::ledger::parse::parse;

    #[test]
    fn secrets_are_found_by_their_form_and_ordinary_values_are_not() {
        let pem = "-----BEGIN PRIVATE KEY-----\\nMC4C";
        let jwt = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";
        for (value, found) in [
            (format!("\"{pem}\""), Some("a private key")),
            (format!("\"{jwt}\""), Some("a signed token (JWT)")),
            (
                "\"key=AKIAIOSFODNN7EXAMPLE\"".into(),
                Some("an access key of AWS"),
            ),
            (
                format!("\"ghp_{}\"", "a1".repeat(18)),
                Some("a token of GitHub"),
            ),
            ("\"4111 1111 1111 1111\"".into(), Some(CARD)),
            ("4111111111111111".into(), Some(CARD)),
            ("4111111111111112".into(), None),
            ("1764499200000000".into(), None),
            ("\"AKIA\"".into(), None),
            ("\"a private key is kept elsewhere\"".into(), None),
            ("\"sk-short\"".into(), None),
            (format!("\"{}\"", "ab".repeat(32)), None),
        ] {
            let payload = parse(format!("{{\"a\":[{value}]}}").as_bytes()).unwrap();
            let said = likely_secrets(&payload);
            let expected = found.map(|what| (Pointer::parse("/a/0").unwrap(), what));
            assert_eq!(said, expected.into_iter().collect::<Vec<_>>(), "{value}");
        }
    }
}
