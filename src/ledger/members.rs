//! Reads the members of an object by name and type, and lets none go unread.
//!
//! A member that a format does not know is an error: nobody would look at it,
//! and in a signed or hashed document nobody may slip something in.

use super::json::{Object, Value};
use super::time::{TimeError, Timestamp};

/// A member that is not as its format wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(at))]
pub struct MemberError {
    /// The path to it, such as `payload.nonce`; empty for the document itself.
    pub at: String,
    /// What is wrong.
    pub problem: MemberProblem,
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberProblem {
    /// It is required and absent.
    #[error("missing")]
    Missing,
    /// The format has no such member.
    #[error("unknown member")]
    Unknown,
    /// It is of another JSON type.
    #[error("not {expected}")]
    WrongType {
        /// The type that it should have, with its article.
        expected: &'static str,
    },
    /// It is an integer, but not one that this member can hold.
    #[error("out of range")]
    OutOfRange,
    /// It is not exactly so many lower-case hex digits.
    #[error("not {digits} lower-case hex digits")]
    BadHex {
        /// How many.
        digits: usize,
    },
    /// It is no timestamp, or not in canonical form.
    #[error(transparent)]
    BadTime(#[from] TimeError),
    /// It is none of the values that this member can have.
    #[error("not {expected}")]
    BadValue {
        /// What it should be.
        expected: &'static str,
    },
}

fn prefix(at: &str) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{at}: ")
    }
}

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
                    expected: "an object",
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
        expected: "a string",
    })
}

fn as_bool(value: &Value) -> Result<bool, MemberProblem> {
    value.as_bool().ok_or(MemberProblem::WrongType {
        expected: "a boolean",
    })
}

fn as_array(value: &Value) -> Result<&[Value], MemberProblem> {
    value.as_array().ok_or(MemberProblem::WrongType {
        expected: "an array",
    })
}

fn as_object(value: &Value) -> Result<&Object, MemberProblem> {
    value.as_object().ok_or(MemberProblem::WrongType {
        expected: "an object",
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
            expected: "an integer",
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
