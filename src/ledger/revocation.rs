//! Revocations: a book ends at a position, whatever its key signs beyond.
//!
//! `{"revoke":{"genesis","hash","log","reason","seq"},"key","signature"}`, signed
//! by one of two: the key whose SHA-256 the book's entry 0 recorded as
//! `recovery_key_sha256`, or the successor that the book's closing entry names.
//! The book's own key cannot revoke: it is the one that is not trusted any more.
//! A revocation only ever takes trust away, so that a stolen key gains nothing by
//! closing a book in favour of its thief.
//!
//! The file is that line, and where a successor signed it a second one,
//! `{"closing":{entry}}` with the entry as in a logbook: who verifies a fork from
//! before that entry sees from it that the successor may.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::closing::Closing;
use super::entry::Entry;
use super::envelope::{Envelope, Purpose};
use super::hash::Hash;
use super::json::{Form, Value};
use super::key::{PublicKey, SignError, Signer};
use super::kind;
use super::parse::{self, ParseError};
use super::position::Seq;
use super::shape;
use super::statement::{StatementError, content_of};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    pub log: PublicKey,
    /// The log's entry 0.
    pub genesis: Hash,
    pub seq: Seq,
    pub hash: Hash,
    pub reason: String,
}

/// A revocation with the key that signed it. Whether that key may is judged with
/// the book.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedRevocation {
    pub content: Revocation,
    pub envelope: Envelope,
    /// The entry that closed the book in favour of the key that revokes.
    pub closing: Option<Box<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum RevocationFileError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error("it is not a revocation, or its signature is wrong")]
    Other,
}

const CLOSING: &[u8] = b"{\"closing\":";

impl Revocation {
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedRevocation, SignError> {
        let envelope = Envelope::sign(Purpose::Revoke, shape::write_object(&self), signer)?;
        Ok(SignedRevocation {
            content: self,
            envelope,
            closing: None,
        })
    }
}

impl SignedRevocation {
    pub fn from_value(value: &Value) -> Result<SignedRevocation, StatementError> {
        let envelope = Envelope::from_value(Purpose::Revoke, value)?;
        let content = content_of(&envelope)?;
        Ok(SignedRevocation {
            content,
            envelope,
            closing: None,
        })
    }

    /// Reads a file with one and, in a second line, the entry that closed the
    /// book.
    ///
    /// # Errors
    /// [`RevocationFileError`] if it is none, or the signature not that of the key
    /// that it names.
    pub fn from_file(bytes: &[u8]) -> Result<SignedRevocation, RevocationFileError> {
        let lines: Vec<&[u8]> = bytes
            .trim_ascii_end()
            .split(|byte| *byte == b'\n')
            .collect();
        let read = match lines.as_slice() {
            [statement, closing] if closing.starts_with(CLOSING) => {
                let entry = closing
                    .strip_prefix(CLOSING)
                    .and_then(|rest| rest.strip_suffix(b"}"));
                let entry = Entry::from_logbook_line(entry.unwrap_or_default());
                SignedRevocation {
                    closing: Some(Box::new(entry.map_err(|_| RevocationFileError::Other)?)),
                    ..SignedRevocation::alone(statement)?
                }
            }
            _ => SignedRevocation::alone(bytes)?,
        };
        let granted = read.closing.is_none() || read.successor() == Some(read.envelope.key);
        match granted && read.verify() {
            true => Ok(read),
            false => Err(RevocationFileError::Other),
        }
    }

    fn alone(bytes: &[u8]) -> Result<SignedRevocation, RevocationFileError> {
        let value = parse::parse(bytes)?;
        SignedRevocation::from_value(&value).map_err(|_| RevocationFileError::Other)
    }

    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = self.to_value().canonical(Form::Utf8).into_bytes();
        bytes.push(b'\n');
        if let Some(closing) = &self.closing {
            bytes.extend_from_slice(CLOSING);
            closing.write_json(None, &mut bytes);
            bytes.extend_from_slice(b"}\n");
        }
        bytes
    }

    /// The key in favour of which the log's own signature closed the book, as
    /// far as the revocation shows it.
    pub fn successor(&self) -> Option<PublicKey> {
        let entry = self.closing.as_deref()?;
        let signed = self
            .content
            .log
            .verify(entry.signing_payload(), &entry.signature());
        if !signed || entry.kind() != kind::CLOSE {
            return None;
        }
        let closing = Closing::from_object(&entry.check_payload().ok()?).ok()?;
        Some(closing.successor)
    }

    pub fn to_value(&self) -> Value {
        self.envelope.to_value()
    }

    pub fn verify(&self) -> bool {
        self.envelope.verify()
    }
}
