//! ML-DSA-44 (FIPS 204), by the crate `ml-dsa`: keys and signatures that a quantum
//! computer does not forge.

use std::fmt;
use std::sync::Arc;

use ml_dsa::{EncodedSignature, EncodedVerifyingKey, MlDsa44, SigningKey, VerifyingKey};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ledger::hexadecimal;
use crate::ledger::sha256::Sha256Digest;

/// 1 312 bytes that are an ML-DSA-44 public key. Any so many bytes are one.
#[derive(Clone, PartialEq, Eq)]
pub struct MlDsaKey(Arc<[u8; MlDsaKey::BYTES]>);

impl MlDsaKey {
    /// Length in bytes.
    pub const BYTES: usize = 1_312;

    /// Length of a signature in bytes.
    pub const SIGNATURE_BYTES: usize = 2_420;

    /// Takes the bytes, if there are so many.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<MlDsaKey> {
        bytes.try_into().ok().map(Arc::new).map(MlDsaKey)
    }

    /// Reads lower-case hex digits, two for each byte.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<MlDsaKey> {
        hexadecimal::decode(text).ok().map(Arc::new).map(MlDsaKey)
    }

    /// The bytes, as FIPS 204 encodes a key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// SHA-256 of the bytes, by which a log names the key.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.as_bytes())
    }

    /// Whether `signature` is this key's on `message`, with an empty context.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(encoded) = EncodedSignature::<MlDsa44>::try_from(signature) else {
            return false;
        };
        let Some(signature) = ml_dsa::Signature::<MlDsa44>::decode(&encoded) else {
            return false;
        };
        let Ok(key) = EncodedVerifyingKey::<MlDsa44>::try_from(self.as_bytes()) else {
            return false;
        };
        VerifyingKey::<MlDsa44>::decode(&key).verify_with_context(message, &[], &signature)
    }
}

impl Serialize for MlDsaKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hexadecimal::serialize(self.as_bytes(), serializer)
    }
}

impl<'v> Deserialize<'v> for MlDsaKey {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<MlDsaKey, D::Error> {
        hexadecimal::deserialize(deserializer).map(|key| MlDsaKey(Arc::new(key)))
    }
}

impl fmt::Display for MlDsaKey {
    /// Lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(self.as_bytes()))
    }
}

impl fmt::Debug for MlDsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaKey(sha256:{})", self.digest())
    }
}

/// An ML-DSA-44 private key in memory, wiped when it is dropped and never printed.
pub struct MlDsaSigner {
    seed: Zeroizing<[u8; 32]>,
    key: SigningKey<MlDsa44>,
    public: MlDsaKey,
}

impl MlDsaSigner {
    /// The signer of a 32-byte seed (ξ of FIPS 204, algorithm 6). `None` only if the
    /// library's key had another length.
    #[must_use]
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Option<MlDsaSigner> {
        let key = SigningKey::<MlDsa44>::from_seed(&(**seed).into());
        let public = MlDsaKey::from_slice(&key.expanded_key().verifying_key().encode())?;
        let seed = seed.clone();
        Some(MlDsaSigner { seed, key, public })
    }

    /// The key that verifies what this signer signs.
    #[must_use]
    pub fn public_key(&self) -> MlDsaKey {
        self.public.clone()
    }

    /// The seed, for writing the key file.
    #[must_use]
    pub fn seed(&self) -> &Zeroizing<[u8; 32]> {
        &self.seed
    }

    /// Signs deterministically, with an empty context. What was signed is verified
    /// before it is handed out: a fault in the arithmetic gives `None`, and no
    /// signature that would say something of the key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signed = self.key.expanded_key().sign_deterministic(message, &[]);
        let signature = signed.ok()?.encode().to_vec();
        self.public.verify(message, &signature).then_some(signature)
    }
}

impl fmt::Debug for MlDsaSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaSigner({:?})", self.public)
    }
}
