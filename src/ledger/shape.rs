//! The wire shapes: a type that derives serde's traits, a [`Value`], and nothing
//! written by hand between them.
//!
//! A type says its members once. [`read`] gives it from a value that the strict
//! reader has read, and its error names the member; [`write()`] gives the value
//! back, whose canonical text is what is hashed and signed. A member that the
//! type does not know is refused (`deny_unknown_fields`): nobody would look at
//! it, and in a signed document nobody may slip something in.
//!
//! `#[serde(flatten)]`, `untagged` and `tag` are not for types that are read
//! here: serde copies the members aside for them, and loses places, integers
//! beyond 64 bits and the difference between an integer and a float.

mod reader;
mod writer;

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::Serialize;

pub use super::member_error::{MemberError, MemberProblem};

use super::json::{Object, Value};
use reader::ShapeReader;

/// The name under which a [`Number`](super::json::Number) gives its text to the
/// writer of values; to any other serializer a newtype is what is in it.
pub(super) const NUMBER: &str = "sealbook::Number";

/// Reads `T`; `at` is the path that errors begin with, empty for a document.
///
/// # Errors
/// [`MemberError`] names the first member, in the order of `T`, that is wrong.
pub fn read<'v, T: Deserialize<'v>>(value: &'v Value, at: &str) -> Result<T, MemberError> {
    T::deserialize(ShapeReader::Value(value)).map_err(|error| error.inside(at))
}

pub fn read_object<'v, T: Deserialize<'v>>(object: &'v Object, at: &str) -> Result<T, MemberError> {
    T::deserialize(ShapeReader::Object(object)).map_err(|error| error.inside(at))
}

pub fn given<'v>(object: &'v Object, name: &str) -> Result<&'v Value, MemberError> {
    let missing = || MemberError::from(MemberProblem::Missing).inside(name);
    object.get(name).ok_or_else(missing)
}

/// One member of an object whose others are read otherwise; see [`only`].
pub fn member<'v, T: Deserialize<'v>>(object: &'v Object, name: &str) -> Result<T, MemberError> {
    read(given(object, name)?, name)
}

/// The same; none if it is absent or `null`.
pub fn member_or_none<'v, T: Deserialize<'v>>(
    object: &'v Object,
    name: &str,
) -> Result<Option<T>, MemberError> {
    object.get(name).map_or(Ok(None), |value| read(value, name))
}

/// The same of a member that is an object, to be taken from where it stands.
pub fn member_object<'v>(object: &'v Object, name: &str) -> Result<&'v Object, MemberError> {
    members(given(object, name)?).map_err(|error| error.inside(name))
}

/// The members of a value that must be an object.
pub fn members(value: &Value) -> Result<&Object, MemberError> {
    ShapeReader::Value(value).object()
}

/// Refuses the first member that is none of `names`.
pub fn only(object: &Object, names: &[&str]) -> Result<(), MemberError> {
    match object.keys().find(|key| !names.contains(key)) {
        Some(unknown) => Err(MemberError::from(MemberProblem::Unknown).inside(unknown)),
        None => Ok(()),
    }
}

/// The value of a shape.
///
/// No shape of this crate refuses to be written. Of one that does, the value is
/// `null`, which no reader takes for it.
pub fn write<T: Serialize + ?Sized>(shape: &T) -> Value {
    writer::value_of(shape).unwrap_or(Value::Null)
}

/// The value of a shape that is an object; empty if it is none.
pub fn write_object<T: Serialize + ?Sized>(shape: &T) -> Object {
    match write(shape) {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// Appends the canonical text of a shape that declares its members in canonical order
/// and has no floats but [`Number`](super::json::Number)s: in one go, where [`write()`]
/// makes a value of it first.
pub fn write_text<T: Serialize + ?Sized>(shape: &T, out: &mut Vec<u8>) {
    let before = out.len();
    // Writing to memory does not fail; what refuses to be written is `null`, as above.
    if serde_json::to_writer(&mut *out, shape).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

/// Reads a text that must be spelled as `parse` wants; `expected` says how, for
/// who misspells it.
pub fn read_text<'v, D: Deserializer<'v>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor { expected, parse })
}

/// Of a text that may be absent, `null` or empty, which all say that there is
/// none.
pub fn none_if_empty<'v, D: Deserializer<'v>, T: Deserialize<'v>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match Option::<&'v str>::deserialize(deserializer)? {
        None | Some("") => Ok(None),
        Some(text) => T::deserialize(BorrowedStrDeserializer::new(text)).map(Some),
    }
}

/// The type of a member that has one text only.
#[cfg(any(feature = "rego", feature = "files"))]
macro_rules! constant {
    ($name:ident, $text:expr, $expected:expr) => {
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        struct $name;

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($text)
            }
        }

        impl<'v> ::serde::Deserialize<'v> for $name {
            fn deserialize<D: ::serde::Deserializer<'v>>(
                deserializer: D,
            ) -> Result<$name, D::Error> {
                let parse = |text: &str| (text == $text).then_some($name);
                $crate::ledger::shape::read_text(deserializer, $expected, parse)
            }
        }
    };
}

#[cfg(any(feature = "rego", feature = "files"))]
pub(crate) use constant;

struct TextVisitor<F> {
    expected: &'static str,
    parse: F,
}

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for TextVisitor<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let expected = self.expected;
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &expected))
    }
}

/// Any object, which the reader of the shape takes from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyObject;

impl<'v> Deserialize<'v> for AnyObject {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<AnyObject, D::Error> {
        deserializer.deserialize_map(AnyObject)
    }
}

impl<'v> Visitor<'v> for AnyObject {
    type Value = AnyObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'v>>(self, mut members: A) -> Result<AnyObject, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

/// Of a member that may be absent or `null`: what its type has as its default.
pub fn or_default<'v, D: Deserializer<'v>, T: Deserialize<'v> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::super::hexadecimal;
    use super::super::json::{Form, Number};
    use super::super::parse::parse;
    use super::super::time::{TimeError, Timestamp};
    use super::*;

    fn value(text: &str) -> Value {
        parse(text.as_bytes()).expect(text)
    }

    fn fault<'v, T: Deserialize<'v> + fmt::Debug>(value: &'v Value) -> (String, MemberProblem) {
        let error = read::<T>(value, "payload").unwrap_err();
        (error.at, error.problem)
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Everything<'v> {
        #[serde(borrow)]
        text: &'v str,
        flag: bool,
        unsigned: u64,
        signed: i64,
        small: u8,
        float: f64,
        list: Vec<u64>,
        #[serde(with = "hexadecimal")]
        bytes: [u8; 2],
        time: Timestamp,
        inner: Inner,
        table: BTreeMap<String, bool>,
        word: Word,
        any: Value,
        nothing: Option<u64>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        first: String,
        second: Option<Vec<Inner>>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase", rename = "one of left, right")]
    enum Word {
        Left,
        Right,
    }

    const EVERYTHING: &str = r#"{"any":[null,1.0,-0.0,1e-05,123456789012345678901234567890,
        -18446744073709551616,{"$serde_json::private::RawValue":"1","b":[]}],"bytes":"00ff",
        "flag":true,"float":2.5,"inner":{"first":"x","second":[{"first":"y","second":null}]},
        "list":[0,18446744073709551615],"nothing":null,"signed":-9223372036854775808,"small":255,
        "table":{"a":true,"z":false},"text":"x","time":"2026-01-02T03:04:05+00:00",
        "unsigned":18446744073709551615,"word":"right"}"#;

    #[test]
    fn a_shape_is_read_and_written_as_the_same_value() {
        let value = value(EVERYTHING);
        let shape: Everything<'_> = read(&value, "").unwrap();
        assert_eq!((shape.text, shape.small), ("x", 255));
        assert_eq!(shape.word, Word::Right);
        assert_eq!(shape.any, value.get("any").unwrap().clone());
        assert_eq!(write(&shape), value);
        assert_eq!(write(&value), value);
        let object = value.as_object().unwrap();
        assert_eq!(read_object::<Object>(object, ""), Ok(object.clone()));
        assert_eq!(write_object(object), *object);
        // To a serializer of any other sort a number is its text too.
        let text = serde_json::to_string(&shape).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), value);
    }

    #[test]
    fn a_number_is_never_another_sort_of_number() {
        let numbers = value("[1,1.0,123456789012345678901234567890,null,\"1\"]");
        let [int, float, big, null, text] = numbers.as_array().unwrap() else {
            panic!("five of them");
        };
        let wrong = |expected: &'static str| {
            let expected = expected.into();
            ("payload".to_owned(), MemberProblem::WrongType { expected })
        };
        let beyond = ("payload".to_owned(), MemberProblem::OutOfRange);
        assert_eq!(fault::<u64>(float), wrong("an integer"));
        assert_eq!(fault::<i64>(big), beyond);
        assert_eq!(fault::<u64>(big), beyond);
        assert_eq!(fault::<f64>(text), wrong("a number"));
        assert_eq!(fault::<Number>(text), wrong("a number"));
        assert_eq!(fault::<u64>(null), wrong("an integer"));
        assert_eq!(read(int, ""), Ok(1.0));
        for number in [int, float, big] {
            assert_eq!(write(&read::<Number>(number, "").unwrap()), *number);
        }
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        let wrong = |expected: &'static str| MemberProblem::WrongType {
            expected: expected.into(),
        };
        let bad = |expected: &'static str| MemberProblem::BadValue {
            expected: expected.into(),
        };
        let hex = MemberProblem::BadHex { digits: 4 };
        let syntax = TimeError::Syntax {
            at: 0,
            expected: "a digit",
        };
        let cases = [
            ("text", "1", "text", wrong("a string")),
            ("text", "null", "text", wrong("a string")),
            ("flag", "1", "flag", wrong("a boolean")),
            ("unsigned", "-1", "unsigned", MemberProblem::OutOfRange),
            (
                "signed",
                "9223372036854775808",
                "signed",
                MemberProblem::OutOfRange,
            ),
            ("small", "256", "small", MemberProblem::OutOfRange),
            ("list", "{}", "list", wrong("an array")),
            ("list", "[0,true]", "list[1]", wrong("an integer")),
            ("bytes", r#""AAAA""#, "bytes", hex.clone()),
            ("bytes", r#""aaa""#, "bytes", hex.clone()),
            ("bytes", r#""aabbcc""#, "bytes", hex),
            ("bytes", "1", "bytes", wrong("a string")),
            (
                "time",
                r#""2026-01-02T03:04:05Z""#,
                "time",
                TimeError::NotCanonical.into(),
            ),
            ("time", r#""x""#, "time", syntax.into()),
            ("inner", "[]", "inner", wrong("an object")),
            ("inner", "{}", "inner.first", MemberProblem::Missing),
            (
                "inner",
                r#"{"first":"","second":[{"first":1}]}"#,
                "inner.second[0].first",
                wrong("a string"),
            ),
            ("table", r#"{"a":1}"#, "table.a", wrong("a boolean")),
            ("word", r#""up""#, "word", bad("one of left, right")),
            ("nothing", "true", "nothing", wrong("an integer")),
        ];
        for (name, text, at, problem) in cases {
            let mut whole = value(EVERYTHING);
            let Value::Object(object) = &mut whole else {
                panic!("an object");
            };
            object.insert(name, value(text));
            let expected = (format!("payload.{at}"), problem);
            assert_eq!(fault::<Everything<'_>>(&whole), expected, "{name}: {text}");
        }
    }

    #[test]
    fn a_missing_member_is_told_before_an_unknown_one() {
        let both = value(r#"{"a":1,"b":2}"#);
        let missing = ("payload.first".to_owned(), MemberProblem::Missing);
        assert_eq!(fault::<Inner>(&both), missing);
        let unknown = value(r#"{"first":"","a":1,"b":2}"#);
        let at = "payload.a".to_owned();
        assert_eq!(fault::<Inner>(&unknown), (at, MemberProblem::Unknown));
        let error = read::<Inner>(&unknown, "").unwrap_err();
        assert_eq!(error.to_string(), "a: unknown member");
    }

    #[test]
    fn only_an_object_has_members() {
        let error = read::<Inner>(&Value::Null, "").unwrap_err();
        assert_eq!(error.to_string(), "not an object");
        let error = members(&Value::Null).unwrap_err().inside("entry");
        assert_eq!(error.to_string(), "entry: not an object");
    }

    #[test]
    fn members_that_are_read_one_by_one_are_named_alike() {
        let value = value(r#"{"a":{"b":1},"c":2}"#);
        let object = members(&value).unwrap();
        assert_eq!(member::<u64>(object, "c"), Ok(2));
        assert_eq!(member_object(object, "a").map(Object::len), Ok(1));
        let error = member_object(object, "c").unwrap_err();
        assert_eq!(error.to_string(), "c: not an object");
        let error = member::<u64>(object, "d").unwrap_err();
        assert_eq!(error.to_string(), "d: missing");
        assert_eq!(only(object, &["c", "a"]), Ok(()));
        let error = only(object, &["a"]).unwrap_err();
        assert_eq!(error.to_string(), "c: unknown member");
    }

    #[test]
    fn what_json_cannot_say_is_written_as_nothing() {
        assert_eq!(write(&f64::NAN), Value::Null);
        let mut text = Vec::new();
        write_object(&[1]).write_canonical(Form::Utf8, &mut text);
        assert_eq!(text, b"{}");
    }
}
