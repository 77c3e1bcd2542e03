//! What an auditor says of a log: that the index under a header, and under all
//! before it, is that of the log's entries.
//!
//! `{"audit":{"epoch","genesis","header","log","seq"},"key","signature"}`, signed by the
//! auditor's own key over `sealbook:audit:v1`. Anyone who trusts that key need not have the
//! whole log to know that a selection is complete.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::envelope::{Envelope, Purpose};
use super::epoch::EpochHeader;
use super::hash::Hash;
use super::json::{Form, Value};
use super::key::{PublicKey, SignError, Signer};
use super::parse::{self, ParseError};
use super::position::{EpochNumber, Seq};
use super::shape;
use super::statement::{StatementError, content_of};

/// That the whole log up to a header was verified, its index included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audited {
    pub log: PublicKey,
    pub genesis: Hash,
    /// The last epoch that was verified.
    pub epoch: EpochNumber,
    /// [`EpochHeader::hash`] of its header.
    pub header: Hash,
    /// Its last entry.
    pub seq: Seq,
}

/// A statement with the key that signed it, not judged.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedAudit {
    pub content: Audited,
    pub envelope: Envelope,
}

/// Why a file has no such statement.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum AuditFileError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error("its signature is not that of the key that it names")]
    Signature,
}

impl Audited {
    /// What is said of the log up to a header.
    pub fn of(header: &EpochHeader) -> Audited {
        Audited {
            log: header.log,
            genesis: header.genesis,
            epoch: header.epoch,
            header: header.hash(),
            seq: header.last_seq,
        }
    }

    /// Signs it with the auditor's key.
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedAudit, SignError> {
        let envelope = Envelope::sign(Purpose::Audit, shape::write_object(&self), signer)?;
        Ok(SignedAudit {
            content: self,
            envelope,
        })
    }
}

impl SignedAudit {
    /// Reads a file of one, and judges its signature. Whose key it is remains to be
    /// judged.
    pub fn from_file(bytes: &[u8]) -> Result<SignedAudit, AuditFileError> {
        let value: Value = parse::parse(bytes.trim_ascii_end())?;
        let envelope = Envelope::from_value(Purpose::Audit, &value);
        let envelope = envelope.map_err(StatementError::from)?;
        let content = content_of(&envelope)?;
        match envelope.verify() {
            true => Ok(SignedAudit { content, envelope }),
            false => Err(AuditFileError::Signature),
        }
    }

    /// The file: one line.
    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = self.envelope.to_value().canonical(Form::Utf8).into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// Whether one of these keys says it of the log up to just this header.
    pub fn covers(&self, header: &EpochHeader, auditors: &[PublicKey]) -> bool {
        auditors.contains(&self.envelope.key)
            && self.content == Audited::of(header)
            && self.envelope.verify()
    }
}
