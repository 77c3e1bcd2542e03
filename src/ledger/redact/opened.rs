//! An opening as it stands in a bundle, in the line after its entry's:
//! `{"opened":{"pointer":…,"salt":HEX,"seq":N,"value":…}}`.

use serde::{Deserialize, Serialize};

use super::super::hash::Hash;
use super::super::hexadecimal;
use super::super::json::{Form, Value};
use super::super::position::Seq;
use super::super::shape::{self, MemberError};
use super::pointer::Pointer;
use super::{Opening, Salt};

/// An opening, and the entry that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub seq: Seq,
    pub opening: Opening,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    opened: Members,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    pointer: Pointer,
    salt: SaltText,
    seq: Seq,
    value: Value,
}

/// 64 lower-case hex digits.
struct SaltText([u8; Salt::BYTES]);

hexadecimal::hex_text!(SaltText);

impl Opened {
    /// The line, without its newline.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let opened = Members {
            pointer: self.opening.pointer.clone(),
            salt: SaltText(*self.opening.salt.as_bytes()),
            seq: self.seq,
            value: self.opening.value.clone(),
        };
        let line = shape::write(&Line { opened });
        line.canonical(Form::Utf8).into_bytes()
    }

    pub(crate) fn from_value(value: &Value) -> Result<Opened, MemberError> {
        let Line { opened } = shape::read(value, "")?;
        Ok(Opened {
            seq: opened.seq,
            opening: Opening {
                pointer: opened.pointer,
                salt: Salt::from_bytes(opened.salt.0),
                value: opened.value,
            },
        })
    }

    /// Whether it opens one of an entry's redacted members, in the log of this genesis.
    #[must_use]
    pub fn opens(&self, genesis: &Hash, redacted: &[(Pointer, Hash)]) -> bool {
        let here = redacted.iter().find(|(at, _)| *at == self.opening.pointer);
        here.is_some_and(|(_, commitment)| self.opening.commitment(genesis) == *commitment)
    }
}
