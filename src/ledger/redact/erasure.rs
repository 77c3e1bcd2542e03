//! What an entry `sealbook:erasure` says: which openings were erased, why, and by whom.
//! `{"_actor":…,"erased":[{"commitment":HEX,"pointer":…,"seq":N},…],"reason":TEXT}`.
//! It stands for ever, with pointers and reason: neither may say what was erased.

use serde::{Deserialize, Serialize};

use super::super::hash::Hash;
use super::super::json::{Object, Value};
use super::super::position::Seq;
use super::super::shape::{self, MemberError};
use super::pointer::Pointer;

/// Places that one entry names at most.
pub const MOST: usize = 1_000;

/// The payload of a `sealbook:erasure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    #[serde(rename = "_actor", default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Value>,
    pub erased: Vec<ErasedMember>,
    pub reason: String,
}

/// A redacted member whose opening was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedMember {
    pub commitment: Hash,
    pub pointer: Pointer,
    pub seq: Seq,
}

impl Erasure {
    /// # Errors
    /// [`MemberError`].
    pub fn from_object(object: &Object) -> Result<Erasure, MemberError> {
        shape::read_object(object, "payload")
    }

    /// The inverse of [`Erasure::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
