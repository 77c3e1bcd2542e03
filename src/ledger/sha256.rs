//! SHA-256 digests: of files, packages, artifacts and worker code. The ledger's
//! own hash is [`Hash`](super::hash::Hash).

use std::fmt;

use super::hexadecimal::{self, HexError, hex_text};

/// A SHA-256 digest of 32 bytes; its text is 64 lower-case hex digits, the only
/// spelling that is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; Sha256Digest::BYTES]);

impl Sha256Digest {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    pub fn of(bytes: &[u8]) -> Sha256Digest {
        Sha256Digest(sha256(bytes))
    }

    /// Takes 32 bytes that already are a digest.
    pub const fn from_bytes(bytes: [u8; Sha256Digest::BYTES]) -> Sha256Digest {
        Sha256Digest(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Sha256Digest::BYTES] {
        &self.0
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Result<Sha256Digest, HexError> {
        hexadecimal::decode(text).map(Sha256Digest)
    }
}

impl From<[u8; Sha256Digest::BYTES]> for Sha256Digest {
    fn from(bytes: [u8; Sha256Digest::BYTES]) -> Sha256Digest {
        Sha256Digest(bytes)
    }
}

impl fmt::Display for Sha256Digest {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

hex_text!(Sha256Digest);

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

/// SHA-256 of bytes that come in pieces.
#[derive(Clone)]
pub struct Sha256Hasher(Context);

#[cfg(feature = "fast-sha2")]
type Context = aws_lc_rs::digest::Context;
#[cfg(not(feature = "fast-sha2"))]
type Context = sha2::Sha256;

impl Default for Sha256Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256Hasher {
    pub fn new() -> Sha256Hasher {
        #[cfg(feature = "fast-sha2")]
        let context = Context::new(&aws_lc_rs::digest::SHA256);
        #[cfg(not(feature = "fast-sha2"))]
        let context = <Context as sha2::Digest>::new();
        Sha256Hasher(context)
    }

    pub fn update(&mut self, bytes: &[u8]) {
        #[cfg(feature = "fast-sha2")]
        self.0.update(bytes);
        #[cfg(not(feature = "fast-sha2"))]
        sha2::Digest::update(&mut self.0, bytes);
    }

    pub fn finish(self) -> Sha256Digest {
        #[cfg(feature = "fast-sha2")]
        let digest = self.0.finish();
        #[cfg(not(feature = "fast-sha2"))]
        let digest = sha2::Digest::finalize(self.0);
        let mut bytes = [0; Sha256Digest::BYTES];
        bytes.copy_from_slice(digest.as_ref());
        Sha256Digest(bytes)
    }
}

impl fmt::Debug for Sha256Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Hasher")
    }
}

/// The digest of `bytes`, 32 bytes.
#[cfg(feature = "fast-sha2")]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    // The length is the algorithm's; the portable code is there for the type.
    digest
        .as_ref()
        .try_into()
        .unwrap_or_else(|_| portable(bytes))
}

/// The digest of `bytes`, 32 bytes.
#[cfg(not(feature = "fast-sha2"))]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    portable(bytes)
}

fn portable(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::hexadecimal::encode;

    #[test]
    fn digest_is_sha_256_whichever_code_computes_it() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(encode(&sha256(b"abc")), abc);
        for length in 0..300 {
            let bytes = vec![0x5a; length];
            assert_eq!(sha256(&bytes), portable(&bytes), "{length}");
            let mut hasher = Sha256Hasher::new();
            for piece in bytes.chunks(7) {
                hasher.update(piece);
            }
            assert_eq!(hasher.finish(), Sha256Digest::of(&bytes), "{length}");
        }
    }
}
