//! Ed25519 keys and signatures, and the strict verdict.

use std::fmt;

use curve25519_dalek::Scalar;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::hexadecimal::{self, HexError};

/// 32 bytes that claim to be an Ed25519 public key.
///
/// Any 32 bytes may stand here, since files name keys that nobody can have; a
/// key that is not the canonical encoding of a point of large order verifies
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; PublicKey::BYTES]);

impl PublicKey {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Takes the 32 raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; PublicKey::BYTES]) -> PublicKey {
        PublicKey(bytes)
    }

    /// The 32 raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PublicKey::BYTES] {
        &self.0
    }

    /// Reads 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`HexError`] for another length or another character.
    pub fn from_hex(text: &str) -> Result<PublicKey, HexError> {
        hexadecimal::decode(text).map(PublicKey)
    }

    /// `sha256:` and the hex SHA-256 of the 32 raw bytes (SPEC §1.3).
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", hexadecimal::encode(&Sha256::digest(self.0)))
    }

    /// The strict verdict on one signature; for many under one key make a
    /// [`StrictVerifier`].
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        StrictVerifier::new(self).verify(message, signature)
    }
}

impl fmt::Display for PublicKey {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// 64 bytes that claim to be an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; Signature::BYTES]);

impl Signature {
    /// Length in bytes.
    pub const BYTES: usize = 64;

    /// Takes the 64 raw bytes, `R ‖ S`.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Signature::BYTES]) -> Signature {
        Signature(bytes)
    }

    /// The 64 raw bytes, `R ‖ S`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Signature::BYTES] {
        &self.0
    }

    /// Whether some key can have made it: `R` is a point and `S` is reduced.
    /// Half of all damaged signatures still look so.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&self.0);
        let s: Option<Scalar> = Scalar::from_canonical_bytes(*signature.s_bytes()).into();
        s.is_some() && VerifyingKey::from_bytes(signature.r_bytes()).is_ok()
    }

    /// Reads 128 lower-case hex digits.
    ///
    /// # Errors
    /// [`HexError`] for another length or another character.
    pub fn from_hex(text: &str) -> Result<Signature, HexError> {
        hexadecimal::decode(text).map(Signature)
    }
}

impl fmt::Display for Signature {
    /// 128 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// Judges signatures under one key, strictly (SPEC §1.3): canonical `S`, no
/// small-order or non-canonical `A` or `R`, cofactorless equation.
#[derive(Clone, Debug)]
pub struct StrictVerifier {
    /// `None` where the 32 bytes cannot be the key of any valid signature.
    key: Option<VerifyingKey>,
}

impl StrictVerifier {
    /// Prepares to judge signatures under `key`.
    #[must_use]
    pub fn new(key: &PublicKey) -> StrictVerifier {
        let decoded = VerifyingKey::from_bytes(key.as_bytes()).ok();
        // `verify_strict` refuses a small-order A, but hashes A's bytes as
        // given: only the encoding that decompression gives back is the key.
        let canonical = decoded.filter(|k| &k.to_edwards().compress().to_bytes() == key.as_bytes());
        StrictVerifier { key: canonical }
    }

    /// Whether `signature` is this key's on `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.key
            .as_ref()
            .is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// Why a signer gave no signature.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The device or service that holds the key refused or could not be asked.
    #[error("the signer did not sign")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Holds one private key and signs with it: software here, a faster library or
/// a hardware module elsewhere. Ed25519 is deterministic, so every signer of
/// one key gives the same bytes.
pub trait Signer: Send + Sync {
    /// The key that verifies what this signer signs.
    fn public_key(&self) -> PublicKey;

    /// Signs `message`.
    ///
    /// # Errors
    /// [`SignError`] where the key is held elsewhere and could not be used.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// A private key in memory; its bytes are wiped when it is dropped, and never
/// printed.
pub struct SoftwareSigner(SigningKey);

impl SoftwareSigner {
    /// The signer of a 32-byte seed (the private key of RFC 8032).
    #[must_use]
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> SoftwareSigner {
        SoftwareSigner(SigningKey::from_bytes(seed))
    }

    /// The seed, for writing the key file.
    pub(crate) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
}

impl Signer for SoftwareSigner {
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Signature(self.0.sign(message).to_bytes()))
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({})", self.public_key())
    }
}
