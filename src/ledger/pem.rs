//! Key files as text: PKCS#8 v1 for the private key, SubjectPublicKeyInfo for
//! the public one, both PEM, both what `openssl pkey` reads and writes.

use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
    PublicKeyBytes, spki::der::pem::LineEnding,
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::{PublicKey, Signer, SoftwareSigner};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PemError {
    #[error("not an unencrypted Ed25519 private key in PKCS#8 PEM")]
    NotAPrivateKey,
    #[error("the private key and the public key in the file do not belong together")]
    PublicKeyDiffers,
    #[error("not an Ed25519 public key in PEM")]
    NotAPublicKey,
    #[error("a private key, and the public one is needed, which `sealbook key` prints")]
    Private,
    #[error("the key could not be encoded")]
    Encode,
}

/// Writes PKCS#8 **v1**: version 2 carries the public key too, and OpenSSL 3.0
/// cannot read it.
pub fn format_private_key(signer: &SoftwareSigner) -> Result<Zeroizing<String>, PemError> {
    pair_of(signer)
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| PemError::Encode)
}

/// The pair as it is encoded; wiped when dropped, as [`KeypairBytes`] is.
pub(crate) fn pair_of(signer: &SoftwareSigner) -> KeypairBytes {
    KeypairBytes {
        secret_key: *signer.seed(),
        public_key: None,
    }
}

/// Reads PKCS#8, version 1 or 2.
///
/// # Errors
/// [`PemError::NotAPrivateKey`], or [`PemError::PublicKeyDiffers`] where
/// version 2 carries another key's public half.
pub fn parse_private_key(text: &str) -> Result<SoftwareSigner, PemError> {
    of_pair(KeypairBytes::from_pkcs8_pem(text).map_err(|_| PemError::NotAPrivateKey)?)
}

pub(crate) fn from_der(bytes: &[u8]) -> Result<SoftwareSigner, PemError> {
    of_pair(KeypairBytes::from_pkcs8_der(bytes).map_err(|_| PemError::NotAPrivateKey)?)
}

fn of_pair(mut bytes: KeypairBytes) -> Result<SoftwareSigner, PemError> {
    let seed = Zeroizing::new(bytes.secret_key);
    zeroize::Zeroize::zeroize(&mut bytes.secret_key);
    let signer = SoftwareSigner::from_seed(&seed);
    match bytes.public_key {
        Some(claimed) if &claimed.to_bytes() != signer.public_key().as_bytes() => {
            Err(PemError::PublicKeyDiffers)
        }
        _ => Ok(signer),
    }
}

pub fn format_public_key(key: &PublicKey) -> Result<String, PemError> {
    PublicKeyBytes(*key.as_bytes())
        .to_public_key_pem(LineEnding::LF)
        .map_err(|_| PemError::Encode)
}

pub fn parse_public_key(text: &str) -> Result<PublicKey, PemError> {
    PublicKeyBytes::from_public_key_pem(text)
        .map(|key| PublicKey::from_bytes(key.0))
        .map_err(|_| PemError::NotAPublicKey)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    fn signer(byte: u8) -> SoftwareSigner {
        SoftwareSigner::from_seed(&Zeroizing::new([byte; 32]))
    }

    #[test]
    fn keys_read_back() {
        let key = signer(7);
        let text = format_private_key(&key).unwrap();
        assert_eq!(
            parse_private_key(&text).unwrap().public_key(),
            key.public_key()
        );
        let public = format_public_key(&key.public_key()).unwrap();
        assert_eq!(parse_public_key(&public).unwrap(), key.public_key());
    }

    #[test]
    fn the_private_key_is_pkcs8_version_1() {
        // 48 bytes of DER: version 2 would append the public key.
        let text = format_private_key(&signer(1)).unwrap();
        assert_eq!(
            *text,
            "-----BEGIN PRIVATE KEY-----\n\
             MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\
             -----END PRIVATE KEY-----\n"
        );
    }

    #[test]
    fn each_kind_of_file_is_refused_as_the_other() {
        let key = signer(7);
        let private = format_private_key(&key).unwrap();
        let public = format_public_key(&key.public_key()).unwrap();
        assert_eq!(parse_public_key(&private), Err(PemError::NotAPublicKey));
        assert_eq!(
            parse_private_key(&public).unwrap_err(),
            PemError::NotAPrivateKey
        );
        assert_eq!(parse_private_key("").unwrap_err(), PemError::NotAPrivateKey);
    }

    #[test]
    fn a_pair_that_does_not_belong_together_is_refused() {
        let pair = KeypairBytes {
            secret_key: [1; 32],
            public_key: Some(PublicKeyBytes(*signer(2).public_key().as_bytes())),
        };
        let text = pair.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(
            parse_private_key(&text).unwrap_err(),
            PemError::PublicKeyDiffers
        );
    }
}
