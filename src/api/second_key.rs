//! The second key of a ledger, of ML-DSA-44: made, bound, and opened to sign checkpoints.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::ledger::kind;
use crate::ledger::note::{Algorithm, MlDsaKey, MlDsaSigner, VerifierKey};
use crate::ledger::opening::Opening;
use crate::ledger::position::Seq;
use crate::ledger::second_key::SecondKey;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::key_file::KeyFileError;
use crate::logbook::key_file::second::{self, SecondKeyFile};
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::logbook::{beside, entry_at};
use crate::publish::{Publication, unpublished};
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::create::check_folders;
use super::halt::check_not_halted;
use super::keeping::{keep_witnessed, keeps_none};
use super::options::Passphrase;
use super::{Error, Ledger, Options};

/// `DIR.key.ml-dsa.pem`, beside the ledger.
fn place_of(dir: &Path, options: &Options) -> PathBuf {
    let beside = || beside(dir, "key.ml-dsa.pem");
    options.second_key.clone().unwrap_or_else(beside)
}

/// Makes the second key of the ledger that is to be in `dir`, where that is asked for. One
/// that is there already is taken where `reuse` says so.
pub(super) fn begin(dir: &Path, options: &Options, reuse: bool) -> Result<Option<MlDsaKey>, Error> {
    if !options.post_quantum {
        return Ok(None);
    }
    let path = place_of(dir, options);
    let signer = match reuse && path.symlink_metadata().is_ok() {
        true => open(&path, options)?,
        false => make(&path, options)?,
    };
    Ok(Some(signer.public_key()))
}

/// Where the second key of a new ledger is written, if it has one.
pub(super) fn new_place(dir: &Path, options: &Options) -> Option<PathBuf> {
    options.post_quantum.then(|| place_of(dir, options))
}

fn make(path: &Path, options: &Options) -> Result<MlDsaSigner, Error> {
    if !options.encrypt_key {
        return Ok(second::create(path, None)?);
    }
    let passphrase = options.ask(Passphrase::New(path))?;
    let passphrase = passphrase.ok_or(Error::NoPassphrase)?;
    Ok(second::create(path, Some(passphrase.as_bytes()))?)
}

fn open(path: &Path, options: &Options) -> Result<MlDsaSigner, Error> {
    match second::read(path, options.key_mode)? {
        SecondKeyFile::Open(signer) => Ok(*signer),
        SecondKeyFile::Locked(key) => {
            let locked = || KeyFileError::Locked {
                path: path.to_owned(),
            };
            let passphrase = options.ask(Passphrase::Open(path))?.ok_or_else(locked)?;
            Ok(second::unlock(path, &key, passphrase.as_bytes())?)
        }
    }
}

/// The second key that a log binds: the last one that an entry names.
///
/// # Errors
/// [`Error::Query`], [`Error::Open`] where an entry says something else.
pub(super) fn bound(store: &dyn Store) -> Result<Option<MlDsaKey>, Error> {
    let newest = Filter {
        kinds: vec![kind::KEY.to_owned()],
        reverse: true,
        limit: Some(1),
        ..Filter::default()
    };
    let wrong = |seq| move |error| OpenError::Entry { seq, error };
    if let Some(found) = select(store, &newest)?.next() {
        let (seq, entry) = found?;
        let payload = entry.check_payload().map_err(wrong(seq))?;
        let second = SecondKey::from_object(&payload);
        let second = second.map_err(|error| wrong(seq)(error.into()))?;
        return Ok(Some(second.ml_dsa_44));
    }
    let seq = Seq::FIRST;
    let payload = entry_at(store, seq)?.check_payload().map_err(wrong(seq))?;
    let opening = Opening::from_object(&payload);
    let opening = opening.map_err(|error| wrong(seq)(error.into()))?;
    Ok(opening.post_quantum)
}

impl Ledger {
    /// The second key that the log binds, if there is one.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Open`].
    pub fn second_key(&self) -> Result<Option<MlDsaKey>, Error> {
        bound(self.store())
    }

    /// The key under which the log's own ML-DSA-44 cosignatures are verified; `None`
    /// without a public name, or without a second key.
    ///
    /// # Errors
    /// As [`Ledger::second_key`], [`Ledger::public_name`].
    pub fn second_verifier_key(&self) -> Result<Option<VerifierKey>, Error> {
        let (named, key) = (self.public_name()?, self.second_key()?);
        Ok(named.zip(key).map(|(named, key)| {
            let name = named.name.as_key_name().clone();
            VerifierKey::new(name, Algorithm::MlDsa44(key))
        }))
    }

    /// Where the file of the second key is. A ledger in memory has none.
    fn second_place(&self) -> Result<PathBuf, Error> {
        let dir = self.dir.as_deref().ok_or(Error::ReadOnly)?;
        Ok(place_of(dir, &self.options))
    }

    /// Makes a second key in its file, and binds it by an entry. A log that has one gets
    /// another: the last one counts.
    ///
    /// # Errors
    /// [`Error::Key`]: also where the file is there already, and nothing is written then.
    pub fn add_second_key(&self) -> Result<(MlDsaKey, PathBuf, Receipt), Error> {
        let path = self.second_place()?;
        check_folders([path.as_path()])?;
        let key = make(&path, &self.options)?.public_key();
        let payload = SecondKey {
            ml_dsa_44: key.clone(),
        };
        let entry = PreparedEntry::new(kind::KEY, &payload.to_object())?;
        let receipts = self.logbook()?.submit(vec![entry])?.wait()?;
        let receipt = receipts.into_iter().next();
        Ok((key, path, receipt.ok_or(LogbookError::Stopped)?))
    }

    /// Has both keys sign a checkpoint over every durable entry, which comes back into the
    /// log as those that witnesses cosigned do: what an epoch's head ties is then protected
    /// by the second key, too, without being published. None without a second key or a
    /// public name, and where nothing was appended since the last.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Public`], [`Error::Halted`].
    pub fn cosign_head(&self) -> Result<Option<Receipt>, Error> {
        let (Some(second), Some(named)) = (self.second_signer()?, self.public_name()?) else {
            return Ok(None);
        };
        if let Some(dir) = &self.dir {
            check_not_halted(dir, named.name.as_str())?;
        }
        let logbook = self.logbook()?;
        let now = self.clock().wall();
        if keeps_none(logbook)? {
            return Ok(None);
        }
        let checkpoint = unpublished(&Publication {
            logbook,
            signer: &*self.signer()?,
            second: Some(&second),
            now,
        })?;
        keep_witnessed(logbook, &checkpoint, Duration::ZERO, now)
    }

    /// What signs under the second key that the log binds; `None` if it binds none.
    ///
    /// # Errors
    /// [`Error::Key`] if its file cannot be opened, [`Error::OtherSecondKey`] if it holds
    /// another key.
    pub fn second_signer(&self) -> Result<Option<Arc<MlDsaSigner>>, Error> {
        let Some(bound) = self.second_key()? else {
            return Ok(None);
        };
        let mut opened = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = opened.as_ref().filter(|it| it.public_key() == bound) {
            return Ok(Some(Arc::clone(signer)));
        }
        let path = self.second_place()?;
        let signer = Arc::new(open(&path, &self.options)?);
        if signer.public_key() != bound {
            return Err(Error::OtherSecondKey { path });
        }
        *opened = Some(Arc::clone(&signer));
        Ok(Some(signer))
    }
}
