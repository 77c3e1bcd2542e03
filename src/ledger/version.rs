//! Versions of what is taken out of a log: bundles, proofs and heads.
//!
//! The first line of such a file names its version as `format`, a head by itself.
//! From version 2 on it also names, as `uses`, what a reader must know beyond
//! that version. What a reader does not know it does not judge: that is
//! [`Unsupported`], and no verdict.

use serde::de::{Deserializer, Error, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::json::{Object, Value};

/// A version that is read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// As releases up to 0.1 write it.
    One,
    /// With the opening entry, and a closing record that says what it answers.
    #[default]
    Two,
}

/// What a file needs and this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is of {what}, which this version of sealbook does not know")]
pub struct Unsupported {
    pub what: String,
}

impl Version {
    /// The member `format`.
    pub const fn number(self) -> u64 {
        match self {
            Version::One => 1,
            Version::Two => 2,
        }
    }

    /// The version that a `format` names, if it is known.
    pub const fn of(number: u64) -> Option<Version> {
        match number {
            1 => Some(Version::One),
            2 => Some(Version::Two),
            _ => None,
        }
    }

    /// That of a signed object: the first, unless it says otherwise.
    pub(crate) fn of_object(object: &Object) -> Version {
        let format = object.get("format").and_then(Value::as_u64);
        format.and_then(Version::of).unwrap_or(Version::One)
    }
}

/// In `uses`: headers commit to an index, and terms are proven in it.
pub(crate) const USES_INDEX: &str = "terms";

/// In `uses`: openings of redacted members stand behind their entries.
pub(crate) const USES_OPENINGS: &str = "openings";

/// Refuses what names a version, or a use, that is not known.
pub(crate) fn known(object: &Object) -> Result<(), Unsupported> {
    let format = object.get("format").and_then(Value::as_u64);
    if let Some(format) = format.filter(|format| *format > Version::default().number()) {
        let what = format!("format {format}");
        return Err(Unsupported { what });
    }
    let uses = object.get("uses").filter(|_| format == Some(2));
    let uses = uses.and_then(Value::as_array).unwrap_or_default().iter();
    match uses
        .filter_map(Value::as_str)
        .find(|name| ![USES_INDEX, USES_OPENINGS].contains(name))
    {
        Some(name) => Err(Unsupported {
            what: format!("a kind that uses `{name}`"),
        }),
        None => Ok(()),
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

impl<'v> Deserialize<'v> for Version {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Version, D::Error> {
        let number = u64::deserialize(deserializer)?;
        let wrong = || D::Error::invalid_value(Unexpected::Unsigned(number), &"format 1 or 2");
        Version::of(number).ok_or_else(wrong)
    }
}
