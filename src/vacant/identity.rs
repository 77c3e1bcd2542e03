//! Who a vacant is: its public key, whatever else changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::crypto::pubkey_from_bytes;
use super::error::CryptoError;
use crate::ledger::key::PublicKey;

/// The identity of a vacant. Equality and hash are those of the 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VacantId(PublicKey);

impl VacantId {
    pub const fn from_verify_key(key: PublicKey) -> VacantId {
        VacantId(key)
    }

    /// The identity of 32 raw bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<VacantId, CryptoError> {
        pubkey_from_bytes(bytes).map(VacantId)
    }

    /// The 32 raw bytes.
    pub const fn pubkey_bytes(&self) -> &[u8; PublicKey::BYTES] {
        self.0.as_bytes()
    }

    /// The key that verifies what this vacant signs.
    pub const fn verify_key(&self) -> &PublicKey {
        &self.0
    }

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        self.0.to_string()
    }

    /// The first 12 of them: for people, never to compare with.
    pub fn short(&self) -> String {
        self.hex().chars().take(12).collect()
    }
}

impl fmt::Display for VacantId {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VacantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VacantId({})", self.short())
    }
}
