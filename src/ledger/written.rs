//! A value with its canonical text: written once, and repeated by many.

use std::ops::Deref;

use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::Form;
use super::shape;

/// A value that does not change, and its canonical text.
#[derive(Clone, Debug)]
pub struct Written<T> {
    value: T,
    text: Box<RawValue>,
}

impl<T: Serialize> Written<T> {
    pub fn new(value: T) -> Written<T> {
        let text = shape::write(&value).canonical(Form::Utf8);
        let text = RawValue::from_string(text);
        Written {
            value,
            // Canonical text is JSON.
            text: text.unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

impl<T: Serialize + Default> Default for Written<T> {
    fn default() -> Written<T> {
        Written::new(T::default())
    }
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Written<T> {
    fn eq(&self, other: &Written<T>) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Written<T> {}

/// As the text that was written, by a serializer of JSON.
impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}
