//! Where a verification of a logbook file stands, so that a later one goes on
//! from there.
//!
//! The `state` envelope (SPEC §1.4) holds the object of [`Checkpoint::to_object`]:
//! ```text
//! {"state":{"bytes":…,"format":1,"genesis":…,"hash":…,"head":…,"last_ts":…,
//!           "lines":…,"log":…,"n":…,"signatures":true},"key":…,"signature":…}
//! ```
//! `bytes` and `hash` are of the decompressed file up to the end of the last
//! line that was verified: count and BLAKE2b-256. An unsigned one has null for
//! key and signature: it saves work, and nobody vouches for it.

use thiserror::Error;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::hash::Hash;
use super::json::{Object, Value};
use super::key::{PublicKey, SignError, Signer};
use super::members::{MemberError, MemberProblem, Members};
use super::opening::FORMAT;
use super::time::Timestamp;

/// A prefix of a file that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Under whose key.
    pub log: PublicKey,
    /// The hash of the first entry.
    pub genesis: Option<Hash>,
    /// How many entries.
    pub n: u64,
    /// The hash of the last of them; zeros if there is none.
    pub head: Hash,
    /// The time of the last of them.
    pub last_ts: Option<Timestamp>,
    /// How many lines, blank ones included.
    pub lines: u64,
    /// How many bytes of the file.
    pub bytes: u64,
    /// The hash of those bytes.
    pub hash: Hash,
    /// Whether signatures were checked.
    pub signatures: bool,
}

/// A saved checkpoint, and whose signature stands under it.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    /// What was saved.
    pub checkpoint: Checkpoint,
    /// Who signed it; `None` if nobody did.
    pub signed_by: Option<PublicKey>,
}

/// Why a value is no saved state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// Not an envelope of a state.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The state is not what one is.
    #[error("state: {0}")]
    Member(#[from] MemberError),
    /// The signature is not the key's that it names.
    #[error("its signature is wrong")]
    Signature,
}

impl Checkpoint {
    /// What is saved.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("format", FORMAT);
        object.insert("log", self.log.to_string());
        object.insert("genesis", self.genesis.map(|hash| hash.to_string()));
        object.insert("n", self.n);
        object.insert("head", self.head.to_string());
        object.insert("last_ts", self.last_ts.map(|ts| ts.to_string()));
        object.insert("lines", self.lines);
        object.insert("bytes", self.bytes);
        object.insert("hash", self.hash.to_string());
        object.insert("signatures", self.signatures);
        object
    }

    fn from_object(object: &Object) -> Result<Checkpoint, MemberError> {
        let mut members = Members::of_object(object, "");
        if members.u64("format")? != FORMAT {
            return Err(members.error("format", MemberProblem::OutOfRange));
        }
        let checkpoint = Checkpoint {
            log: PublicKey::from_bytes(members.hex("log")?),
            genesis: members.opt_hex("genesis")?.map(Hash::from_bytes),
            n: members.u64("n")?,
            head: Hash::from_bytes(members.hex("head")?),
            last_ts: members.opt_timestamp("last_ts")?,
            lines: members.u64("lines")?,
            bytes: members.u64("bytes")?,
            hash: Hash::from_bytes(members.hex("hash")?),
            signatures: members.bool("signatures")?,
        };
        members.finish()?;
        Ok(checkpoint)
    }

    /// The envelope of it, signed if there is a signer.
    ///
    /// # Errors
    /// Whatever the signer answers.
    pub fn save(&self, signer: Option<&dyn Signer>) -> Result<Value, SignError> {
        let Some(signer) = signer else {
            let mut object = Object::new();
            object.insert(Purpose::State.name(), self.to_object());
            object.insert("key", Value::Null);
            object.insert("signature", Value::Null);
            return Ok(Value::Object(object));
        };
        Ok(Envelope::sign(Purpose::State, self.to_object(), signer)?.to_value())
    }

    /// The inverse of [`Checkpoint::save`]. The signature is checked; whether
    /// its key is to be believed is the caller's to say.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn restore(value: &Value) -> Result<SavedState, StateError> {
        let unsigned = ["key", "signature"]
            .iter()
            .all(|name| value.get(name).is_some_and(Value::is_null));
        if unsigned {
            let mut members = Members::of(value, "")?;
            let state = members.object(Purpose::State.name())?;
            let checkpoint = Checkpoint::from_object(state)?;
            members.required("key")?;
            members.required("signature")?;
            members.finish()?;
            return Ok(SavedState {
                checkpoint,
                signed_by: None,
            });
        }
        let envelope = Envelope::from_value(Purpose::State, value)?;
        if !envelope.verify() {
            return Err(StateError::Signature);
        }
        Ok(SavedState {
            checkpoint: Checkpoint::from_object(&envelope.object)?,
            signed_by: Some(envelope.key),
        })
    }
}
