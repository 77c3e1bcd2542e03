//! The JSON value that everything hashed, signed or recorded is made of.
//!
//! It differs from `serde_json::Value` in what hashing needs: integers of any
//! size keep their digits, a float stays a float (`1.0` is not `1`), objects
//! are always in canonical key order, and there is exactly one text per value
//! and [`Form`]. Two values are equal if and only if their canonical bytes are.
//!
//! The strict reader is [`parse`](super::parse::parse). It bounds the nesting,
//! and everything here that walks a value recurses on that bound; code that
//! builds values itself keeps to it ([`Value::depth`]).

pub use super::canonical::{Form, write_number, write_str};
pub use super::number::Number;
pub use super::object::{Key, Object};

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    /// An integer of any size, or a finite double.
    Number(Number),
    String(String),
    Array(Vec<Value>),
    /// Members in canonical key order.
    Object(Object),
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// An integer that fits; a float is none, not even `1.0`.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// An integer that fits; a float is none, not even `1.0`.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// A float, or an integer rounded to the nearest finite double.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object().and_then(|object| object.get(key))
    }

    pub fn take_member(&mut self, key: &str) -> Option<Value> {
        match self {
            Self::Object(object) => object.remove(key),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Levels of nesting: 0 for a scalar, 1 for a container of scalars.
    ///
    /// A payload is level 1 wherever it is embedded, so its own limit is
    /// checked on the payload and not on the line around it.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(object) => 1 + object.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// Text from elsewhere within a sentence: in quotation marks, as JSON writes it.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<T>(pub T);

impl<T: AsRef<str>> std::fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::new();
        write_str(&mut text, self.0.as_ref(), Form::Utf8);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Number(integer.into())
    }
}

impl From<u64> for Value {
    fn from(integer: u64) -> Self {
        Self::Number(integer.into())
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What is read stands as it was, integers of any size with their digits.
impl<'v> Deserialize<'v> for Value {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'v> Visitor<'v> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::float(value).ok_or_else(|| E::custom("a finite number"))?;
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    /// The digits of an integer that serde has no type for.
    fn visit_newtype_struct<D: Deserializer<'v>>(self, digits: D) -> Result<Value, D::Error> {
        let number = Number::from_text(<&str>::deserialize(digits)?);
        Ok(number.ok_or_else(|| D::Error::custom("an integer"))?.into())
    }

    fn visit_seq<A: SeqAccess<'v>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'v>>(self, map: A) -> Result<Value, A::Error> {
        let map = serde::de::value::MapAccessDeserializer::new(map);
        Object::deserialize(map).map(Value::Object)
    }
}

/// So that a report can embed a value exactly: with `serde_json`, every number
/// keeps its canonical text.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => object.serialize(serializer),
        }
    }
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

    use super::super::parse::parse;
    use super::*;

    #[test]
    fn serde_keeps_every_number_exactly() {
        let text = br#"{"a":[1.0,-0.0,1e-05,1e+16,5e-324],"b":123456789012345678901234567890}"#;
        let value = parse(text).unwrap();
        assert_eq!(serde_json::to_vec(&value).unwrap(), text);
        let canonical = value.canonical(Form::Utf8);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(
            parse(pretty.as_bytes()).unwrap().canonical(Form::Utf8),
            canonical
        );
    }

    #[test]
    fn depth_counts_containers() {
        let cases: [(&[u8], usize); 5] = [
            (b"1", 0),
            (b"[]", 1),
            (b"{}", 1),
            (br#"[1,{"a":[]},[]]"#, 3),
            (br#"{"a":{"b":{"c":1}}}"#, 3),
        ];
        for (text, depth) in cases {
            assert_eq!(parse(text).unwrap().depth(), depth);
        }
    }

    #[test]
    fn accessors_answer_for_their_own_type_only() {
        let value = parse(br#"{"s":"x","b":true,"n":null,"i":-1,"f":1.0,"a":[2]}"#).unwrap();
        let get = |key| value.get(key).unwrap();
        assert_eq!(get("s").as_str(), Some("x"));
        assert_eq!(get("b").as_bool(), Some(true));
        assert!(get("n").is_null());
        assert_eq!((get("i").as_i64(), get("i").as_u64()), (Some(-1), None));
        assert_eq!((get("f").as_f64(), get("f").as_i64()), (Some(1.0), None));
        assert_eq!(get("a").as_array(), Some([Value::from(2_u64)].as_slice()));
        assert_eq!(value.get("absent"), None);
        assert_eq!(get("s").get("x"), None);
        assert_eq!(get("s").as_array(), None);
        assert_eq!(get("n").as_str(), None);
        assert_eq!(Value::from(None::<bool>), Value::Null);
        assert_eq!(Value::from(Some("x")), Value::from("x"));
    }
}
