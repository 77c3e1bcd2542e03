//! From a value to a shape.
//!
//! Everything is judged by its JSON type before serde's visitor sees it, so that
//! a refusal has the same words whatever the type is: an integer is never a
//! float nor the other way round, and `null` is nothing only to an `Option`.

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer, U64Deserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::super::json::{Number, Object, Value};
use super::{MemberError, MemberProblem};

#[derive(Clone, Copy, Debug)]
pub(super) enum ShapeReader<'v> {
    Value(&'v Value),
    Object(&'v Object),
}

impl<'v> ShapeReader<'v> {
    pub(super) fn object(self) -> Result<&'v Object, MemberError> {
        match self {
            ShapeReader::Object(object) | ShapeReader::Value(Value::Object(object)) => Ok(object),
            ShapeReader::Value(_) => Err(not("an object")),
        }
    }

    fn array(self) -> Result<&'v [Value], MemberError> {
        self.value()
            .and_then(Value::as_array)
            .ok_or_else(|| not("an array"))
    }

    fn text(self) -> Result<&'v str, MemberError> {
        self.value()
            .and_then(Value::as_str)
            .ok_or_else(|| not("a string"))
    }

    fn integer(self) -> Result<&'v Number, MemberError> {
        let number = self.value().and_then(Value::as_number);
        number
            .filter(|number| !number.is_float())
            .ok_or_else(|| not("an integer"))
    }

    fn value(self) -> Option<&'v Value> {
        match self {
            ShapeReader::Value(value) => Some(value),
            ShapeReader::Object(_) => None,
        }
    }
}

fn text_of(text: &str) -> BorrowedStrDeserializer<'_, MemberError> {
    BorrowedStrDeserializer::new(text)
}

fn not(expected: &'static str) -> MemberError {
    MemberProblem::WrongType {
        expected: expected.into(),
    }
    .into()
}

/// An integer of any width; the visitor says which it takes.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
            let number = self.integer()?;
            match (number.as_u64(), number.as_i64()) {
                (Some(integer), _) => visitor.visit_u64(integer),
                (None, Some(integer)) => visitor.visit_i64(integer),
                (None, None) => Err(MemberProblem::OutOfRange.into()),
            }
        }
    )*};
}

/// What is read as something else is.
macro_rules! same {
    ($($method:ident as $other:ident)*) => {$(
        fn $method<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
            self.$other(visitor)
        }
    )*};
}

impl<'v> Deserializer<'v> for ShapeReader<'v> {
    type Error = MemberError;

    fn deserialize_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        let ShapeReader::Value(value) = self else {
            return self.deserialize_map(visitor);
        };
        match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
            Value::Number(number) if number.is_float() => self.deserialize_f64(visitor),
            Value::Number(number) => match number.digits_beyond() {
                None => self.deserialize_u64(visitor),
                // JSON has no newtypes, so no document can pretend to be one.
                Some(digits) => visitor.visit_newtype_struct(text_of(digits)),
            },
        }
    }

    integers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
    }

    same! {
        deserialize_f32 as deserialize_f64
        deserialize_char as deserialize_str
        deserialize_string as deserialize_str
        deserialize_identifier as deserialize_str
        deserialize_bytes as deserialize_seq
        deserialize_byte_buf as deserialize_seq
    }

    fn deserialize_bool<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        let value = self.value().and_then(Value::as_bool);
        visitor.visit_bool(value.ok_or_else(|| not("a boolean"))?)
    }

    fn deserialize_f64<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        let value = self.value().and_then(Value::as_f64);
        visitor.visit_f64(value.ok_or_else(|| not("a number"))?)
    }

    fn deserialize_str<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        match self {
            ShapeReader::Value(Value::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        match self {
            ShapeReader::Value(Value::Null) => visitor.visit_unit(),
            _ => Err(not("null")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        let mut items = Items {
            items: self.array()?,
            next: 0,
        };
        let read = visitor.visit_seq(&mut items)?;
        match items.items.get(items.next) {
            Some(_) => Err(MemberProblem::OutOfRange.into()),
            None => Ok(read),
        }
    }

    fn deserialize_tuple<V: Visitor<'v>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        visitor.visit_map(TableShape {
            members: self.object()?.iter(),
            member: None,
        })
    }

    fn deserialize_struct<V: Visitor<'v>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        let mut fields = ShapeFields::of(self.object()?, names);
        let read = visitor.visit_map(&mut fields)?;
        fields.unknown.map_or(Ok(read), Err)
    }

    /// A word out of a list; the enumeration is named by what is expected.
    fn deserialize_enum<V: Visitor<'v>>(
        self,
        expected: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MemberError> {
        let word = self.text()?;
        if !words.contains(&word) {
            return Err(MemberProblem::BadValue {
                expected: expected.into(),
            }
            .into());
        }
        let word: StrDeserializer<'_, MemberError> = word.into_deserializer();
        visitor.visit_enum(word)
    }

    fn deserialize_ignored_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, MemberError> {
        visitor.visit_unit()
    }
}

/// The members of a shape in its own order, then those that it does not know.
struct ShapeFields<'v> {
    object: &'v Object,
    names: &'static [&'static str],
    next: usize,
    found: usize,
    member: Option<(&'v str, &'v Value)>,
    /// The refusal of an unknown member, told when none is missing.
    unknown: Option<MemberError>,
    /// How many members of the object were looked at for unknown ones.
    passed: usize,
}

impl<'v> ShapeFields<'v> {
    fn of(object: &'v Object, names: &'static [&'static str]) -> ShapeFields<'v> {
        ShapeFields {
            object,
            names,
            next: 0,
            found: 0,
            member: None,
            unknown: None,
            passed: 0,
        }
    }

    fn next_unknown(&mut self) -> Option<(&'v str, &'v Value)> {
        // Mostly there is none, and no name is looked for.
        if self.found == self.object.len() {
            return None;
        }
        let mut members = self.object.iter().skip(self.passed);
        members.find(|(name, _)| {
            self.passed += 1;
            !self.names.contains(name)
        })
    }
}

impl<'v> MapAccess<'v> for ShapeFields<'v> {
    type Error = MemberError;

    fn next_key_seed<K: DeserializeSeed<'v>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, MemberError> {
        while let Some(name) = self.names.get(self.next) {
            self.next += 1;
            self.member = self.object.get_member(name);
            if self.member.is_some() {
                self.found += 1;
                // By its number: no name is compared again.
                let index: U64Deserializer<MemberError> =
                    ((self.next - 1) as u64).into_deserializer();
                return seed.deserialize(index).map(Some);
            }
        }
        self.member = self.next_unknown();
        let Some((name, _)) = self.member else {
            return Ok(None);
        };
        match seed.deserialize(text_of(name)) {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                self.unknown = Some(error);
                Ok(None)
            }
        }
    }

    fn next_value_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, MemberError> {
        value_of(self.member.take(), seed)
    }
}

/// The members of an object whose names are data.
struct TableShape<'v, I> {
    members: I,
    member: Option<(&'v str, &'v Value)>,
}

impl<'v, I: ExactSizeIterator<Item = (&'v str, &'v Value)>> MapAccess<'v> for TableShape<'v, I> {
    type Error = MemberError;

    fn next_key_seed<K: DeserializeSeed<'v>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, MemberError> {
        self.member = self.members.next();
        let Some((name, _)) = self.member else {
            return Ok(None);
        };
        let key = seed.deserialize(text_of(name));
        key.map(Some).map_err(|error| error.inside(name))
    }

    fn next_value_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, MemberError> {
        value_of(self.member.take(), seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

fn value_of<'v, S: DeserializeSeed<'v>>(
    member: Option<(&'v str, &'v Value)>,
    seed: S,
) -> Result<S::Value, MemberError> {
    let (name, value) = member.ok_or_else(|| MemberError::custom("a member"))?;
    seed.deserialize(ShapeReader::Value(value))
        .map_err(|error| error.inside(name))
}

struct Items<'v> {
    items: &'v [Value],
    next: usize,
}

impl<'v> SeqAccess<'v> for Items<'v> {
    type Error = MemberError;

    fn next_element_seed<S: DeserializeSeed<'v>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, MemberError> {
        let index = self.next;
        let Some(item) = self.items.get(index) else {
            return Ok(None);
        };
        self.next += 1;
        let read = seed.deserialize(ShapeReader::Value(item));
        read.map(Some)
            .map_err(|error| error.inside(&format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}
