//! Ed25519 keys and signatures; who makes them, and who judges them.

use std::fmt;

use curve25519_dalek::Scalar;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};

use super::hexadecimal::{self, HexError, hex_text};

#[cfg(feature = "fast-verify")]
mod kept;
mod signer;
mod strict;
#[cfg(feature = "fast-verify")]
mod tables;

pub use signer::{Engine, SignError, Signer, SoftwareSigner};
pub use strict::StrictVerifier;

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

    pub const fn from_bytes(bytes: [u8; PublicKey::BYTES]) -> PublicKey {
        PublicKey(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; PublicKey::BYTES] {
        &self.0
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Result<PublicKey, HexError> {
        hexadecimal::decode(text).map(PublicKey)
    }

    /// `sha256:` and the hex SHA-256 of the 32 raw bytes (SPEC §1.3).
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", hexadecimal::encode(&Sha256::digest(self.0)))
    }

    /// The strict verdict on one signature; for many under one key make a
    /// [`StrictVerifier`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let mut verifier = StrictVerifier::new(self);
        verifier.expect(1);
        verifier.verify_batch(&[(message, *signature)]) == [true]
    }
}

impl fmt::Display for PublicKey {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

hex_text!(PublicKey);

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

    pub const fn from_bytes(bytes: [u8; Signature::BYTES]) -> Signature {
        Signature(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Signature::BYTES] {
        &self.0
    }

    /// Whether some key can have made it: `R` is a point and `S` is reduced.
    /// Half of all damaged signatures still look so.
    pub fn is_possible(&self) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&self.0);
        let s: Option<Scalar> = Scalar::from_canonical_bytes(*signature.s_bytes()).into();
        s.is_some() && VerifyingKey::from_bytes(signature.r_bytes()).is_ok()
    }

    /// Reads 128 lower-case hex digits.
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

hex_text!(Signature);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}
