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
//! key and signature: it saves work, and nobody vouches for it. Of a ledger's own
//! logbook it says `"ledger_rules":true` besides.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::hash::Hash;
use super::json::{Object, Value};
use super::key::{PublicKey, SignError, Signature, Signer};
use super::opening::FormatVersion;
use super::shape::{self, MemberError, MemberProblem};
use super::time::Timestamp;

/// More than any file system keeps in one file.
const MOST_BYTES: u64 = 1 << 62;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    pub format: FormatVersion,
    pub log: PublicKey,
    pub genesis: Option<Hash>,
    pub n: u64,
    /// The hash of the last of them; zeros if there is none.
    pub head: Hash,
    pub last_ts: Option<Timestamp>,
    pub lines: u64,
    /// How many bytes of the file.
    pub bytes: u64,
    /// The hash of those bytes.
    pub hash: Hash,
    pub signatures: bool,
    /// Whether it was judged as a ledger's own logbook. States of before say
    /// nothing of it, and so that it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ledger_rules: bool,
}

/// The envelope of a state that nobody signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnsignedState {
    state: Checkpoint,
    key: Option<PublicKey>,
    signature: Option<Signature>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SavedState {
    pub checkpoint: Checkpoint,
    pub signed_by: Option<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("state: {0}")]
    Member(#[from] MemberError),
    #[error("its signature is wrong")]
    Signature,
}

impl Checkpoint {
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }

    /// The envelope of it, signed if there is a signer.
    pub fn save(&self, signer: Option<&dyn Signer>) -> Result<Value, SignError> {
        let Some(signer) = signer else {
            let (state, key, signature) = (self.clone(), None, None);
            return Ok(shape::write(&UnsignedState {
                state,
                key,
                signature,
            }));
        };
        Ok(Envelope::sign(Purpose::State, self.to_object(), signer)?.to_value())
    }

    /// The inverse of [`Checkpoint::save`]. The signature is checked; whether
    /// its key is to be believed is the caller's to say.
    pub fn restore(value: &Value) -> Result<SavedState, StateError> {
        let unsigned = ["key", "signature"]
            .iter()
            .all(|name| value.get(name).is_some_and(Value::is_null));
        if unsigned {
            let saved: UnsignedState = shape::read(value, "")?;
            return Ok(SavedState {
                checkpoint: saved.state.counted()?,
                signed_by: None,
            });
        }
        let envelope = Envelope::from_value(Purpose::State, value)?;
        if !envelope.verify() {
            return Err(StateError::Signature);
        }
        Ok(SavedState {
            checkpoint: shape::read_object::<Checkpoint>(&envelope.object, "")?.counted()?,
            signed_by: Some(envelope.key),
        })
    }

    /// Itself, if its counts are such as a file can have: entries have lines, and
    /// lines have bytes. Others would be counted on with.
    fn counted(self) -> Result<Checkpoint, MemberError> {
        let counts = [
            ("bytes", self.bytes, MOST_BYTES),
            ("lines", self.lines, self.bytes),
            ("n", self.n, self.lines),
        ];
        match counts.into_iter().find(|(_, count, most)| count > most) {
            Some((name, ..)) => Err(MemberError::from(MemberProblem::OutOfRange).inside(name)),
            None => Ok(self),
        }
    }
}
