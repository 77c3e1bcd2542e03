//! The two files that vouch for a manifest: its digest and its signature.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ledger::key::{PublicKey, SignError, Signature, Signer};
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError, constant};

const ALGORITHM: &str = "ed25519";

constant!(Algorithm, ALGORITHM, "\"ed25519\"");

/// The content of `Manifest.json.sig`: a signature over the bytes of
/// `Manifest.json`, not judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetachedSignature {
    algorithm: Algorithm,
    pub public_key: PublicKey,
    pub signature: Signature,
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum SignatureError {
    #[error(transparent)]
    Json(#[from] ParseError),
    #[error(transparent)]
    Member(#[from] MemberError),
}

impl DetachedSignature {
    pub fn sign(bytes: &[u8], signer: &dyn Signer) -> Result<DetachedSignature, SignError> {
        Ok(DetachedSignature {
            algorithm: Algorithm,
            public_key: signer.public_key(),
            signature: signer.sign(bytes)?,
        })
    }

    /// Reads `{"algorithm": "ed25519", "public_key": hex, "signature": hex}`.
    pub fn parse(text: &[u8]) -> Result<DetachedSignature, SignatureError> {
        let value = parse::parse(text)?;
        Ok(shape::read(&value, "")?)
    }

    pub fn to_text(&self) -> String {
        let mut text = shape::write(self).pretty();
        text.push('\n');
        text
    }

    /// The strict verdict. Whether the key is to be trusted is another question.
    pub fn verify(&self, bytes: &[u8]) -> bool {
        self.public_key.verify(bytes, &self.signature)
    }
}

/// The line that `sha256sum` writes for the file `name`.
pub(super) fn format_digest(digest: &Sha256Digest, name: &str) -> String {
    format!("{digest}  {name}\n")
}

/// Reads a digest that stands alone or as `sha256sum` writes it, for a file
/// called `name` in whatever folder; none for anything else.
pub(super) fn parse_digest(text: &[u8], name: &str) -> Option<Sha256Digest> {
    let text = std::str::from_utf8(text).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (digits, rest) = line.split_at_checked(2 * Sha256Digest::BYTES)?;
    if !rest.is_empty() {
        let path = rest
            .strip_prefix("  ")
            .or_else(|| rest.strip_prefix(" *"))?;
        if path.rsplit('/').next() != Some(name) {
            return None;
        }
    }
    Sha256Digest::from_hex(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_stands_alone_or_as_sha256sum_writes_it() {
        let digest = Sha256Digest::of(b"x");
        let name = "Manifest.json";
        let read = |text: String| parse_digest(text.as_bytes(), name);
        assert_eq!(read(format_digest(&digest, name)), Some(digest));
        for tail in ["", "\n", "\r\n", " *Manifest.json\n", "  ./Manifest.json\n"] {
            assert_eq!(read(format!("{digest}{tail}")), Some(digest), "{tail:?}");
        }
        for tail in [
            "x",
            "  other",
            " Manifest.json",
            "\n\n",
            "  Manifest.json\nmore",
        ] {
            assert_eq!(read(format!("{digest}{tail}")), None, "{tail:?}");
        }
        assert_eq!(read(digest.to_string().to_uppercase()), None);
    }
}
