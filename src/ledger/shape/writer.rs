//! From a shape to a value.

use std::fmt::Display;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::json::{Key, Number, Object, Value};
use super::NUMBER;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unwritable(String);

impl Error for Unwritable {
    fn custom<T: Display>(message: T) -> Unwritable {
        Unwritable(message.to_string())
    }
}

pub(super) fn value_of<T: Serialize + ?Sized>(shape: &T) -> Result<Value, Unwritable> {
    shape.serialize(ShapeWriter)
}

struct ShapeWriter;

impl Serializer for ShapeWriter {
    type Ok = Value;
    type Error = Unwritable;
    type SerializeSeq = ItemsWriter;
    type SerializeTuple = ItemsWriter;
    type SerializeTupleStruct = ItemsWriter;
    type SerializeTupleVariant = ItemsWriter;
    type SerializeMap = ShapeMembers;
    type SerializeStruct = ShapeMembers;
    type SerializeStructVariant = ShapeMembers;

    fn serialize_bool(self, value: bool) -> Result<Value, Unwritable> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Unwritable> {
        Ok(Value::from(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Unwritable> {
        Ok(Value::from(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Unwritable> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Unwritable> {
        let number = Number::float(value).map(Value::Number);
        number.ok_or_else(|| Unwritable::custom("JSON has no number for it"))
    }

    fn serialize_char(self, value: char) -> Result<Value, Unwritable> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Unwritable> {
        Ok(Value::from(value))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Unwritable> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Unwritable> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Unwritable> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Unwritable> {
        let value = value.serialize(self)?;
        if name != NUMBER {
            return Ok(value);
        }
        // A raw value of `serde_json`: a struct of one member, which is the text.
        let text = value
            .as_object()
            .and_then(|raw| raw.iter().next()?.1.as_str());
        let number = text.and_then(Number::from_text).map(Value::Number);
        number.ok_or_else(|| Unwritable::custom("not the text of a number"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Unwritable> {
        Ok(named(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ItemsWriter, Unwritable> {
        // A length is only a hint, and not ours.
        let items = Vec::with_capacity(len.unwrap_or(0).min(1_024));
        Ok(ItemsWriter {
            variant: None,
            items,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<ItemsWriter, Unwritable> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<ItemsWriter, Unwritable> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ItemsWriter, Unwritable> {
        Ok(ItemsWriter {
            variant: Some(variant),
            items: Vec::new(),
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<ShapeMembers, Unwritable> {
        let members = Vec::with_capacity(len.unwrap_or(0).min(1_024));
        Ok(ShapeMembers {
            variant: None,
            members,
            name: None,
        })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<ShapeMembers, Unwritable> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ShapeMembers, Unwritable> {
        let members = Vec::with_capacity(len);
        Ok(ShapeMembers {
            variant: Some(variant),
            members,
            name: None,
        })
    }
}

/// The value of a variant that holds something: an object of one member.
fn named(variant: &'static str, value: Value) -> Value {
    Value::Object([(variant, value)].into_iter().collect())
}

struct ItemsWriter {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

struct ShapeMembers {
    variant: Option<&'static str>,
    members: Vec<(Key, Value)>,
    name: Option<String>,
}

impl ItemsWriter {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.items.push(value.serialize(ShapeWriter)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, Unwritable> {
        let items = Value::Array(self.items);
        Ok(match self.variant {
            None => items,
            Some(variant) => named(variant, items),
        })
    }
}

impl ShapeMembers {
    fn put<T: Serialize + ?Sized>(&mut self, name: Key, value: &T) -> Result<(), Unwritable> {
        self.members.push((name, value.serialize(ShapeWriter)?));
        Ok(())
    }

    fn finish(self) -> Result<Value, Unwritable> {
        let members = Value::Object(Object::from_members(self.members));
        Ok(match self.variant {
            None => members,
            Some(variant) => named(variant, members),
        })
    }
}

/// The methods of serde's traits for one thing after another.
macro_rules! items {
    ($($trait:ident $method:ident)*) => {$(
        impl $trait for ItemsWriter {
            type Ok = Value;
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Unwritable> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// The same for members whose names the program knows.
macro_rules! members {
    ($($trait:ident)*) => {$(
        impl $trait for ShapeMembers {
            type Ok = Value;
            type Error = Unwritable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.put(Key::Borrowed(name), value)
            }

            fn end(self) -> Result<Value, Unwritable> {
                self.finish()
            }
        }
    )*};
}

members! { SerializeStruct SerializeStructVariant }

impl SerializeMap for ShapeMembers {
    type Ok = Value;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.name = Some(match key.serialize(ShapeWriter)? {
            Value::String(name) => name,
            Value::Number(number) => number.to_string(),
            _ => return Err(Unwritable::custom("not the name of a member")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let name = self.name.take();
        let name = name.ok_or_else(|| Unwritable::custom("a value without a name"))?;
        self.put(Key::Owned(name), value)
    }

    fn end(self) -> Result<Value, Unwritable> {
        self.finish()
    }
}
