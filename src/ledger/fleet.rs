//! What a fleet log says of another log: where it stood in a bucket, and how far it was
//! verified there.
//!
//! An entry of kind `sealbook:fleet` has this payload:
//! ```text
//! {"checkpoint": "<note>" | null, "from": <epoch>, "header": <signed header>}
//! ```
//! `header` is the last one that the other log had sealed. All epochs from `from` on up to
//! it were verified under that log's key, and join to the header that the fleet log
//! recorded of it before; `from` is 0 where there was none. `checkpoint` is the newest
//! that the log kept with cosignatures by then. The key is the one that `header` names:
//! whose it is, and that the bucket held all that the log ever signed, is not claimed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::epoch::SignedEpoch;
use super::json::{Object, Value};
use super::note::{Algorithm, SignatureFault, VerifierKey};
use super::position::EpochNumber;
use super::shape::{self, MemberError};
use super::statement::{Statement, StatementError};
use super::tlog::checkpoint::{SignedCheckpoint, SignedCheckpointError};

/// The payload of `sealbook:fleet`.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetRecord {
    /// The newest checkpoint that the log kept with cosignatures.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The first epoch that was verified for this entry.
    pub from: EpochNumber,
    /// The last header that the log had sealed.
    pub header: SignedEpoch,
}

/// The members as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    checkpoint: Option<String>,
    from: EpochNumber,
    header: Value,
}

/// Why a payload is not a record of a log.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum FleetRecordError {
    /// A member is missing, or is no such thing.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// `header` is not a statement.
    #[error("header: {0}")]
    Header(#[from] StatementError),
    /// The log did not sign `header`.
    #[error("header: its signature is not that of the key that it names")]
    Signature,
    /// `from` comes after `header`.
    #[error("from: no epoch after the header was verified")]
    From,
    /// `checkpoint` is none.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] SignedCheckpointError),
    /// Nobody signs under the name of `checkpoint`.
    #[error("checkpoint: its first line is not a name of a key")]
    Name,
    /// The log did not sign `checkpoint`.
    #[error("checkpoint: {0}")]
    NotItsCheckpoint(#[from] SignatureFault),
    /// `checkpoint` holds more entries than `header` seals.
    #[error("checkpoint: it holds entries that the header does not seal")]
    Beyond,
}

impl FleetRecord {
    /// Reads a payload, and judges both statements under the key that the header names.
    ///
    /// # Errors
    /// [`FleetRecordError`].
    pub fn from_object(object: &Object) -> Result<FleetRecord, FleetRecordError> {
        let members: Members = shape::read_object(object, "payload")?;
        let header: SignedEpoch = Statement::from_value(&members.header)?;
        if !header.verify() {
            return Err(FleetRecordError::Signature);
        }
        if members.from > header.content.epoch {
            return Err(FleetRecordError::From);
        }
        let checkpoint = members.checkpoint.as_deref();
        let checkpoint = checkpoint.map(|note| kept_by(note, &header)).transpose()?;
        Ok(FleetRecord {
            checkpoint,
            from: members.from,
            header,
        })
    }

    /// The inverse of [`FleetRecord::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        shape::write_object(&Members {
            checkpoint: self.checkpoint.as_ref().map(ToString::to_string),
            from: self.from,
            header: self.header.to_value(),
        })
    }
}

/// The checkpoint of a note that the log of this header signed, and that holds no more
/// than what it seals.
///
/// # Errors
/// [`FleetRecordError`].
pub fn kept_by(note: &str, header: &SignedEpoch) -> Result<SignedCheckpoint, FleetRecordError> {
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())?;
    let content = checkpoint.content();
    let name = content.origin.parse();
    let name = name.map_err(|_| FleetRecordError::Name)?;
    let own = VerifierKey::new(name, Algorithm::Ed25519(header.content.log));
    own.verify(checkpoint.note())?;
    match content.size <= header.content.last_seq.0.saturating_add(1) {
        true => Ok(checkpoint),
        false => Err(FleetRecordError::Beyond),
    }
}
