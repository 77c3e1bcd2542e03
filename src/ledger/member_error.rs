//! Why a member was refused, and where it stands.

use std::borrow::Cow;
use std::fmt::Display;

use serde::de::{Error, Expected, Unexpected};

use super::hexadecimal;
use super::time::{self, TimeError, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", prefix(at))]
pub struct MemberError {
    /// The path to it, such as `payload.nonce`; empty for the document itself.
    pub at: String,
    pub problem: MemberProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberProblem {
    #[error("missing")]
    Missing,
    #[error("unknown member")]
    Unknown,
    #[error("not {expected}")]
    WrongType { expected: Cow<'static, str> },
    #[error("out of range")]
    OutOfRange,
    #[error("not {digits} lower-case hex digits")]
    BadHex { digits: usize },
    #[error(transparent)]
    BadTime(#[from] TimeError),
    #[error("not {expected}")]
    BadValue { expected: Cow<'static, str> },
}

impl MemberError {
    /// The same of a member, in the thing whose name this is: `name.at`, or
    /// `name[0]` where what is wrong is an item.
    pub fn inside(mut self, name: &str) -> MemberError {
        let dot = match self.at.as_bytes() {
            [] | [b'[', ..] => "",
            _ if name.is_empty() => "",
            _ => ".",
        };
        self.at.insert_str(0, dot);
        self.at.insert_str(0, name);
        self
    }
}

impl From<MemberProblem> for MemberError {
    fn from(problem: MemberProblem) -> MemberError {
        MemberError {
            at: String::new(),
            problem,
        }
    }
}

/// What serde's visitors say, as the problem that it is.
impl Error for MemberError {
    /// `message` says what was expected.
    fn custom<T: Display>(message: T) -> MemberError {
        let expected = message.to_string();
        MemberProblem::BadValue {
            expected: expected.into(),
        }
        .into()
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> MemberError {
        let expected = expected.to_string();
        MemberProblem::WrongType {
            expected: expected.into(),
        }
        .into()
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> MemberError {
        let expected = expected.to_string();
        let problem = match unexpected {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => MemberProblem::OutOfRange,
            Unexpected::Str(text) if expected == time::EXPECTED => {
                match Timestamp::parse_canonical(text) {
                    Err(error) => error.into(),
                    Ok(_) => TimeError::NotCanonical.into(),
                }
            }
            _ => match hexadecimal::expected_digits(&expected) {
                Some(digits) => MemberProblem::BadHex { digits },
                None => MemberProblem::BadValue {
                    expected: expected.into(),
                },
            },
        };
        problem.into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> MemberError {
        MemberError::custom(expected)
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> MemberError {
        MemberError::custom(format_args!("one of {}", words.join(", ")))
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> MemberError {
        MemberError::from(MemberProblem::Unknown).inside(name)
    }

    fn missing_field(name: &'static str) -> MemberError {
        MemberError::from(MemberProblem::Missing).inside(name)
    }
}

fn prefix(at: &str) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!("{at}: ")
    }
}
