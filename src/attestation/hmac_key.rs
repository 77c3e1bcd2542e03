//! The namespace key, a secret that signer and verifier share.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::ledger::hexadecimal;

/// A secret for HMAC-SHA256, of any length but zero. Its bytes are wiped when it
/// is dropped, and never printed.
#[derive(Clone)]
pub struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    /// The key that consists of `secret`; none if that is empty, since anyone
    /// could sign with it.
    pub fn new(secret: impl Into<Vec<u8>>) -> Option<HmacKey> {
        let secret = Zeroizing::new(secret.into());
        (!secret.is_empty()).then_some(HmacKey(secret))
    }

    pub fn sign(&self, message: &[u8]) -> String {
        self.mac(message)
            .map(|mac| hexadecimal::encode(&mac.finalize().into_bytes()))
            .unwrap_or_default()
    }

    /// Whether `signature` is the lower-case hex HMAC-SHA256 of `message`,
    /// compared in constant time.
    pub fn verify(&self, message: &[u8], signature: &str) -> bool {
        match (self.mac(message), hexadecimal::decode::<32>(signature)) {
            (Some(mac), Ok(signature)) => mac.verify_slice(&signature).is_ok(),
            _ => false,
        }
    }

    /// Always some: HMAC takes keys of any length.
    fn mac(&self, message: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(message);
        Some(mac)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(…)")
    }
}
