//! The primitives, as functions: no state, no randomness of their own.

use zeroize::Zeroizing;

use super::error::CryptoError;
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signature, Signer, SoftwareSigner};

/// The signer of a 32-byte seed and its public key. Where the seed comes from is
/// the caller's to answer for.
pub fn keygen(seed: &Zeroizing<[u8; 32]>) -> (SoftwareSigner, PublicKey) {
    let signer = SoftwareSigner::from_seed(seed);
    let key = signer.public_key();
    (signer, key)
}

/// A detached Ed25519 signature over `message`.
///
/// # Errors
/// [`CryptoError::Sign`] where the signer holds its key elsewhere and could not
/// use it.
pub fn sign(message: &[u8], signer: &dyn Signer) -> Result<Signature, CryptoError> {
    Ok(signer.sign(message)?)
}

/// Whether `signature` is `key`'s over `message`, strictly (SPEC §1.3). Bytes of
/// the wrong length are no signature.
pub fn verify(message: &[u8], signature: &[u8], key: &PublicKey) -> bool {
    let signature: Result<[u8; Signature::BYTES], _> = signature.try_into();
    signature.is_ok_and(|bytes| key.verify(message, &Signature::from_bytes(bytes)))
}

pub fn verify_or_raise(
    message: &[u8],
    signature: &[u8],
    key: &PublicKey,
) -> Result<(), CryptoError> {
    if verify(message, signature, key) {
        Ok(())
    } else {
        Err(CryptoError::SignatureVerification)
    }
}

pub fn hash_blake2b(message: &[u8]) -> Hash {
    Hash::of(message)
}

/// Lower-case hex digits.
pub fn hex_encode(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// The inverse of [`hex_encode`], which also reads upper case.
pub fn hex_decode(text: &str) -> Result<Vec<u8>, CryptoError> {
    Ok(hex::decode(text)?)
}

/// The public key of 32 raw bytes. Whether they are the encoding of a point
/// shows when it verifies.
pub fn pubkey_from_bytes(bytes: &[u8]) -> Result<PublicKey, CryptoError> {
    let raw = bytes
        .try_into()
        .map_err(|_| CryptoError::PublicKeyLength { bytes: bytes.len() })?;
    Ok(PublicKey::from_bytes(raw))
}
