//! Bearer tokens: 32 random bytes, of which only a digest is kept.
//!
//! A token is as long as the key of a cipher, so nobody can try all of them and
//! its digest needs no slow hash: `BLAKE2b-256("sealbook:token:v1" 0x1f text)`.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ledger::hash::Hash;
use crate::ledger::hexadecimal;

/// What every token begins with, so that one that leaked is recognised.
pub const PREFIX: &str = "sbt_";

/// Random bytes in a token.
const BYTES: usize = 32;

/// Random bytes in the name of a token, which is no secret.
const ID_BYTES: usize = 6;

/// A token in the clear. Wiped when dropped, and in no text but
/// [`BearerToken::expose`].
pub struct BearerToken(Zeroizing<String>);

/// The digest of a token: what is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenDigest(Hash);

impl BearerToken {
    pub fn generate() -> Result<(BearerToken, String), getrandom::Error> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes)?;
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * BYTES));
        text.push_str(PREFIX);
        text.push_str(&Zeroizing::new(hexadecimal::encode(&*bytes)));
        Ok((BearerToken(text), hexadecimal::encode(&id)))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl TokenDigest {
    pub fn of(presented: &str) -> TokenDigest {
        TokenDigest(Hash::of_parts(&[
            b"sealbook:token:v1\x1f",
            presented.as_bytes(),
        ]))
    }

    /// Reads 64 lower-case hex digits.
    /// Whether both are the same, in a time that does not depend on it.
    pub fn matches(&self, other: &TokenDigest) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}
