//! What the entries of a log say of its public one.

use super::checkpoint::{CheckpointText, SignedCheckpoint};
use super::name::{LogName, LogNameError, Publishing};
use crate::ledger::entry::Entry;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::note::{Algorithm, SignatureFault, VerifierKey};
use crate::ledger::second_key::SecondKey;
use crate::ledger::shape::MemberError;
use crate::ledger::witnessed::Witnessed;

/// What one entry says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PublishStatement {
    /// `sealbook:publish`: the name.
    Name(Result<Publishing, MemberError>),
    /// `sealbook:key`: a second key.
    Key(Result<SecondKey, MemberError>),
    /// `sealbook:witnessed`: a checkpoint that the log itself signed.
    Checkpoint(Box<CheckpointText>),
}

impl PublishStatement {
    /// None for an entry of another kind, and for a checkpoint that the log did not sign,
    /// which says nothing.
    pub(crate) fn of<R: AsRef<[u8]>>(
        entry: &Entry<R>,
        log: Option<PublicKey>,
    ) -> Option<PublishStatement> {
        match entry.kind() {
            kind::PUBLISH => {
                let payload = entry.check_payload().ok()?;
                Some(PublishStatement::Name(Publishing::from_object(&payload)))
            }
            kind::KEY => {
                let payload = entry.check_payload().ok()?;
                Some(PublishStatement::Key(SecondKey::from_object(&payload)))
            }
            kind::WITNESSED => {
                let witnessed = Witnessed::from_object(&entry.check_payload().ok()?).ok()?;
                let kept = SignedCheckpoint::parse(witnessed.checkpoint.as_bytes()).ok()?;
                signed_by(log?, &kept).ok()?;
                Some(PublishStatement::Checkpoint(Box::new(
                    kept.content().clone(),
                )))
            }
            _ => None,
        }
    }
}

/// Why a checkpoint is not a log's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTheLogs {
    /// Its origin is not a name of a log.
    #[error("the origin `{origin}` is not a public name: {error}")]
    Name {
        /// What stands there.
        origin: String,
        /// Why it is none.
        error: LogNameError,
    },
    /// The log did not sign it under that name.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
}

/// Whether the log of this key signed a checkpoint, under the name that it has there.
///
/// # Errors
/// [`NotTheLogs`].
pub fn signed_by(log: PublicKey, checkpoint: &SignedCheckpoint) -> Result<VerifierKey, NotTheLogs> {
    let origin = &checkpoint.content().origin;
    let name: LogName = origin.parse().map_err(|error| NotTheLogs::Name {
        origin: origin.clone(),
        error,
    })?;
    let key = VerifierKey::new(name.as_key_name().clone(), Algorithm::Ed25519(log));
    key.verify(checkpoint.note())?;
    Ok(key)
}
