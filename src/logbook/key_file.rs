//! Private keys in files: mode 0600, and refused if others can read them. They
//! may be under a passphrase.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::ledger::encrypted_pem::{EncryptedKey, LockError, format_encrypted_key};
use crate::ledger::key::{Engine, SoftwareSigner};
use crate::ledger::pem::{self, PemError};
use crate::ledger::second_key::SecondKeyError;

pub mod second;

/// A key file is a few hundred bytes.
const KEY_FILE_BYTES: u64 = 64 << 10;

#[derive(Debug, Error)]
pub enum KeyFileError {
    #[error("key file {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("key file {}: not a regular file of at most 64 KiB", path.display())]
    NotAFile { path: PathBuf },
    #[error("key file {}: mode {mode:04o} lets others read it", path.display())]
    Readable { path: PathBuf, mode: u32 },
    #[error("key file {}: {source}", path.display())]
    Pem { path: PathBuf, source: PemError },
    #[error(
        "key file {}: aws-lc and ed25519-dalek sign differently here; \
         this processor or this build must not sign",
        path.display()
    )]
    SignersDisagree { path: PathBuf },
    #[error("key file {}: the key is under a passphrase", path.display())]
    Locked { path: PathBuf },
    #[error("key file {}: {source}", path.display())]
    Lock { path: PathBuf, source: LockError },
    #[error("key file {}: {source}", path.display())]
    Second {
        path: PathBuf,
        source: SecondKeyError,
    },
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
}

pub enum KeyFile {
    Open(Box<SoftwareSigner>),
    Locked(LockedKey),
}

/// A key that has to be unlocked before it can be used.
pub struct LockedKey {
    path: PathBuf,
    key: EncryptedKey,
}

impl LockedKey {
    pub fn unlock(&self, passphrase: &[u8]) -> Result<SoftwareSigner, KeyFileError> {
        let failed = |source| lock_error(&self.path, source);
        let signer = self.key.unlock(passphrase).map_err(failed)?;
        agreeing(&self.path, signer)
    }
}

/// Makes a key and writes it where nothing is yet.
///
/// # Errors
/// [`KeyFileError`]; an existing file is [`io::ErrorKind::AlreadyExists`].
pub fn create(path: &Path) -> Result<SoftwareSigner, KeyFileError> {
    let signer = ephemeral()?;
    let text = pem::format_private_key(&signer).map_err(|source| KeyFileError::Pem {
        path: path.to_owned(),
        source,
    })?;
    write_new(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
    Ok(signer)
}

/// Makes a key and writes it, under a passphrase, where nothing is yet.
pub fn create_locked(path: &Path, passphrase: &[u8]) -> Result<SoftwareSigner, KeyFileError> {
    let signer = ephemeral()?;
    let text = format_encrypted_key(&signer, passphrase, &random()?, random()?)
        .map_err(|source| lock_error(path, source))?;
    write_new(path, text.as_bytes()).map_err(|source| io_error(path, source))?;
    Ok(signer)
}

/// Makes a key that is in no file: it is gone when it is dropped.
pub fn ephemeral() -> Result<SoftwareSigner, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(KeyFileError::Randomness)?;
    Ok(SoftwareSigner::from_seed(&seed))
}

fn random<const N: usize>() -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyFileError::Randomness)?;
    Ok(bytes)
}

/// Whole and on the disk, name and all, or not there: what is signed with a key
/// that a crash takes away can never be gone on with.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Of mode 0600, as temporary files are.
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(".key-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// Opens a private key that only its owner can read and that is under no
/// passphrase.
pub fn open(path: &Path) -> Result<SoftwareSigner, KeyFileError> {
    match read(path, Mode::Owner)? {
        KeyFile::Open(signer) => Ok(*signer),
        KeyFile::Locked(key) => Err(KeyFileError::Locked { path: key.path }),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Its owner alone: 0600 or 0400.
    #[default]
    Owner,
    /// Also, with 0440 and nothing more, its group: secrets that are mounted.
    Group,
}

impl Mode {
    const fn allows(self, mode: u32) -> bool {
        mode & 0o077 == 0 || (mode == 0o440 && matches!(self, Mode::Group))
    }
}

/// Reads a private key that only those can read who may.
pub fn read(path: &Path, allowed: Mode) -> Result<KeyFile, KeyFileError> {
    let text = readable_text(path, allowed)?;
    if EncryptedKey::looks_like(&text) {
        let key = EncryptedKey::from_pem(&text).map_err(|source| lock_error(path, source))?;
        let path = path.to_owned();
        return Ok(KeyFile::Locked(LockedKey { path, key }));
    }
    let signer = pem::parse_private_key(&text).map_err(|source| KeyFileError::Pem {
        path: path.to_owned(),
        source,
    })?;
    let signer = agreeing(path, signer)?;
    Ok(KeyFile::Open(Box::new(signer)))
}

/// The text of a private key's file, which those alone can read who may.
fn readable_text(path: &Path, allowed: Mode) -> Result<Zeroizing<String>, KeyFileError> {
    // Checked on the opened file, not on the path, which may change between.
    let (file, mode) = open_regular(path)?;
    match allowed.allows(mode) {
        true => read_text(file, path),
        false => Err(KeyFileError::Readable {
            path: path.to_owned(),
            mode,
        }),
    }
}

/// It could sign with the library that is left; but which of them is wrong?
fn agreeing(path: &Path, signer: SoftwareSigner) -> Result<SoftwareSigner, KeyFileError> {
    match signer.engine() {
        Engine::AwsLcDisagreed => Err(KeyFileError::SignersDisagree {
            path: path.to_owned(),
        }),
        _ => Ok(signer),
    }
}

/// Reads the text of a file that should hold a public key.
pub fn public_text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let (file, _) = open_regular(path)?;
    read_text(file, path)
}

fn open_regular(path: &Path) -> Result<(File, u32), KeyFileError> {
    let mut options = OpenOptions::new();
    // A pipe in the place of a file must not make us wait.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = options.read(true).custom_flags(nonblock).open(path);
    let file = file.map_err(|source| io_error(path, source))?;
    let metadata = file.metadata().map_err(|source| io_error(path, source))?;
    if !metadata.is_file() || metadata.len() > KEY_FILE_BYTES {
        return Err(KeyFileError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok((file, metadata.mode() & 0o7777))
}

fn read_text(file: File, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_BYTES as usize));
    file.take(KEY_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| io_error(path, source))?;
    Ok(text)
}

fn io_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        path: path.to_owned(),
        source,
    }
}

fn lock_error(path: &Path, source: LockError) -> KeyFileError {
    KeyFileError::Lock {
        path: path.to_owned(),
        source,
    }
}
