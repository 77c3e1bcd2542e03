//! The second key of a log: ML-DSA-44, under which its checkpoints may stand besides.
//!
//! Entries are signed with Ed25519, which a quantum computer would forge. A checkpoint ties
//! every entry before it, with its signature, into one tree; so one signature of the second
//! key under it protects them all, back to the first. Whose key it is, nobody knows but by
//! a verifier's policy: what an Ed25519 signature binds could be bound by a forger, too.
//!
//! The key is bound by entry 0 of a new log (`post_quantum`), or by an entry of kind
//! `sealbook:key`; the last one counts:
//! ```text
//! {"ml_dsa_44": "<1 312 bytes in hex>"}
//! ```
//!
//! Its file is PKCS#8 with the 32-byte seed (RFC 9881 §6), in PEM, as OpenSSL 3.5 reads
//! and writes it.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use pkcs8::SecretDocument;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::json::Object;
use super::note::{MlDsaKey, MlDsaSigner};
use super::shape::{self, MemberError};

/// PKCS#8 of an ML-DSA-44 private key that is its seed, up to the seed.
const BEFORE_SEED: [u8; 22] = [
    0x30, 0x34, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x03, 0x11, 0x04, 0x22, 0x80, 0x20,
];

const LABEL: &str = "PRIVATE KEY";

/// The payload of `sealbook:key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondKey {
    /// The key.
    pub ml_dsa_44: MlDsaKey,
}

/// Why a text is not a second key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecondKeyError {
    /// Not the seed of an ML-DSA-44 key.
    #[error("not the seed of an ML-DSA-44 private key in unencrypted PKCS#8 PEM")]
    NotAKey,
    /// It could not be written.
    #[error("the key could not be encoded")]
    Encode,
}

impl SecondKey {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_object(object: &Object) -> Result<SecondKey, MemberError> {
        shape::read_object(object, "payload")
    }

    /// The inverse of [`SecondKey::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}

/// The key as PKCS#8, not encrypted.
pub(crate) fn to_der(signer: &MlDsaSigner) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(BEFORE_SEED.len() + 32));
    der.extend_from_slice(&BEFORE_SEED);
    der.extend_from_slice(&**signer.seed());
    der
}

/// The inverse of [`to_der`].
pub(crate) fn from_der(der: &[u8]) -> Result<MlDsaSigner, SecondKeyError> {
    let seed = der.strip_prefix(&BEFORE_SEED);
    let seed: [u8; 32] = seed
        .and_then(|seed| seed.try_into().ok())
        .ok_or(SecondKeyError::NotAKey)?;
    MlDsaSigner::from_seed(&Zeroizing::new(seed)).ok_or(SecondKeyError::NotAKey)
}

/// The text of a key file.
///
/// # Errors
/// [`SecondKeyError::Encode`].
pub fn format_second_key(signer: &MlDsaSigner) -> Result<Zeroizing<String>, SecondKeyError> {
    let document = SecretDocument::try_from(to_der(signer).as_slice());
    let document = document.map_err(|_| SecondKeyError::Encode)?;
    document
        .to_pem(LABEL, LineEnding::LF)
        .map_err(|_| SecondKeyError::Encode)
}

/// Reads the text of a key file.
///
/// # Errors
/// [`SecondKeyError::NotAKey`], also for the expanded form, which is not taken.
pub fn parse_second_key(text: &str) -> Result<MlDsaSigner, SecondKeyError> {
    match SecretDocument::from_pem(text) {
        Ok((label, document)) if label == LABEL => from_der(document.as_bytes()),
        _ => Err(SecondKeyError::NotAKey),
    }
}
