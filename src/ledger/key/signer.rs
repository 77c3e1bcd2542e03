//! Who holds a private key and signs with it.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{PublicKey, Signature};

#[derive(Debug, Error)]
pub enum SignError {
    #[error("the signer did not sign")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Holds one private key and signs with it: software here, a faster library or
/// a hardware module elsewhere. Ed25519 is deterministic, so every signer of
/// one key gives the same bytes.
pub trait Signer: Send + Sync {
    fn public_key(&self) -> PublicKey;

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

impl<S: Signer + ?Sized> Signer for std::sync::Arc<S> {
    fn public_key(&self) -> PublicKey {
        (**self).public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        (**self).sign(message)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// ed25519-dalek: what this build has, or what every build falls back on.
    Dalek,
    /// aws-lc, which is some two and a half times as fast.
    AwsLc,
    /// ed25519-dalek, because aws-lc did not sign as it does: this processor or
    /// this build cannot be trusted with it. Worth telling the operator.
    AwsLcDisagreed,
}

/// A private key in memory; its bytes are wiped when it is dropped, and never
/// printed. (aws-lc keeps a copy of its own, and wipes whatever it frees.)
pub struct SoftwareSigner {
    key: SigningKey,
    #[cfg(feature = "fast-sign")]
    fast: Option<aws_lc_rs::signature::Ed25519KeyPair>,
}

impl SoftwareSigner {
    /// The signer of a 32-byte seed (the private key of RFC 8032).
    ///
    /// With the feature `fast-sign` both libraries sign the same message first;
    /// the faster one is used only if they agree.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> SoftwareSigner {
        let key = SigningKey::from_bytes(seed);
        SoftwareSigner {
            #[cfg(feature = "fast-sign")]
            fast: agreeing(&key),
            key,
        }
    }

    pub const fn engine(&self) -> Engine {
        #[cfg(feature = "fast-sign")]
        return match self.fast {
            Some(_) => Engine::AwsLc,
            None => Engine::AwsLcDisagreed,
        };
        #[cfg(not(feature = "fast-sign"))]
        return Engine::Dalek;
    }

    pub(crate) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }
}

/// aws-lc's form of `key`, if both sign the same bytes. The messages end inside
/// and at the border of a block of SHA-512.
#[cfg(feature = "fast-sign")]
fn agreeing(key: &SigningKey) -> Option<aws_lc_rs::signature::Ed25519KeyPair> {
    let public = key.verifying_key();
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_and_public_key(
        key.as_bytes(),
        public.as_bytes(),
    );
    let pair = pair.ok()?;
    let agrees = |length: usize| {
        let message = vec![0x5a; length];
        let fast = pair.try_sign(&message);
        fast.is_ok_and(|signature| signature.as_ref() == key.sign(&message).to_bytes())
    };
    [0, 400, 448].into_iter().all(agrees).then_some(pair)
}

impl Signer for SoftwareSigner {
    fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.key.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        #[cfg(feature = "fast-sign")]
        if let Some(signature) = self.fast.as_ref().and_then(|fast| {
            let signature = fast.try_sign(message).ok()?;
            signature.as_ref().try_into().ok()
        }) {
            return Ok(Signature::from_bytes(signature));
        }
        Ok(Signature::from_bytes(self.key.sign(message).to_bytes()))
    }
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareSigner({})", self.public_key())
    }
}
