//! SHA-256 digests: of files, packages, artifacts and worker code. The ledger's
//! own hash is [`Hash`](super::hash::Hash).

use std::fmt;

use sha2::{Digest, Sha256};

use super::hexadecimal::{self, HexError};

/// A SHA-256 digest of 32 bytes; its text is 64 lower-case hex digits, the only
/// spelling that is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; Sha256Digest::BYTES]);

impl Sha256Digest {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest(Sha256::digest(bytes).into())
    }

    /// Takes 32 bytes that already are a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Sha256Digest::BYTES]) -> Sha256Digest {
        Sha256Digest(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Sha256Digest::BYTES] {
        &self.0
    }

    /// Reads 64 lower-case hex digits.
    ///
    /// # Errors
    /// [`HexError`] for another length or another character.
    pub fn from_hex(text: &str) -> Result<Sha256Digest, HexError> {
        hexadecimal::decode(text).map(Sha256Digest)
    }
}

impl fmt::Display for Sha256Digest {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}
