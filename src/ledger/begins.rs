//! The entry from which on the headers of a log commit to an index, where its entry 0
//! does not say so: the first of an epoch.

use serde::{Deserialize, Serialize};

use super::index::vrf::VrfKey;
use super::json::{Object, Value};
use super::shape::{self, MemberError, MemberProblem};
use super::version::{Unsupported, Version};

/// What a `sealbook:format` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begins {
    /// Version 2.
    pub format: Version,
    /// The key by which hidden terms are placed.
    pub index: VrfKey,
}

impl Begins {
    /// Of an index under this key.
    #[must_use]
    pub const fn under(index: VrfKey) -> Begins {
        Begins {
            format: Version::Two,
            index,
        }
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_object(object: &Object) -> Result<Begins, MemberError> {
        let begins: Begins = shape::read_object(object, "payload")?;
        match begins.format {
            Version::Two => Ok(begins),
            Version::One => Err(MemberError::from(MemberProblem::Unknown).inside("payload.format")),
        }
    }

    /// Refuses the payload of a version that is not known.
    pub(crate) fn known(object: &Object) -> Result<(), Unsupported> {
        let format = object.get("format").and_then(Value::as_u64);
        match format.filter(|format| *format > Version::default().number()) {
            Some(format) => Err(Unsupported {
                what: format!("a log that goes on in format {format}"),
            }),
            None => Ok(()),
        }
    }

    /// The inverse of [`Begins::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
