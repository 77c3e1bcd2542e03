//! What a log says of itself under its signature: epoch headers and heads.
//!
//! Both are [`Envelope`]s. [`Statement::from_value`] reads one and judges
//! nothing; whether to believe it, [`Statement::verify`] says. The writer's way
//! is [`Statement::sign`].

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::json::Value;
use super::key::{PublicKey, SignError, Signer};
use super::shape::{self, MemberError};

pub trait Content: Serialize + DeserializeOwned {
    /// The purpose that its signature names.
    const PURPOSE: Purpose;

    /// The log key that the object names.
    fn log(&self) -> PublicKey;

    /// What no member alone shows.
    ///
    /// # Errors
    /// [`MemberError`] names the member at fault.
    fn check(&self) -> Result<(), MemberError> {
        Ok(())
    }
}

/// A header or head with its signature, read but **not judged**: report it,
/// compare it, believe nothing of it before [`Statement::verify`] said yes.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<T> {
    pub content: T,
    /// The bytes and the signature.
    pub envelope: Envelope,
}

/// Why a value is not a statement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("{purpose}.{error}")]
    Content {
        purpose: Purpose,
        error: MemberError,
    },
}

impl<T: Content> Statement<T> {
    pub fn sign(content: T, signer: &dyn Signer) -> Result<Statement<T>, SignError> {
        let envelope = Envelope::sign(T::PURPOSE, shape::write_object(&content), signer)?;
        Ok(Statement { content, envelope })
    }

    /// Reads a statement, without judging its signature.
    pub fn from_value(value: &Value) -> Result<Statement<T>, StatementError> {
        let envelope = Envelope::from_value(T::PURPOSE, value)?;
        let content: T = content_of(&envelope)?;
        content.check().map_err(|error| StatementError::Content {
            purpose: envelope.purpose,
            error,
        })?;
        Ok(Statement { content, envelope })
    }

    /// The inverse of [`Statement::from_value`].
    pub fn to_value(&self) -> Value {
        self.envelope.to_value()
    }

    /// Whether the log that the content names signed it.
    pub fn verify(&self) -> bool {
        self.envelope.key == self.content.log() && self.envelope.verify()
    }
}

/// The content of an envelope, as its purpose wants it.
pub(super) fn content_of<T: DeserializeOwned>(envelope: &Envelope) -> Result<T, StatementError> {
    shape::read_object(&envelope.object, "").map_err(|error| StatementError::Content {
        purpose: envelope.purpose,
        error,
    })
}
