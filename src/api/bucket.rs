//! Ledgers whose durable record is in a bucket: made, made again from it, taken over.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::create::{KEY_PATH, new_key, signer_of};
use super::{Error, Options};
use crate::bucket::{self, Address, BucketError, Objects, check};
use crate::ledger::head::SignedHead;
use crate::ledger::key::Signer;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::statement::Statement;
use crate::logbook::error::OpenError;
use crate::logbook::init::Beginning;
use crate::logbook::mark::{Mark, MarkFile};
use crate::logbook::{Parts, extent_of, judge_mark};
use crate::signers::KeyLocation;
use crate::store::{RocksStore, StoreError};

/// What is recorded where the head of a bucket was accepted.
pub(super) const ACCEPTED: &str = "the head that the bucket had was accepted";

/// Makes the store of a ledger: in the bucket if one is named, then in `dir`.
pub(super) fn create(
    dir: &Path,
    options: &Options,
    beginning: Beginning,
    signer: &dyn Signer,
) -> Result<RocksStore, Error> {
    let Some(address) = &options.bucket else {
        return Ok(RocksStore::create(dir, beginning.batch)?);
    };
    let base = address.connect()?;
    let (first, identity) = (beginning.batch, beginning.identity);
    Ok(bucket::create(&base, dir, first, identity, signer)?)
}

/// Before anything is made: that the bucket holds the condition, and that the key will
/// not be lost with the machine.
pub(super) fn check_new(dir: &Path, options: &Options) -> Result<(), Error> {
    let Some(address) = &options.bucket else {
        return Ok(());
    };
    if options.index {
        return Err(BucketError::Url {
            url: address.url().to_owned(),
            problem: "the index of a log does not lie in a bucket yet: leave --format-version 2 away",
        }
        .into());
    }
    if address.log().is_some() {
        return Err(BucketError::Url {
            url: address.url().to_owned(),
            problem: "a new log gets a genesis of its own: leave /log/… away",
        }
        .into());
    }
    let path = new_key(dir, options);
    if !options.key_beside && lie_together(&path, dir) {
        return Err(Error::KeyBeside { path });
    }
    let base = address.connect()?;
    match check::passed(&base) {
        Err(BucketError::NotChecked { .. }) => check::run(&[base]).map(drop),
        known => known.map(drop),
    }?;
    Ok(())
}

/// Everything that writing a ledger in a bucket needs. Where `dir` is not there, it is
/// made from the bucket.
///
/// With `judged`, a mark that is at fault is an error before anything is signed.
pub(super) fn parts(
    dir: &Path,
    address: &Address,
    options: &Options,
    judged: bool,
) -> Result<Parts, Error> {
    let base = address.connect()?;
    let (cache, signer) = cache(dir, address, &base, options, options.wait)?;
    let mark = options.mark_of(dir);
    take_head(options, &mark)?;
    let accepts = !judged || accepts_head(options, &mark)?;
    let store = bucket::open(&base, cache, Arc::clone(&signer), |cache| {
        if !accepts {
            judge_mark(cache, &mark, &extent_of(cache)?)??;
        }
        Ok::<_, Error>(())
    })?;
    Ok(Parts {
        store: Arc::new(store),
        signer,
        clock: options.clock_or_system(),
        mark,
    })
}

/// What following a log needs: the cache, the key, and a mark against which the log can be
/// held when it is taken over.
pub(super) fn followed(
    dir: &Path,
    address: &Address,
    base: &Objects,
    options: &Options,
) -> Result<(RocksStore, Arc<dyn Signer>, MarkFile), Error> {
    let (cache, signer) = cache(dir, address, base, options, options.wait)?;
    let mark = options.mark_of(dir);
    take_head(options, &mark)?;
    accepts_head(options, &mark)?;
    Ok((cache, signer, mark))
}

/// The head that is kept is the mark of a machine that has none.
fn take_head(options: &Options, mark: &MarkFile) -> Result<(), Error> {
    match &options.bucket_head {
        Some(head) if !mark.exists() => {
            let written = mark.write(&kept(head)?);
            written.map_err(|error| Error::file(mark.path(), error))
        }
        _ => Ok(()),
    }
}

/// Brings the ledger in `dir` up to what the bucket has, or makes it from there, for who
/// reads: nobody is fenced. Where another process writes it, that one keeps it up.
pub(super) fn catch_up(dir: &Path, address: &Address, options: &Options) -> Result<(), Error> {
    let base = address.connect()?;
    let (cache, signer) = match cache(dir, address, &base, options, Duration::ZERO) {
        Err(error) if is_locked(&error) => return Ok(()),
        other => other?,
    };
    bucket::catch_up(&base, &cache, &*signer)?;
    Ok(cache.close()?)
}

fn is_locked(error: &Error) -> bool {
    matches!(
        error,
        Error::Open(OpenError::Store(StoreError::Locked { .. }))
    )
}

/// The cache and the key. A ledger that is there belongs to this bucket or to none.
fn cache(
    dir: &Path,
    address: &Address,
    base: &Objects,
    options: &Options,
    wait: Duration,
) -> Result<(RocksStore, Arc<dyn Signer>), Error> {
    let is_missing = RocksStore::check_free(dir).is_ok();
    if !is_missing {
        let cache = RocksStore::open_within(dir, wait)?;
        let signer = signer_of(dir, &cache, options)?;
        return Ok((cache, options.held(signer)));
    }
    let key = new_key(dir, options);
    let signer = options.held(options.open_key(&key)?);
    let path = KeyLocation::absolute(&key).map_err(|error| Error::file(&key, error))?;
    let meta = vec![(KEY_PATH, path.as_os_str().as_bytes().to_vec())];
    let cache = bucket::restore(base, dir, address.log(), &*signer, meta)?;
    Ok((cache, signer))
}

/// Whether the mark is missing because nothing was ever written here, and the operator
/// takes the bucket's word for it.
pub(super) fn accepts_head(options: &Options, mark: &MarkFile) -> Result<bool, Error> {
    if options.bucket.is_none() || mark.exists() {
        return Ok(false);
    }
    match options.accept_bucket_head {
        true => Ok(true),
        false => Err(BucketError::HeadUnknown.into()),
    }
}

/// A head that somebody kept, as the mark that this machine goes on from.
fn kept(path: &PathBuf) -> Result<Mark, Error> {
    let text = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let too_large = text.len() > limits::SMALL_FILE_BYTES;
    let value = (!too_large).then(|| parse::parse(&text).ok()).flatten();
    let head: Option<SignedHead> = value.and_then(|value| Statement::from_value(&value).ok());
    match head.filter(Statement::verify) {
        Some(head) => Ok(Mark { head, sealed: None }),
        None => Err(Error::NotRecognised {
            path: Some(path.clone()),
        }),
    }
}

/// Whether a key is lost when the folder that the ledger is in is.
fn lie_together(key: &Path, ledger: &Path) -> bool {
    let folder = |path: &Path| {
        let path = std::path::absolute(path).ok()?;
        let parent = path.parent()?.to_owned();
        Some(parent.canonicalize().unwrap_or(parent))
    };
    folder(key) == folder(ledger)
}
