//! Ledgers whose durable record is in a bucket: made, made again from it, taken over.

mod against;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use against::Against;

use super::create::{KEY_PATH, new_key, signer_of};
use super::{Error, Options};
use crate::bucket::{self, Address, BucketError, Objects, check};
use crate::ledger::key::Signer;
use crate::logbook::error::OpenError;
use crate::logbook::init::Beginning;
use crate::logbook::mark::MarkFile;
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
    if address.log().is_some() {
        return Err(BucketError::Url {
            url: address.url().to_owned(),
            problem: "a new log gets a genesis of its own: leave out /log/…",
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
    let against = Against::take(options, &mark, signer.public_key())?;
    let accepts = !judged || (against.is_nothing() && accepts_head(options, &mark)?);
    let store = bucket::open(&base, cache, Arc::clone(&signer), |cache| {
        against.begin_mark(cache, &*signer, &mark)?;
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
    let against = Against::take(options, &mark, signer.public_key())?;
    if against.is_nothing() {
        accepts_head(options, &mark)?;
    } else {
        bucket::catch_up(base, &cache, &*signer)?;
        against.begin_mark(&cache, &*signer, &mark)?;
    }
    Ok((cache, signer, mark))
}

/// Brings the ledger in `dir` up to what the bucket has, or makes it from there, for who
/// reads: nobody is fenced. Where another process writes it, that one keeps it up.
pub(super) fn catch_up(dir: &Path, address: &Address, options: &Options) -> Result<(), Error> {
    let base = address.connect()?;
    let (cache, signer) = match cache(dir, address, &base, options, Duration::ZERO) {
        Err(error) if is_locked(&error) => return Ok(()),
        other => other?,
    };
    let mark = options.mark_of(dir);
    let against = Against::take(options, &mark, signer.public_key())?;
    bucket::catch_up(&base, &cache, &*signer)?;
    against.begin_mark(&cache, &*signer, &mark)?;
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

/// Whether a key is lost when the folder that the ledger is in is.
fn lie_together(key: &Path, ledger: &Path) -> bool {
    let folder = |path: &Path| {
        let path = std::path::absolute(path).ok()?;
        let parent = path.parent()?.to_owned();
        Some(parent.canonicalize().unwrap_or(parent))
    };
    folder(key) == folder(ledger)
}
