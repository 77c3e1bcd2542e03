//! Reads the members of an object by name and type, and lets none go unread.
//!
//! A member that a format does not know is an error: nobody would look at it,
//! and in a signed or hashed document nobody may slip something in.

use super::json::{Object, Value};
use super::time::Timestamp;

pub use super::member_error::{MemberError, MemberProblem};

/// The members of one object, to be read once each and then [finished].
///
/// [finished]: Members::finish
#[derive(Debug)]
pub struct Members<'a> {
    object: &'a Object,
    at: String,
    /// Names that were asked for and are there.
    seen: Vec<&'a str>,
}

impl<'a> Members<'a> {
    /// The members of `value`, which must be an object; `at` is the path that
    /// errors begin with, empty for a document.
    pub fn of(value: &'a Value, at: &str) -> Result<Self, MemberError> {
        match value {
            Value::Object(object) => Ok(Self::of_object(object, at)),
            _ => Err(MemberError {
                at: at.to_owned(),
                problem: MemberProblem::WrongType {
                    expected: "an object".into(),
                },
            }),
        }
    }

    /// The members of `object`.
    pub fn of_object(object: &'a Object, at: &str) -> Self {
        Self {
            object,
            at: at.to_owned(),
            seen: Vec::new(),
        }
    }

    /// The names of all members, for an object whose keys are data.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.object.keys()
    }

    /// The member `name`; none if it is absent, `null` if it is that.
    pub fn optional(&mut self, name: &str) -> Option<&'a Value> {
        let (name, value) = self.object.get_member(name)?;
        self.seen.push(name);
        Some(value)
    }

    /// The member `name`.
    pub fn required(&mut self, name: &str) -> Result<&'a Value, MemberError> {
        self.optional(name)
            .ok_or_else(|| self.error(name, MemberProblem::Missing))
    }

    /// A string.
    pub fn str(&mut self, name: &str) -> Result<&'a str, MemberError> {
        self.read(name, as_str)
    }

    /// A string, `null` or nothing.
    pub fn opt_str(&mut self, name: &str) -> Result<Option<&'a str>, MemberError> {
        self.read_nullable(name, as_str)
    }

    /// A boolean.
    pub fn bool(&mut self, name: &str) -> Result<bool, MemberError> {
        self.read(name, as_bool)
    }

    /// A boolean, `null` or nothing.
    pub fn opt_bool(&mut self, name: &str) -> Result<Option<bool>, MemberError> {
        self.read_nullable(name, as_bool)
    }

    /// An integer from 0 to 2⁶⁴ − 1.
    pub fn u64(&mut self, name: &str) -> Result<u64, MemberError> {
        self.read(name, |value| as_integer(value, Value::as_u64))
    }

    /// An integer from 0 to 2⁶⁴ − 1, `null` or nothing.
    pub fn opt_u64(&mut self, name: &str) -> Result<Option<u64>, MemberError> {
        self.read_nullable(name, |value| as_integer(value, Value::as_u64))
    }

    /// An integer from −2⁶³ to 2⁶³ − 1.
    pub fn i64(&mut self, name: &str) -> Result<i64, MemberError> {
        self.read(name, |value| as_integer(value, Value::as_i64))
    }

    /// An integer from −2⁶³ to 2⁶³ − 1, `null` or nothing.
    pub fn opt_i64(&mut self, name: &str) -> Result<Option<i64>, MemberError> {
        self.read_nullable(name, |value| as_integer(value, Value::as_i64))
    }

    /// An array.
    pub fn array(&mut self, name: &str) -> Result<&'a [Value], MemberError> {
        self.read(name, as_array)
    }

    /// An array, `null` or nothing.
    pub fn opt_array(&mut self, name: &str) -> Result<Option<&'a [Value]>, MemberError> {
        self.read_nullable(name, as_array)
    }

    /// An object, whatever its members.
    pub fn object(&mut self, name: &str) -> Result<&'a Object, MemberError> {
        self.read(name, as_object)
    }

    /// An object, `null` or nothing.
    pub fn opt_object(&mut self, name: &str) -> Result<Option<&'a Object>, MemberError> {
        self.read_nullable(name, as_object)
    }

    /// An object, its members to be read in turn.
    pub fn nested(&mut self, name: &str) -> Result<Members<'a>, MemberError> {
        let object = self.object(name)?;
        Ok(Self::of_object(object, &self.path(name)))
    }

    /// An object, its members to be read in turn, `null` or nothing.
    pub fn opt_nested(&mut self, name: &str) -> Result<Option<Members<'a>>, MemberError> {
        let object = self.opt_object(name)?;
        Ok(object.map(|object| Self::of_object(object, &self.path(name))))
    }

    /// `N` bytes in exactly 2 `N` lower-case hex digits.
    pub fn hex<const N: usize>(&mut self, name: &str) -> Result<[u8; N], MemberError> {
        self.read(name, as_hex)
    }

    /// `N` bytes in exactly 2 `N` lower-case hex digits, `null` or nothing.
    pub fn opt_hex<const N: usize>(&mut self, name: &str) -> Result<Option<[u8; N]>, MemberError> {
        self.read_nullable(name, as_hex)
    }

    /// A timestamp in canonical form.
    pub fn timestamp(&mut self, name: &str) -> Result<Timestamp, MemberError> {
        self.read(name, as_timestamp)
    }

    /// A timestamp in canonical form, `null` or nothing.
    pub fn opt_timestamp(&mut self, name: &str) -> Result<Option<Timestamp>, MemberError> {
        self.read_nullable(name, as_timestamp)
    }

    /// Refuses the first member that was not asked for.
    pub fn finish(self) -> Result<(), MemberError> {
        match self.object.keys().find(|key| !self.seen.contains(key)) {
            Some(unknown) => Err(self.error(unknown, MemberProblem::Unknown)),
            None => Ok(()),
        }
    }

    /// The error that the member `name` has this `problem`, for what a caller
    /// checks itself.
    pub fn error(&self, name: &str, problem: MemberProblem) -> MemberError {
        MemberError {
            at: self.path(name),
            problem,
        }
    }

    /// The path to the member `name`.
    pub fn path(&self, name: &str) -> String {
        if self.at.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.at)
        }
    }

    fn read<T>(
        &mut self,
        name: &str,
        convert: impl FnOnce(&'a Value) -> Result<T, MemberProblem>,
    ) -> Result<T, MemberError> {
        let value = self.required(name)?;
        convert(value).map_err(|problem| self.error(name, problem))
    }

    fn read_nullable<T>(
        &mut self,
        name: &str,
        convert: impl FnOnce(&'a Value) -> Result<T, MemberProblem>,
    ) -> Result<Option<T>, MemberError> {
        match self.optional(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => convert(value).map(Some).map_err(|p| self.error(name, p)),
        }
    }
}

fn as_str(value: &Value) -> Result<&str, MemberProblem> {
    value.as_str().ok_or(MemberProblem::WrongType {
        expected: "a string".into(),
    })
}

fn as_bool(value: &Value) -> Result<bool, MemberProblem> {
    value.as_bool().ok_or(MemberProblem::WrongType {
        expected: "a boolean".into(),
    })
}

fn as_array(value: &Value) -> Result<&[Value], MemberProblem> {
    value.as_array().ok_or(MemberProblem::WrongType {
        expected: "an array".into(),
    })
}

fn as_object(value: &Value) -> Result<&Object, MemberProblem> {
    value.as_object().ok_or(MemberProblem::WrongType {
        expected: "an object".into(),
    })
}

fn as_integer<T>(
    value: &Value,
    convert: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, MemberProblem> {
    match value {
        Value::Number(number) if !number.is_float() => {
            convert(value).ok_or(MemberProblem::OutOfRange)
        }
        _ => Err(MemberProblem::WrongType {
            expected: "an integer".into(),
        }),
    }
}

fn as_hex<const N: usize>(value: &Value) -> Result<[u8; N], MemberProblem> {
    let text = as_str(value)?;
    let mut bytes = [0; N];
    // `hex` reads upper case too, which would be a second spelling.
    let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if !upper => Ok(bytes),
        _ => Err(MemberProblem::BadHex { digits: 2 * N }),
    }
}

fn as_timestamp(value: &Value) -> Result<Timestamp, MemberProblem> {
    Ok(Timestamp::parse_canonical(as_str(value)?)?)
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
    use super::super::time::TimeError;
    use super::*;

    fn value(text: &str) -> Value {
        parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn every_type_is_read_as_itself() {
        let text = r#"{"s":"x","b":true,"u":18446744073709551615,"i":-1,"a":[1],"o":{"x":1},
            "h":"00ff","t":"2026-01-02T03:04:05+00:00","n":{"m":"y"},"v":null}"#;
        let value = value(text);
        let mut members = Members::of(&value, "").unwrap();
        assert_eq!(members.str("s"), Ok("x"));
        assert_eq!(members.bool("b"), Ok(true));
        assert_eq!(members.u64("u"), Ok(u64::MAX));
        assert_eq!(members.i64("i"), Ok(-1));
        assert_eq!(members.array("a").map(<[Value]>::len), Ok(1));
        assert_eq!(members.object("o").map(Object::len), Ok(1));
        assert_eq!(members.hex("h"), Ok([0x00, 0xff]));
        let time = members.timestamp("t").unwrap();
        assert_eq!(time.to_string(), "2026-01-02T03:04:05+00:00");
        let mut nested = members.nested("n").unwrap();
        assert_eq!(nested.str("m"), Ok("y"));
        assert_eq!(nested.finish(), Ok(()));
        assert_eq!(members.required("v"), Ok(&Value::Null));
        assert_eq!(members.finish(), Ok(()));
    }

    #[test]
    fn null_and_absent_are_nothing_to_nullable_members_only() {
        let value = value(r#"{"n":null,"s":"x","h":"aa"}"#);
        let mut members = Members::of(&value, "").unwrap();
        for name in ["n", "absent"] {
            assert_eq!(members.opt_str(name), Ok(None));
            assert_eq!(members.opt_bool(name), Ok(None));
            assert_eq!(members.opt_u64(name), Ok(None));
            assert_eq!(members.opt_i64(name), Ok(None));
            assert_eq!(members.opt_array(name), Ok(None));
            assert_eq!(members.opt_object(name), Ok(None));
            assert!(members.opt_nested(name).unwrap().is_none());
            assert_eq!(members.opt_hex::<4>(name), Ok(None));
            assert_eq!(members.opt_timestamp(name), Ok(None));
        }
        assert_eq!(members.optional("n"), Some(&Value::Null));
        assert_eq!(members.optional("absent"), None);
        assert_eq!(members.opt_str("s"), Ok(Some("x")));
        assert_eq!(members.opt_hex("h"), Ok(Some([0xaa])));
        assert_eq!(members.finish(), Ok(()));
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        let value = value(
            r#"{"s":1,"u":-1,"f":1.0,"i":9223372036854775808,"up":"AA","odd":"a","long":"aabb",
            "t":"2026-01-02T03:04:05Z","bad":"x","n":null,"o":{"x":null}}"#,
        );
        let mut members = Members::of(&value, "payload").unwrap();
        let wrong = |expected: &'static str| MemberProblem::WrongType {
            expected: expected.into(),
        };
        let syntax = TimeError::Syntax {
            at: 0,
            expected: "a digit",
        };
        let hex = MemberProblem::BadHex { digits: 2 };
        let inner = members.nested("o").unwrap().str("x").map(drop);
        let cases = [
            (members.str("s").map(drop), "s", wrong("a string")),
            (members.opt_str("s").map(drop), "s", wrong("a string")),
            (members.bool("s").map(drop), "s", wrong("a boolean")),
            (members.array("s").map(drop), "s", wrong("an array")),
            (members.object("s").map(drop), "s", wrong("an object")),
            (members.str("n").map(drop), "n", wrong("a string")),
            (members.u64("n").map(drop), "n", wrong("an integer")),
            (members.u64("f").map(drop), "f", wrong("an integer")),
            (members.u64("u").map(drop), "u", MemberProblem::OutOfRange),
            (members.i64("i").map(drop), "i", MemberProblem::OutOfRange),
            (members.hex::<1>("up").map(drop), "up", hex.clone()),
            (members.hex::<1>("odd").map(drop), "odd", hex.clone()),
            (members.hex::<1>("long").map(drop), "long", hex),
            (members.hex::<1>("s").map(drop), "s", wrong("a string")),
            (
                members.timestamp("t").map(drop),
                "t",
                TimeError::NotCanonical.into(),
            ),
            (members.timestamp("bad").map(drop), "bad", syntax.into()),
            (
                members.required("gone").map(drop),
                "gone",
                MemberProblem::Missing,
            ),
            (inner, "o.x", wrong("a string")),
        ];
        for (result, name, problem) in cases {
            let at = format!("payload.{name}");
            assert_eq!(result, Err(MemberError { at, problem }));
        }
        assert_eq!(members.finish(), Ok(()));
    }

    #[test]
    fn a_member_that_nobody_asked_for_is_refused() {
        let value = value(r#"{"a":1,"b":2,"c":3}"#);
        let mut members = Members::of(&value, "").unwrap();
        members.required("c").unwrap();
        members.required("a").unwrap();
        let error = members.finish().unwrap_err();
        assert_eq!(
            (error.at.as_str(), &error.problem),
            ("b", &MemberProblem::Unknown)
        );
        assert_eq!(error.to_string(), "b: unknown member");
    }

    #[test]
    fn only_an_object_has_members() {
        let error = Members::of(&Value::Null, "").map(drop).unwrap_err();
        assert_eq!(error.to_string(), "not an object");
        let error = Members::of(&Value::Null, "entry").map(drop).unwrap_err();
        assert_eq!(error.to_string(), "entry: not an object");
    }
}
