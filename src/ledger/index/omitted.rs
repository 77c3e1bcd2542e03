//! Entries that have the term of a selection, and that the rest of its filter leaves out.

use serde::{Deserialize, Serialize};

use super::super::hash::Hash;
use super::super::json::{Form, Object, Value};
use super::super::position::{EpochNumber, Seq};
use super::super::shape::{self, MemberError};

/// The line `{"omitted":{…}}` of a bundle, in the place of the entry: the index counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Omitted {
    /// Its epoch.
    pub epoch: EpochNumber,
    /// Its leaf in the tree of the epoch.
    pub leaf: Hash,
    /// Its sequence number.
    pub seq: Seq,
}

impl Omitted {
    /// The line, without its newline.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let line: Object = [("omitted", shape::write(self))].into_iter().collect();
        Value::Object(line).canonical(Form::Utf8).into_bytes()
    }

    /// Reads the value of a line.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_value(value: &Value) -> Result<Omitted, MemberError> {
        let members = shape::members(value)?;
        shape::only(members, &["omitted"])?;
        shape::member(members, "omitted")
    }
}
