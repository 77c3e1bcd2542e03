//! Private keys under a passphrase: `ENCRYPTED PRIVATE KEY` in PEM, as
//! `openssl pkcs8 -topk8` writes it (PKCS#8 with PBES2, RFC 8018): scrypt or
//! PBKDF2 makes the key, AES in CBC mode encrypts.
//!
//! Anyone who wrote the file chose what opening it costs, so the cost is looked at
//! before anything is derived.

use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, PemLabel};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters, Pbkdf2Params, ScryptParams};
use pkcs8::pkcs5::scrypt;
use pkcs8::spki::der::asn1::OctetStringRef;
use pkcs8::{EncodePrivateKey, EncryptedPrivateKeyInfoRef, SecretDocument};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::SoftwareSigner;
use super::note::MlDsaSigner;
use super::pem::{self, PemError};
use super::second_key::{self, SecondKeyError};

/// The memory that scrypt may take: 256 MiB.
pub const SCRYPT_BYTES: u64 = 256 << 20;

/// What scrypt may mix in all its lanes together: 1 GiB.
pub const SCRYPT_WORK: u64 = 1 << 30;

/// The rounds that PBKDF2 may make.
pub const PBKDF2_ROUNDS: u32 = 10_000_000;

/// What our own files cost: the most that OpenSSL 3 opens as it comes, whose
/// scrypt takes at most 32 MiB.
const OWN_LOG_N: u8 = 14;
const OWN_R: u32 = 8;
const OWN_P: u32 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LockError {
    #[error("not an encrypted private key in PKCS#8 PEM")]
    NotAnEncryptedKey,
    #[error("encrypted in another way than scrypt or PBKDF2 with SHA-2, and AES in CBC mode")]
    Unsupported,
    #[error(
        "opening it costs more than the limit of {} MiB for scrypt or {PBKDF2_ROUNDS} rounds of \
         PBKDF2",
        SCRYPT_BYTES >> 20
    )]
    TooCostly,
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    #[error(transparent)]
    Key(#[from] PemError),
    #[error(transparent)]
    Second(#[from] SecondKeyError),
    #[error("the key could not be encrypted")]
    Encode,
}

/// An encrypted private key that has not been opened yet.
pub struct EncryptedKey(SecretDocument);

impl EncryptedKey {
    pub fn looks_like(text: &str) -> bool {
        let label = EncryptedPrivateKeyInfoRef::PEM_LABEL;
        text.contains(&format!("-----BEGIN {label}-----"))
    }

    pub fn from_pem(text: &str) -> Result<EncryptedKey, LockError> {
        match SecretDocument::from_pem(text) {
            Ok((label, document)) if label == EncryptedPrivateKeyInfoRef::PEM_LABEL => {
                Ok(EncryptedKey(document))
            }
            _ => Err(LockError::NotAnEncryptedKey),
        }
    }

    /// Opens it. What this costs is bounded whatever the file says.
    pub fn unlock(&self, passphrase: &[u8]) -> Result<SoftwareSigner, LockError> {
        self.open(passphrase, |plain| match pem::from_der(plain) {
            // One wrong key in 256 happens on a padding that looks right.
            Err(PemError::NotAPrivateKey) if !is_pkcs8(plain) => Err(LockError::WrongPassphrase),
            read => Ok(read?),
        })
    }

    /// The same for a second key, of ML-DSA-44.
    pub fn unlock_second(&self, passphrase: &[u8]) -> Result<MlDsaSigner, LockError> {
        self.open(passphrase, |plain| match second_key::from_der(plain) {
            Err(SecondKeyError::NotAKey) if !is_pkcs8(plain) => Err(LockError::WrongPassphrase),
            read => Ok(read?),
        })
    }

    fn open<T>(
        &self,
        passphrase: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, LockError>,
    ) -> Result<T, LockError> {
        let info = EncryptedPrivateKeyInfoRef::try_from(self.0.as_bytes())
            .map_err(|_| LockError::Unsupported)?;
        let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
            return Err(LockError::Unsupported);
        };
        match &parameters.kdf {
            Kdf::Scrypt(scrypt) => check_scrypt(scrypt)?,
            Kdf::Pbkdf2(pbkdf2) => check_pbkdf2(pbkdf2)?,
            _ => return Err(LockError::Unsupported),
        }
        let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
        let plain = parameters
            .decrypt_in_place(passphrase, &mut buffer)
            .map_err(|error| match error {
                pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }
                | pkcs8::pkcs5::Error::NoPbes1CryptSupport => LockError::Unsupported,
                // A wrong key shows as wrong padding.
                _ => LockError::WrongPassphrase,
            })?;
        read(plain)
    }
}

/// Writes a key under a passphrase, by scrypt and AES-256-CBC. `salt` and `iv`
/// must be fresh random bytes.
pub fn format_encrypted_key(
    signer: &SoftwareSigner,
    passphrase: &[u8],
    salt: &[u8; 16],
    iv: [u8; 16],
) -> Result<Zeroizing<String>, LockError> {
    let plain = pem::pair_of(signer)
        .to_pkcs8_der()
        .map_err(|_| LockError::Encode)?;
    format_encrypted(plain.as_bytes(), passphrase, salt, iv)
}

/// The same for a second key.
pub fn format_encrypted_second(
    signer: &MlDsaSigner,
    passphrase: &[u8],
    salt: &[u8; 16],
    iv: [u8; 16],
) -> Result<Zeroizing<String>, LockError> {
    format_encrypted(&second_key::to_der(signer), passphrase, salt, iv)
}

fn format_encrypted(
    plain: &[u8],
    passphrase: &[u8],
    salt: &[u8; 16],
    iv: [u8; 16],
) -> Result<Zeroizing<String>, LockError> {
    let cost = scrypt::Params::new(OWN_LOG_N, OWN_R, OWN_P).map_err(|_| LockError::Encode)?;
    let parameters =
        Parameters::generate_scrypt_aes256cbc(cost, salt, iv).map_err(|_| LockError::Encode)?;
    let encrypted = parameters
        .encrypt(passphrase, plain)
        .map_err(|_| LockError::Encode)?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&encrypted).map_err(|_| LockError::Encode)?,
    };
    SecretDocument::try_from(info)
        .map_err(|_| LockError::Encode)?
        .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
        .map_err(|_| LockError::Encode)
}

fn check_scrypt(scrypt: &ScryptParams) -> Result<(), LockError> {
    let n: u64 = scrypt.cost_parameter;
    let (r, p) = (
        u64::from(scrypt.block_size),
        u64::from(scrypt.parallelization),
    );
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(LockError::Unsupported);
    }
    // Each lane fills and mixes N blocks of 128 r bytes, one lane at a time.
    let memory = n.saturating_mul(r).saturating_mul(128);
    if memory > SCRYPT_BYTES || memory.saturating_mul(p) > SCRYPT_WORK {
        return Err(LockError::TooCostly);
    }
    Ok(())
}

fn check_pbkdf2(pbkdf2: &Pbkdf2Params) -> Result<(), LockError> {
    match pbkdf2.iteration_count {
        0 => Err(LockError::Unsupported),
        rounds if rounds > PBKDF2_ROUNDS => Err(LockError::TooCostly),
        _ => Ok(()),
    }
}

/// Whether bytes are a PKCS#8 key at all, of whatever kind.
fn is_pkcs8(bytes: &[u8]) -> bool {
    pkcs8::PrivateKeyInfoRef::try_from(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::super::key::Signer;
    use super::*;

    fn signer() -> SoftwareSigner {
        SoftwareSigner::from_seed(&Zeroizing::new([7; 32]))
    }

    fn locked() -> EncryptedKey {
        let text = format_encrypted_key(&signer(), b"open sesame", &[1; 16], [2; 16]).unwrap();
        assert!(EncryptedKey::looks_like(&text));
        EncryptedKey::from_pem(&text).unwrap()
    }

    #[test]
    fn what_is_locked_opens_with_its_passphrase_alone() {
        let opened = locked().unlock(b"open sesame").unwrap();
        assert_eq!(opened.public_key(), signer().public_key());
        for wrong in [&b""[..], b"open sesam", b"Open sesame", b"open sesame\n"] {
            let error = locked().unlock(wrong).unwrap_err();
            assert_eq!(error, LockError::WrongPassphrase);
        }
    }

    /// The same file with other costs, in its DER: INTEGER N, r, p.
    fn costing(parameters: Parameters) -> EncryptedKey {
        let info = EncryptedPrivateKeyInfoRef {
            encryption_algorithm: parameters.into(),
            encrypted_data: OctetStringRef::new(&[0; 64]).unwrap(),
        };
        EncryptedKey(SecretDocument::try_from(info).unwrap())
    }

    fn scrypt(n: u64, r: u16, p: u16) -> EncryptedKey {
        let cost = scrypt::Params::new(4, 1, 1).unwrap();
        let parameters = Parameters::generate_scrypt_aes256cbc(cost, &[1; 16], [2; 16]).unwrap();
        let mut kdf = *parameters.kdf.scrypt().unwrap();
        (kdf.cost_parameter, kdf.block_size, kdf.parallelization) = (n, r, p);
        costing(Parameters {
            kdf: Kdf::Scrypt(kdf),
            ..parameters
        })
    }

    #[test]
    fn a_file_that_asks_for_too_much_is_refused_before_it_is_paid() {
        for (n, r, p) in [
            (1 << 40, 8, 1),
            (1 << 19, 8, 1),
            (1 << 14, u16::MAX, 1),
            (1 << 18, 8, 5),
            (1 << 63, u16::MAX, u16::MAX),
        ] {
            let error = scrypt(n, r, p).unlock(b"x").unwrap_err();
            assert_eq!(error, LockError::TooCostly, "{n} {r} {p}");
        }
        let parameters =
            Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS + 1, &[1; 16], [2; 16]);
        let error = costing(parameters.unwrap()).unlock(b"x").unwrap_err();
        assert_eq!(error, LockError::TooCostly);
    }

    #[test]
    fn costs_that_no_scrypt_has_are_refused() {
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (16, 0, 1), (16, 8, 0)] {
            let error = scrypt(n, r, p).unlock(b"x").unwrap_err();
            assert_eq!(error, LockError::Unsupported, "{n} {r} {p}");
        }
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(0, &[1; 16], [2; 16]);
        let error = costing(parameters.unwrap()).unlock(b"x").unwrap_err();
        assert_eq!(error, LockError::Unsupported);
    }

    #[test]
    fn what_is_not_encrypted_is_no_encrypted_key() {
        let plain = pem::format_private_key(&signer()).unwrap();
        assert!(!EncryptedKey::looks_like(&plain));
        for text in [&plain[..], "", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"] {
            let error = EncryptedKey::from_pem(text).err();
            assert_eq!(error, Some(LockError::NotAnEncryptedKey));
        }
    }
}
