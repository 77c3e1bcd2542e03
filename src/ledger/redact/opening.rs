//! What proves which value a commitment stands for.

use std::fmt;

use zeroize::Zeroizing;

use super::super::hash::Hash;
use super::super::json::{Form, Value};
use super::super::parse;
use super::pointer::Pointer;

/// What every commitment begins with.
const DOMAIN: &[u8] = b"sealbook:redact:v1\x1f";

/// 32 random bytes, without which a guess cannot be tried.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(Zeroizing<[u8; Salt::BYTES]>);

impl Salt {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    #[must_use]
    pub fn from_bytes(bytes: [u8; Salt::BYTES]) -> Salt {
        Salt(Zeroizing::new(bytes))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Salt::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// What proves which value a commitment stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    pub pointer: Pointer,
    pub salt: Salt,
    pub value: Value,
}

impl fmt::Debug for Opening {
    /// Neither salt nor value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({})", self.pointer)
    }
}

impl Opening {
    /// What stands in the payload for it, in the log of this genesis.
    #[must_use]
    pub fn commitment(&self, genesis: &Hash) -> Hash {
        let value = Zeroizing::new(self.value.canonical(Form::Utf8).into_bytes());
        commitment(genesis, &self.pointer, &self.salt, &value)
    }

    /// As it is kept: the salt, the length of the pointer, pointer, canonical value.
    #[must_use]
    pub fn to_row(&self) -> Vec<u8> {
        let pointer = self.pointer.as_str().as_bytes();
        let mut row = self.salt.as_bytes().to_vec();
        row.extend((pointer.len() as u32).to_be_bytes());
        row.extend(pointer);
        row.extend(self.value.canonical(Form::Utf8).into_bytes());
        row
    }

    /// The inverse of [`Opening::to_row`].
    #[must_use]
    pub fn from_row(row: &[u8]) -> Option<Opening> {
        let (salt, rest) = row.split_first_chunk::<{ Salt::BYTES }>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (pointer, value) = rest.split_at_checked(length)?;
        Some(Opening {
            pointer: Pointer::parse(str::from_utf8(pointer).ok()?).ok()?,
            salt: Salt::from_bytes(*salt),
            value: parse::parse(value).ok()?,
        })
    }
}

/// The commitment to a canonical value at a place of a log.
fn commitment(genesis: &Hash, pointer: &Pointer, salt: &Salt, value: &[u8]) -> Hash {
    let pointer = pointer.as_str().as_bytes();
    // A pointer has less than 2^32 bytes: see `Pointer::parse`.
    let length = (pointer.len() as u32).to_be_bytes();
    Hash::of_parts(&[
        DOMAIN,
        genesis.as_bytes(),
        &length,
        pointer,
        salt.as_bytes(),
        value,
    ])
}
