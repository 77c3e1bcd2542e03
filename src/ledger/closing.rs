//! The last entry of a book that another one continues.

use serde::{Deserialize, Serialize};

use super::json::Object;
use super::key::PublicKey;
use super::shape::{self, MemberError};

/// The payload of `sealbook:close`: `{"successor": hex}`. Nothing may follow the
/// entry that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    pub successor: PublicKey,
}

impl Closing {
    pub fn from_object(object: &Object) -> Result<Closing, MemberError> {
        shape::read_object(object, "payload")
    }

    /// The inverse of [`Closing::from_object`].
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
