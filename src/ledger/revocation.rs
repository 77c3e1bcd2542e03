//! Revocations: a book ends at a position, whatever its key signs beyond.
//!
//! `{"revoke":{"genesis","hash","log","reason","seq"},"key","signature"}`, signed
//! by one of two: the key whose SHA-256 the book's entry 0 recorded as
//! `recovery_key_sha256`, or the successor that the book's closing entry names.
//! The book's own key cannot revoke: it is the one that is not trusted any more.
//! A revocation only ever takes trust away, so that a stolen key gains nothing by
//! closing a book in favour of its thief.

use serde::{Deserialize, Serialize};

use super::closing::Closing;
use super::envelope::{Envelope, Purpose};
use super::fault::{At, Fault, FaultCode, Findings, WarningCode};
use super::hash::Hash;
use super::json::Value;
use super::key::{PublicKey, SignError, Signer};
use super::opening::Opening;
use super::position::Seq;
use super::sha256::Sha256Digest;
use super::shape;
use super::statement::{StatementError, content_of};

/// That entries of a log after a position are not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The log's key.
    pub log: PublicKey,
    /// The log's entry 0.
    pub genesis: Hash,
    /// The last entry that stands.
    pub seq: Seq,
    /// Its hash.
    pub hash: Hash,
    /// Why, for people.
    pub reason: String,
}

/// A revocation with the key that signed it. Whether that key may is judged with
/// the book.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedRevocation {
    /// What is revoked.
    pub content: Revocation,
    /// The bytes and the signature.
    pub envelope: Envelope,
}

impl Revocation {
    /// Signs it.
    ///
    /// # Errors
    /// Whatever the signer answers.
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedRevocation, SignError> {
        let envelope = Envelope::sign(Purpose::Revoke, shape::write_object(&self), signer)?;
        Ok(SignedRevocation {
            content: self,
            envelope,
        })
    }
}

impl SignedRevocation {
    /// Reads one, without judging it.
    ///
    /// # Errors
    /// [`StatementError`] names the member.
    pub fn from_value(value: &Value) -> Result<SignedRevocation, StatementError> {
        let envelope = Envelope::from_value(Purpose::Revoke, value)?;
        let content = content_of(&envelope)?;
        Ok(SignedRevocation { content, envelope })
    }

    /// The inverse of [`SignedRevocation::from_value`].
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.envelope.to_value()
    }

    /// Whether the signature is that of the key that it names.
    #[must_use]
    pub fn verify(&self) -> bool {
        self.envelope.verify()
    }

    fn may_end(&self, opening: Option<&Opening>, closing: Option<&Closing>) -> bool {
        let key = self.envelope.key;
        let digest = Sha256Digest::of(key.as_bytes());
        let recovery = opening.and_then(|opening| opening.recovery_key_sha256);
        let successor = closing.map(|closing| closing.successor);
        (recovery == Some(digest) || successor == Some(key)) && self.verify()
    }
}

/// What a walk sees of the positions that revocations name.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    seen: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    revocation: SignedRevocation,
    hash: Option<Hash>,
    /// Index and line of the first entry beyond.
    beyond: Option<(u64, Option<u64>)>,
}

impl Revoked {
    pub(crate) fn new(revocations: &[SignedRevocation]) -> Revoked {
        let seen = revocations.iter().map(|revocation| Seen {
            revocation: revocation.clone(),
            hash: None,
            beyond: None,
        });
        Revoked {
            seen: seen.collect(),
        }
    }

    pub(crate) fn entry(&mut self, seq: Seq, hash: Hash, index: u64, line: Option<u64>) {
        for seen in &mut self.seen {
            let end = seen.revocation.content.seq;
            if seq == end {
                seen.hash = Some(hash);
            } else if seq > end && seen.beyond.is_none() {
                seen.beyond = Some((index, line));
            }
        }
    }

    /// Judges them when the book has been walked.
    pub(crate) fn judge(
        &self,
        log: Option<PublicKey>,
        genesis: Option<Hash>,
        opening: Option<&Opening>,
        closing: Option<&Closing>,
        findings: &mut Findings,
    ) {
        for seen in &self.seen {
            let content = &seen.revocation.content;
            if log != Some(content.log) || genesis.is_some_and(|it| it != content.genesis) {
                continue;
            }
            if !seen.revocation.may_end(opening, closing) {
                let detail = format!(
                    "a revocation signed by {} has no effect: that is neither the recovery key \
                     of this book nor its successor's",
                    seen.revocation.envelope.key
                );
                findings.warning(WarningCode::RevocationIgnored, detail);
                continue;
            }
            if let Some(found) = seen.hash.filter(|hash| *hash != content.hash) {
                let detail = "the entry that a revocation names as the last is another one here";
                let fault = Fault::of_file(FaultCode::HeadNotContained, detail);
                let fault = fault.with_seq(Some(content.seq.0));
                findings.fault(fault.compared(content.hash, found));
            }
            if let Some((index, line)) = seen.beyond {
                let detail = format!(
                    "this entry and all after it are revoked: the book ends at entry {}",
                    content.seq
                );
                let fault = Fault::at(FaultCode::UntrustedKey, At::Entry, index, detail);
                findings.fault(fault.on_line(line));
            } else {
                let detail = format!("the book was ended at entry {}", content.seq);
                findings.warning(WarningCode::Revoked, detail);
            }
        }
    }
}
