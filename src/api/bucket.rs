//! Ledgers whose durable record is in a bucket: made, made again from it, taken over.

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::create::{KEY_PATH, new_key, signer_of};
use super::{Error, Options};
use crate::bucket::{self, Address, BucketError, Objects, check};
use crate::files::open_regular;
use crate::ledger::head::{Head, SignedHead};
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::limits;
use crate::ledger::note::{Algorithm, VerifierKey};
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witness_policy::{self, WitnessPolicy};
use crate::logbook::error::OpenError;
use crate::logbook::init::Beginning;
use crate::logbook::mark::{Mark, MarkFile};
use crate::logbook::{Parts, entry_at, extent_of, judge_mark};
use crate::publish::root_before;
use crate::signers::KeyLocation;
use crate::store::{RocksStore, Store, StoreError};

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
            problem: "the index of a log does not lie in a bucket yet: leave out --format-version 2",
        }
        .into());
    }
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
    let checkpoint = take_head(options, &mark, signer.public_key())?;
    let accepts = !judged || (checkpoint.is_none() && accepts_head(options, &mark)?);
    let store = bucket::open(&base, cache, Arc::clone(&signer), |cache| {
        if let Some(checkpoint) = &checkpoint {
            begin_mark(cache, checkpoint, &*signer, &mark)?;
        }
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
    match take_head(options, &mark, signer.public_key())? {
        Some(checkpoint) => {
            bucket::catch_up(base, &cache, &*signer)?;
            begin_mark(&cache, &checkpoint, &*signer, &mark)?;
        }
        None => drop(accepts_head(options, &mark)?),
    }
    Ok((cache, signer, mark))
}

/// The head that is kept is the mark of a machine that has none. A checkpoint is given
/// back, for what the bucket has to be held against.
fn take_head(
    options: &Options,
    mark: &MarkFile,
    log: PublicKey,
) -> Result<Option<SignedCheckpoint>, Error> {
    let Some(path) = options.bucket_head.as_ref().filter(|_| !mark.exists()) else {
        return Ok(None);
    };
    let witnesses = options
        .bucket_witnesses
        .as_deref()
        .map(policy)
        .transpose()?;
    match kept(path)? {
        Kept::Head(head) if witnesses.is_none() => {
            let written = mark.write(&Mark { head, sealed: None });
            written.map_err(|error| Error::file(mark.path(), error))?;
            Ok(None)
        }
        Kept::Head(_) => Err(untrusted("a head has no cosignatures of witnesses")),
        Kept::Checkpoint(checkpoint) => {
            believe(&checkpoint, log, witnesses.as_ref())?;
            Ok(Some(checkpoint))
        }
    }
}

fn untrusted(reason: impl ToString) -> Error {
    let reason = reason.to_string();
    BucketError::CheckpointUntrusted { reason }.into()
}

/// The log must have signed a checkpoint that it is held against, and so must a quorum of
/// the witnesses, where there is a policy.
fn believe(
    checkpoint: &SignedCheckpoint,
    log: PublicKey,
    witnesses: Option<&WitnessPolicy>,
) -> Result<(), Error> {
    let (origin, note) = (&checkpoint.content().origin, checkpoint.note());
    let Some(policy) = witnesses else {
        let name = origin.parse();
        let name = name.map_err(|_| untrusted("its first line is not a name of a key"))?;
        let own = VerifierKey::new(name, Algorithm::Ed25519(log));
        return own.verify(note).map(drop).map_err(untrusted);
    };
    policy.check_log(origin, log, note).map_err(untrusted)?;
    let by = |witness: usize| {
        let known = policy.witnesses.get(witness);
        known.is_some_and(|known| known.key.verify(note).is_ok())
    };
    match policy.is_met(by) {
        true => Ok(()),
        false => Err(untrusted("no quorum of the witnesses cosigned it")),
    }
}

/// Holds what the bucket has against a checkpoint of the log, and begins the mark there.
fn begin_mark(
    cache: &dyn Store,
    checkpoint: &SignedCheckpoint,
    signer: &dyn Signer,
    mark: &MarkFile,
) -> Result<(), Error> {
    let extent = extent_of(cache)?;
    let (content, entries) = (checkpoint.content(), extent.last_seq.0.saturating_add(1));
    let size = content.size;
    if entries < size {
        return Err(BucketError::BehindCheckpoint { entries, size }.into());
    }
    if root_before(cache, size, content)?.is_none() {
        return Err(BucketError::OtherCheckpoint { size }.into());
    }
    // What comes after it, the checkpoint says nothing of.
    let seq = size.checked_sub(1).map(Seq);
    let seq = seq.ok_or_else(|| untrusted("it is over no entry"))?;
    let last = entry_at(cache, seq)?;
    let head = Head {
        second: None,
        log: extent.log,
        genesis: extent.genesis,
        seq,
        hash: last.hash(),
        ts: last.ts(),
    };
    let head = Statement::sign(head, signer)?;
    let written = mark.write(&Mark { head, sealed: None });
    written.map_err(|error| Error::file(mark.path(), error))
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
    let checkpoint = take_head(options, &mark, signer.public_key())?;
    bucket::catch_up(&base, &cache, &*signer)?;
    if let Some(checkpoint) = checkpoint {
        begin_mark(&cache, &checkpoint, &*signer, &mark)?;
    }
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

/// What somebody kept of a log.
enum Kept {
    Head(SignedHead),
    Checkpoint(SignedCheckpoint),
}

fn kept(path: &Path) -> Result<Kept, Error> {
    let text = small(path, limits::SMALL_FILE_BYTES)?;
    if let Ok(checkpoint) = SignedCheckpoint::parse(&text) {
        return Ok(Kept::Checkpoint(checkpoint));
    }
    let value = parse::parse(&text).ok();
    let head: Option<SignedHead> = value.and_then(|value| Statement::from_value(&value).ok());
    match head.filter(Statement::verify) {
        Some(head) => Ok(Kept::Head(head)),
        None => Err(not_recognised(path)),
    }
}

fn policy(path: &Path) -> Result<WitnessPolicy, Error> {
    let text = small(path, witness_policy::MAX_BYTES)?;
    witness_policy::parse(&text).map_err(|_| not_recognised(path))
}

fn small(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::file(path, error);
    let file = open_regular(path).map_err(failed)?;
    let mut text = Vec::new();
    let read = file.take(limit as u64 + 1).read_to_end(&mut text);
    read.map_err(failed)?;
    match text.len() <= limit {
        true => Ok(text),
        false => Err(not_recognised(path)),
    }
}

fn not_recognised(path: &Path) -> Error {
    let path = Some(path.to_owned());
    Error::NotRecognised { path }
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
