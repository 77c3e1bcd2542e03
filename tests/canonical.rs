//! Canonical JSON against the reference vectors, against itself, and against
//! `serde_json` as a second implementation.

// A test that panics is a test that fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use proptest::prelude::*;
use sealbook::ledger::json::{Form, Number, Object, Value};
use sealbook::ledger::parse::{ParseError, parse};
use sealbook::ledger::time::Timestamp;

const FORMS: [Form; 3] = [Form::Utf8, Form::Ascii, Form::SpacedAscii];

#[test]
fn every_vector_has_its_canonical_payload_and_time() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/vectors/entries.jsonl"
    );
    let cases = fs::read_to_string(path).unwrap();
    for line in cases.lines() {
        let case = parse(line.as_bytes()).unwrap();
        let text = |name| case.get(name).and_then(Value::as_str).unwrap();
        let expect = |name| {
            case.get("expect")
                .and_then(|e| e.get(name)?.as_str())
                .unwrap()
        };
        let payload = parse(text("payload_json").as_bytes()).unwrap();
        assert_eq!(
            payload.canonical(Form::Utf8),
            expect("canonical_payload"),
            "{}",
            text("id")
        );
        let time = Timestamp::parse(text("ts")).unwrap();
        assert_eq!(time.to_string(), expect("ts_utc"), "{}", text("id"));
    }
    assert_eq!(cases.lines().count(), 120);
}

/// Any value, with a bias to what is hard: integers around 64 bits, floats of
/// any bit pattern, strings of any character.
fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<u64>().prop_filter_map("finite", |bits| {
            Number::float(f64::from_bits(bits)).map(Value::from)
        }),
        "-?[1-9][0-9]{0,60}".prop_map(|digits| parse(digits.as_bytes()).unwrap()),
        any::<String>().prop_map(Value::from),
        "[\\x00-\\x7f]{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 64, 6, |inner| {
        let members = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            members.prop_map(|m| Value::from(m.into_iter().collect::<Object>())),
        ]
    })
}

/// JSON text, its bytes changed here and there.
fn damaged_texts() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"{}[]\",:\\u0-+.eE1ntf \n".to_vec())
    ];
    let edit = (any::<prop::sample::Index>(), byte, 0..3_u8);
    (values(), 0..3_usize, prop::collection::vec(edit, 0..4)).prop_map(|(value, form, edits)| {
        let mut text = value.canonical(FORMS[form]).into_bytes();
        for (index, byte, kind) in edits {
            let at = index.index(text.len() + 1);
            match kind {
                0 => text.insert(at, byte),
                1 if at < text.len() => text[at] = byte,
                _ => drop(text.drain(at..text.len().min(at + 1))),
            }
        }
        text
    })
}

/// The same value in the second implementation; none if it holds a number
/// that it cannot hold.
fn translate(value: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Other;
    Some(match value {
        Other::Null => Value::Null,
        Other::Bool(value) => Value::from(*value),
        Other::String(text) => Value::from(text.as_str()),
        Other::Array(items) => Value::Array(items.iter().map(translate).collect::<Option<_>>()?),
        Other::Object(members) => {
            let members = members
                .iter()
                .map(|(key, v)| Some((key.clone(), translate(v)?)));
            members
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .collect::<Object>()
                .into()
        }
        Other::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(integer), _, _) => Value::from(integer),
            (_, Some(integer), _) => Value::from(integer),
            (_, _, Some(float)) => Value::from(Number::float(float)?),
            _ => return None,
        },
    })
}

/// Whether the second implementation must lose something: it reads integers
/// beyond 64 bits, and `-0`, as floats.
fn has_lossy_integer(text: &str, value: &Value) -> bool {
    let beyond = |number: &Number| {
        !number.is_float() && number.as_i64().is_none() && number.as_u64().is_none()
    };
    match value {
        Value::Number(number) => {
            beyond(number) || (number.as_i64() == Some(0) && text.contains("-0"))
        }
        Value::Array(items) => items.iter().any(|item| has_lossy_integer(text, item)),
        Value::Object(object) => object.iter().any(|(_, item)| has_lossy_integer(text, item)),
        _ => false,
    }
}

/// Holds both readers to the same verdict and value, apart from the documented
/// differences.
fn agree(text: &[u8]) -> Result<(), TestCaseError> {
    let other = serde_json::from_slice::<serde_json::Value>(text);
    match (parse(text), other) {
        (Ok(value), Ok(other)) => {
            if !has_lossy_integer(&String::from_utf8_lossy(text), &value) {
                prop_assert_eq!(Some(value), translate(&other));
            }
        }
        // A big integer is a float to the other one, and may overflow it.
        (Ok(value), Err(error)) => {
            prop_assert!(error.to_string().starts_with("number out of range"));
            prop_assert!(has_lossy_integer("", &value));
        }
        // The other one lets the last of two equal keys win, and has no limit
        // on digits.
        (Err(ParseError::DuplicateKey { .. } | ParseError::TooManyDigits { .. }), Ok(_)) => {}
        (Err(error), Ok(_)) => prop_assert!(false, "only the strict reader refuses: {error}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_form_reads_back_to_the_same_value(value in values()) {
        for form in FORMS {
            let text = value.canonical(form);
            let again = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(&again, &value);
            prop_assert_eq!(again.canonical(form), text);
        }
        prop_assert_eq!(parse(value.pretty().as_bytes()).unwrap(), value);
    }

    #[test]
    fn ascii_forms_are_ascii_and_bytes_are_those_of_the_text(value in values()) {
        for form in FORMS {
            let text = value.canonical(form);
            prop_assert!(form == Form::Utf8 || text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            let mut bytes = Vec::new();
            value.write_canonical(form, &mut bytes);
            prop_assert_eq!(bytes, text.into_bytes());
        }
    }

    #[test]
    fn serde_embeds_a_value_exactly(value in values()) {
        let text = serde_json::to_vec(&value).unwrap();
        prop_assert_eq!(parse(&text).unwrap(), value);
    }

    #[test]
    fn both_readers_agree_on_documents(value in values()) {
        for form in FORMS {
            agree(value.canonical(form).as_bytes())?;
        }
    }

    #[test]
    fn both_readers_agree_on_damaged_documents(text in damaged_texts()) {
        agree(&text)?;
    }

    #[test]
    fn both_readers_agree_on_number_texts(text in "-?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][-+]?[0-9]{0,3})?") {
        agree(text.as_bytes())?;
    }

    #[test]
    fn both_readers_agree_on_string_texts(text in r#""([ a\\"/bfnrtuU0-9]|\\u[dD][89a-fA-F][0-9]{2}|\\[bfnrt/]|.)*""#) {
        agree(text.as_bytes())?;
    }

    #[test]
    fn every_finite_double_reads_back_to_its_bits(bits in any::<u64>()) {
        if let Some(number) = Number::float(f64::from_bits(bits)) {
            let text = number.to_string();
            let again = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(again.as_f64().map(f64::to_bits), Some(bits));
            prop_assert_eq!(again.canonical(Form::Utf8), text);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in any::<Vec<u8>>()) {
        agree(&text)?;
    }
}
