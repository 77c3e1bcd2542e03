//! Logs in a bucket, made and opened.

use std::path::Path;
use std::sync::Arc;

use super::address::Address;
use super::objects::Objects;
use super::rebuild::Rebuild;
use super::replay::Replay;
use super::store::{Position, Writer, without_signatures};
use super::{BucketError, BucketStore, archived, check};
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::signed::PROBE;
use crate::ledger::wal::{Says, UnsignedBatch, WalError, WalObject, WalPosition};
use crate::logbook::Identity;
use crate::store::{Batch, RocksStore, Store};

/// Makes a log: its entry 0 is the first object of the bucket, then the cache.
///
/// # Errors
/// [`BucketError`]; [`check::passed`] must hold.
pub fn create(
    base: &Objects,
    dir: &Path,
    first: Batch,
    identity: Identity,
    signer: &dyn Signer,
) -> Result<RocksStore, BucketError> {
    check::passed(base)?;
    check_deterministic(signer, None)?;
    RocksStore::check_free(dir)?;
    let objects = of_log(base, &identity.genesis);
    let mut writer = Writer {
        log: identity.log,
        genesis: identity.genesis,
        nonce: nonce()?,
        at: Position {
            next: WalPosition::FIRST,
            last: None,
            url: objects.url().to_owned(),
        },
        objects,
        next_seq: 0,
        last_hash: Hash::ZERO,
        stopped: false,
    };
    let unsigned = without_signatures(&first, UnsignedBatch::default())?;
    let digest = writer.put(Says::Batch(Box::new(unsigned)), signer)?;
    writer.step(digest)?;
    let mut first = first;
    first.meta.push(writer.at.meta());
    Ok(RocksStore::create(dir, first)?)
}

/// Makes the cache of a log that lies in a bucket, with its entry 0. `meta` is kept
/// beside it.
///
/// # Errors
/// [`BucketError`].
pub fn restore(
    base: &Objects,
    dir: &Path,
    named: Option<Hash>,
    signer: &dyn Signer,
    meta: Vec<(&'static str, Vec<u8>)>,
) -> Result<RocksStore, BucketError> {
    check_deterministic(signer, None)?;
    let genesis = only_log(base, named)?;
    let objects = of_log(base, &genesis);
    let log = signer.public_key();
    let Some(bytes) = objects.read(&WalPosition::FIRST.key())? else {
        return Err(BucketError::OlderCopy {
            place: WalPosition::FIRST,
        });
    };
    let (object, digest) = opened(&bytes, WalPosition::FIRST, log, Some(genesis))?;
    let Says::Batch(unsigned) = &object.says else {
        return Err(damaged(WalPosition::FIRST, WalError::Lines));
    };
    let mut batch = Rebuild::begin().batch(WalPosition::FIRST, unsigned, signer)?;
    if batch.entries.first().map(|entry| entry.hash) != Some(genesis) {
        return Err(damaged(WalPosition::FIRST, WalError::Digest));
    }
    let position = Position {
        next: WalPosition {
            generation: 0,
            n: 1,
        },
        last: Some((WalPosition::FIRST, digest)),
        url: objects.url().to_owned(),
    };
    batch.meta.extend(meta);
    batch.meta.push(position.meta());
    Ok(RocksStore::create(dir, batch)?)
}

/// Takes a log over: replays what the bucket has beyond the cache, fences who wrote
/// before, and writes on. `judge` is asked about what was replayed before anything is
/// signed.
///
/// # Errors
/// [`BucketError`]; nothing of the bucket's record was written then, but a fence perhaps.
pub fn open<E: From<BucketError>>(
    base: &Objects,
    cache: RocksStore,
    signer: Arc<dyn Signer>,
    judge: impl FnOnce(&dyn Store) -> Result<(), E>,
) -> Result<BucketStore, E> {
    check::passed(base)?;
    archived::attach_objects(&cache, base)?;
    let mut replay = Replay::new(base, &cache, &*signer)?;
    replay.read_to_end()?;
    judge(&cache)?;
    replay.take_over()?;
    let writer = replay.into_writer();
    let store = BucketStore::new(cache, writer, signer);
    // What cannot be removed now is tried again; nothing else waits for it.
    let _ = store.purge();
    Ok(store)
}

/// Replays what the bucket has beyond the cache, and fences nobody. Gives the first free
/// place.
///
/// # Errors
/// [`BucketError`].
pub fn catch_up(
    base: &Objects,
    cache: &RocksStore,
    signer: &dyn Signer,
) -> Result<WalPosition, BucketError> {
    archived::attach_objects(cache, base)?;
    let mut replay = Replay::new(base, cache, signer)?;
    replay.read_to_end()?;
    Ok(replay.place())
}

/// Refuses a ledger whose record is in a bucket, for who would write it without.
///
/// # Errors
/// [`BucketError::BucketNotNamed`].
pub fn check_local(store: &dyn Store) -> Result<(), BucketError> {
    match Position::of(store)? {
        Some(position) => Err(BucketError::BucketNotNamed { url: position.url }),
        None => Ok(()),
    }
}

/// The objects of one log.
#[must_use]
pub fn of_log(base: &Objects, genesis: &Hash) -> Objects {
    base.under(&Address::log_path(genesis))
}

/// The log that is named, or the only one.
///
/// # Errors
/// [`BucketError::NoLog`], [`BucketError::SeveralLogs`].
pub fn only_log(base: &Objects, named: Option<Hash>) -> Result<Hash, BucketError> {
    if let Some(genesis) = named {
        return Ok(genesis);
    }
    let logs = all_logs(base)?;
    match logs.as_slice() {
        [] => Err(BucketError::NoLog {
            url: base.url().to_owned(),
        }),
        [one] => Ok(*one),
        [one, ..] => Err(BucketError::SeveralLogs {
            url: base.url().to_owned(),
            count: logs.len(),
            one: *one,
        }),
    }
}

/// The logs that lie below a prefix, by their genesis.
///
/// # Errors
/// [`BucketError::Store`].
pub fn all_logs(base: &Objects) -> Result<Vec<Hash>, BucketError> {
    let folders = base.folders("log")?;
    let mut logs: Vec<_> = folders
        .iter()
        .filter_map(|name| Hash::from_hex(name).ok())
        .collect();
    logs.sort_unstable();
    Ok(logs)
}

/// Signatures are made again on every machine: a signer that gives others each time
/// would fork the log.
pub(super) fn check_deterministic(
    signer: &dyn Signer,
    first: Option<&Entry>,
) -> Result<(), BucketError> {
    let twice = signer.sign(PROBE)? == signer.sign(PROBE)?;
    let as_before = match first {
        Some(entry) => signer.sign(entry.signing_payload())? == entry.signature(),
        None => true,
    };
    match twice && as_before {
        true => Ok(()),
        false => Err(BucketError::NotDeterministic),
    }
}

/// That the bucket still has the object that the cache was made from last.
pub(super) fn check_last(
    objects: &Objects,
    at: &Position,
    identity: Identity,
) -> Result<(), BucketError> {
    let Some((place, digest)) = at.last else {
        return Ok(());
    };
    let Some(bytes) = objects.read(&place.key())? else {
        return Err(BucketError::OlderCopy { place });
    };
    let (_, found) = opened(&bytes, place, identity.log, Some(identity.genesis))?;
    match found == digest {
        true => Ok(()),
        false => Err(BucketError::OtherHistory { place }),
    }
}

pub(super) fn nonce() -> Result<Hash, BucketError> {
    let mut bytes = [0; Hash::BYTES];
    getrandom::fill(&mut bytes).map_err(BucketError::Randomness)?;
    Ok(Hash::from_bytes(bytes))
}

pub(super) fn opened(
    bytes: &[u8],
    place: WalPosition,
    log: PublicKey,
    genesis: Option<Hash>,
) -> Result<(WalObject, Hash), BucketError> {
    WalObject::open(bytes, place, log, genesis).map_err(|error| damaged(place, error))
}

pub(super) fn damaged(place: WalPosition, error: WalError) -> BucketError {
    BucketError::Object { place, error }
}
