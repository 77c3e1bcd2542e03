//! Entry 0: what a ledger says of itself before anything else.

use super::hash::Hash;
use super::hexadecimal;
use super::json::{Object, Value};
use super::key::PublicKey;
use super::members::{MemberError, MemberProblem, Members};
use super::position::Seq;

/// The version of the formats of SPEC §2 to §4 that this crate writes and reads.
pub const FORMAT: u64 = 1;

/// Where a book's predecessor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its key.
    pub log: PublicKey,
    /// Its last entry.
    pub seq: Seq,
    /// That entry's hash.
    pub hash: Hash,
}

/// The payload of `sealbook:open`. The hash of the entry that carries it is
/// the log's genesis; the nonce makes it differ between two logs of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The log's name, for people.
    pub origin: String,
    /// The log's key.
    pub log: PublicKey,
    /// 16 random bytes.
    pub nonce: [u8; 16],
    /// SHA-256 of the public recovery key, if there is one.
    pub recovery_key_sha256: Option<[u8; 32]>,
    /// The book that this one continues.
    pub predecessor: Option<Predecessor>,
}

impl Opening {
    /// Reads the payload of entry 0.
    ///
    /// # Errors
    /// [`MemberError`] names the member; another `format` is out of range.
    pub fn from_object(object: &Object) -> Result<Opening, MemberError> {
        let mut members = Members::of_object(object, "payload");
        let format = members.u64("format")?;
        if format != FORMAT {
            return Err(members.error("format", MemberProblem::OutOfRange));
        }
        let opening = Opening {
            origin: members.str("origin")?.to_owned(),
            log: PublicKey::from_bytes(members.hex("log")?),
            nonce: members.hex("nonce")?,
            recovery_key_sha256: match members.required("recovery_key_sha256")? {
                Value::Null => None,
                _ => members.opt_hex("recovery_key_sha256")?,
            },
            predecessor: match members.required("predecessor")? {
                Value::Null => None,
                value => Some(predecessor(value)?),
            },
        };
        members.finish()?;
        Ok(opening)
    }

    /// The inverse of [`Opening::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("format", FORMAT);
        object.insert("origin", self.origin.as_str());
        object.insert("log", self.log.to_string());
        object.insert("nonce", hexadecimal::encode(&self.nonce));
        object.insert(
            "recovery_key_sha256",
            self.recovery_key_sha256
                .map(|hash| hexadecimal::encode(&hash)),
        );
        object.insert(
            "predecessor",
            self.predecessor.as_ref().map(|before| {
                let mut object = Object::new();
                object.insert("log", before.log.to_string());
                object.insert("seq", before.seq.0);
                object.insert("hash", before.hash.to_string());
                object
            }),
        );
        object
    }
}

fn predecessor(value: &Value) -> Result<Predecessor, MemberError> {
    let mut members = Members::of(value, "payload.predecessor")?;
    let before = Predecessor {
        log: PublicKey::from_bytes(members.hex("log")?),
        seq: Seq(members.u64("seq")?),
        hash: Hash::from_bytes(members.hex("hash")?),
    };
    members.finish()?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_says_everything_even_what_it_has_not() {
        let opening = Opening {
            origin: "a".to_owned(),
            log: PublicKey::from_bytes([3; 32]),
            nonce: [9; 16],
            recovery_key_sha256: None,
            predecessor: None,
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
