//! Entry 0: what a ledger says of itself before anything else.

use serde::de::{Deserializer, Error, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::hash::Hash;
use super::hexadecimal;
use super::index::vrf::VrfKey;
use super::json::{Object, Value};
use super::key::PublicKey;
use super::note::MlDsaKey;
use super::position::Seq;
use super::sha256::Sha256Digest;
use super::shape::{self, MemberError, MemberProblem};
use super::version::{Unsupported, Version};

/// The version of the formats of SPEC §2 to §4 that this crate writes and reads.
pub const FORMAT: u64 = 1;

/// The member `format` of a document: [`FORMAT`], and no other is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatVersion;

impl Serialize for FormatVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(FORMAT)
    }
}

impl<'v> Deserialize<'v> for FormatVersion {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<FormatVersion, D::Error> {
        match u64::deserialize(deserializer)? {
            FORMAT => Ok(FormatVersion),
            other => Err(D::Error::invalid_value(
                Unexpected::Unsigned(other),
                &"format 1",
            )),
        }
    }
}

/// Where a book's predecessor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    pub log: PublicKey,
    pub seq: Seq,
    pub hash: Hash,
}

/// The payload of `sealbook:open`. The hash of the entry that carries it is
/// the log's genesis; the nonce makes it differ between two logs of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The version of the formats: 2 where there is an `index` or a second key.
    pub format: Version,
    pub origin: String,
    pub log: PublicKey,
    /// 16 random bytes.
    #[serde(with = "hexadecimal")]
    pub nonce: [u8; 16],
    /// SHA-256 of the public recovery key, if there is one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub recovery_key_sha256: Option<Sha256Digest>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub predecessor: Option<Predecessor>,
    /// The key by which hidden terms are placed in the [`index`](super::index) that
    /// every header of the log commits to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<VrfKey>,
    /// The [second key](super::second_key), under which checkpoints may stand besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_quantum: Option<MlDsaKey>,
}

impl Opening {
    /// Reads the payload of entry 0.
    ///
    /// # Errors
    /// [`MemberError`] names the member; another `format` is out of range.
    pub fn from_object(object: &Object) -> Result<Opening, MemberError> {
        let opening: Opening = shape::read_object(object, "payload")?;
        let (index, second) = (object.get("index"), object.get("post_quantum"));
        let is_null = |member: Option<&Value>| member.is_some_and(Value::is_null);
        let (name, problem) = match (opening.format, index, second) {
            (Version::One, None, None) => return Ok(opening),
            (Version::One, None, Some(_)) => ("payload.post_quantum", MemberProblem::Unknown),
            (Version::One, Some(_), _) => ("payload.index", MemberProblem::Unknown),
            (Version::Two, ..) if is_null(second) => {
                ("payload.post_quantum", MemberProblem::Missing)
            }
            (Version::Two, Some(_), _) if !is_null(index) => return Ok(opening),
            (Version::Two, None, Some(_)) => return Ok(opening),
            (Version::Two, ..) => ("payload.index", MemberProblem::Missing),
        };
        Err(MemberError::from(problem).inside(name))
    }

    /// Refuses the payload of a version that is not known.
    pub(crate) fn known(object: &Object) -> Result<(), Unsupported> {
        let format = object.get("format").and_then(Value::as_u64);
        match format.filter(|format| *format > FORMAT) {
            Some(format) => Err(Unsupported {
                what: format!("a log of format {format}"),
            }),
            None => Ok(()),
        }
    }

    /// The inverse of [`Opening::from_object`].
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::MemberProblem;
    use super::*;

    #[test]
    fn an_opening_says_everything_even_what_it_has_not() {
        let opening = Opening {
            format: Version::One,
            origin: "a".to_owned(),
            log: PublicKey::from_bytes([3; 32]),
            nonce: [9; 16],
            recovery_key_sha256: None,
            predecessor: None,
            index: None,
            post_quantum: None,
        };
        let object = opening.to_object();
        assert_eq!(Opening::from_object(&object), Ok(opening));
        for name in object.keys() {
            let mut lacking = Object::new();
            for (other, value) in object.iter().filter(|(other, _)| *other != name) {
                lacking.insert(other.to_owned(), value.clone());
            }
            let error = Opening::from_object(&lacking).err();
            let missing = error.map(|error| (error.at, error.problem));
            let expected = (format!("payload.{name}"), MemberProblem::Missing);
            assert_eq!(missing, Some(expected));
        }
    }
}
