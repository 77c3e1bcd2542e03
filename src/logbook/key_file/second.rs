//! The file of a second key: as strict as that of the first.

use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyFileError, Mode, io_error, lock_error, random, readable_text, write_new};
use crate::ledger::encrypted_pem::{EncryptedKey, format_encrypted_second};
use crate::ledger::note::MlDsaSigner;
use crate::ledger::second_key::{SecondKeyError, format_second_key, parse_second_key};

/// A second key, open or under a passphrase.
pub enum SecondKeyFile {
    /// It can be used.
    Open(Box<MlDsaSigner>),
    /// It has to be unlocked first.
    Locked(EncryptedKey),
}

/// Makes a key and writes it where nothing is yet, under a passphrase if there is one.
///
/// # Errors
/// [`KeyFileError`]; an existing file is [`std::io::ErrorKind::AlreadyExists`].
pub fn create(path: &Path, passphrase: Option<&[u8]>) -> Result<MlDsaSigner, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(KeyFileError::Randomness)?;
    let signer = MlDsaSigner::from_seed(&seed);
    let signer = signer.ok_or_else(|| second(path, SecondKeyError::Encode))?;
    let text = match passphrase {
        None => format_second_key(&signer).map_err(|error| second(path, error))?,
        Some(passphrase) => format_encrypted_second(&signer, passphrase, &random()?, random()?)
            .map_err(|source| lock_error(path, source))?,
    };
    write_new(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
    Ok(signer)
}

/// Reads a key that only those can read who may.
///
/// # Errors
/// [`KeyFileError`].
pub fn read(path: &Path, allowed: Mode) -> Result<SecondKeyFile, KeyFileError> {
    let text = readable_text(path, allowed)?;
    if EncryptedKey::looks_like(&text) {
        let key = EncryptedKey::from_pem(&text).map_err(|source| lock_error(path, source))?;
        return Ok(SecondKeyFile::Locked(key));
    }
    let signer = parse_second_key(&text).map_err(|error| second(path, error))?;
    Ok(SecondKeyFile::Open(Box::new(signer)))
}

/// Opens a key that is under a passphrase.
///
/// # Errors
/// [`KeyFileError::Lock`].
pub fn unlock(
    path: &Path,
    key: &EncryptedKey,
    passphrase: &[u8],
) -> Result<MlDsaSigner, KeyFileError> {
    key.unlock_second(passphrase)
        .map_err(|source| lock_error(path, source))
}

fn second(path: &Path, source: SecondKeyError) -> KeyFileError {
    KeyFileError::Second {
        path: path.to_owned(),
        source,
    }
}
