//! Logs in a bucket, made and opened.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::address::Address;
use super::objects::{Coming, Objects};
use super::protocol::{Answer, Ask, Kind, Reached, TakeOver, after};
use super::rebuild::Rebuild;
use super::store::{Position, Writer, asked};
use super::{BucketError, BucketStore, check};
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::position::Seq;
use crate::ledger::wal::{Object, Place, Says, Unsigned, WalError};
use crate::logbook::error::OpenError;
use crate::logbook::{Identity, entry_at, identity_of};
use crate::store::{Batch, RocksStore, Store, StoreError};

/// Objects that are asked for ahead at most, and their bytes.
const AHEAD: usize = 32;
const AHEAD_BYTES: usize = 32 << 20;

/// Bytes of entries from which on what was replayed is written to the cache.
const WRITTEN_TOGETHER: usize = 4 << 20;

/// How far beyond a free place it is looked for objects: 2^0 to 2^20 places.
const BEYOND: u32 = 20;

/// What is signed twice to see that the signer gives the same bytes.
const PROBE: &[u8] = b"sealbook:probe:v1\x1fthe same bytes each time";

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
            next: Place::FIRST,
            last: None,
            url: objects.url().to_owned(),
        },
        objects,
        next_seq: 0,
        last_hash: Hash::ZERO,
        stopped: false,
    };
    let unsigned = super::store::without_signatures(&first, Unsigned::default())?;
    let digest = writer.put(Says::Batch(unsigned), signer)?;
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
    let Some(bytes) = objects.read(&Place::FIRST.key())? else {
        return Err(BucketError::OlderCopy {
            place: Place::FIRST,
        });
    };
    let (object, digest) = opened(&bytes, Place::FIRST, log, Some(genesis))?;
    let Says::Batch(unsigned) = &object.says else {
        return Err(damaged(Place::FIRST, WalError::Lines));
    };
    let mut batch = Rebuild::begin().batch(Place::FIRST, unsigned, signer)?;
    if batch.entries.first().map(|entry| entry.hash) != Some(genesis) {
        return Err(damaged(Place::FIRST, WalError::Digest));
    }
    let position = Position {
        next: Place { generation: 0, n: 1 },
        last: Some((Place::FIRST, digest)),
        url: objects.url().to_owned(),
    };
    batch.meta = meta;
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
    let mut replay = Replay::new(base, &cache, &*signer)?;
    replay.read_to_end()?;
    judge(&cache)?;
    replay.take_over()?;
    let mut writer = replay.writer;
    (writer.next_seq, writer.last_hash) = replay.rebuild.end();
    Ok(BucketStore::new(cache, writer, signer))
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
) -> Result<Place, BucketError> {
    let mut replay = Replay::new(base, cache, signer)?;
    replay.read_to_end()?;
    Ok(replay.writer.at.next)
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
    let mut logs: Vec<_> = folders.iter().filter_map(|name| Hash::from_hex(name).ok()).collect();
    logs.sort_unstable();
    Ok(logs)
}

/// Signatures are made again on every machine: a signer that gives others each time
/// would fork the log.
fn check_deterministic(signer: &dyn Signer, first: Option<&Entry>) -> Result<(), BucketError> {
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
fn check_last(objects: &Objects, at: &Position, identity: Identity) -> Result<(), BucketError> {
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

fn nonce() -> Result<Hash, BucketError> {
    let mut bytes = [0; Hash::BYTES];
    getrandom::fill(&mut bytes).map_err(BucketError::Randomness)?;
    Ok(Hash::from_bytes(bytes))
}

fn opened(
    bytes: &[u8],
    place: Place,
    log: PublicKey,
    genesis: Option<Hash>,
) -> Result<(Object, Hash), BucketError> {
    Object::open(bytes, place, log, genesis).map_err(|error| damaged(place, error))
}

fn damaged(place: Place, error: WalError) -> BucketError {
    BucketError::Object { place, error }
}

/// The reading on of a log.
struct Replay<'r> {
    cache: &'r RocksStore,
    signer: &'r dyn Signer,
    rebuild: Rebuild,
    writer: Writer,
    /// What was replayed and is not written yet.
    pending: Batch,
    pending_bytes: usize,
    /// Objects that were asked for.
    ahead: BTreeMap<Place, Coming>,
    /// How many are asked for together.
    width: usize,
}

impl<'r> Replay<'r> {
    /// That cache, key and bucket belong together, and where they have come to.
    fn new(
        base: &Objects,
        cache: &'r RocksStore,
        signer: &'r dyn Signer,
    ) -> Result<Replay<'r>, BucketError> {
        let position = Position::of(cache)?.ok_or(BucketError::NotInBucket)?;
        let identity = identity_of(cache)?;
        let given = signer.public_key();
        if identity.log != given {
            let log = identity.log;
            return Err(OpenError::OtherKey { log, given }.into());
        }
        check_deterministic(signer, Some(&entry_at(cache, Seq::FIRST)?))?;
        let objects = of_log(base, &identity.genesis);
        check_last(&objects, &position, identity)?;
        Ok(Replay {
            cache,
            signer,
            rebuild: Rebuild::after(cache)?,
            writer: Writer {
                log: identity.log,
                genesis: identity.genesis,
                nonce: nonce()?,
                at: Position {
                    url: objects.url().to_owned(),
                    ..position
                },
                objects,
                next_seq: 0,
                last_hash: Hash::ZERO,
                stopped: false,
            },
            pending: Batch::default(),
            pending_bytes: 0,
            ahead: BTreeMap::new(),
            width: 1,
        })
    }

    fn read_to_end(&mut self) -> Result<(), BucketError> {
        loop {
            let place = self.writer.at.next;
            match self.ask(Ask::Read(place), Bytes::new()) {
                Answer::Found(bytes) => self.go_on(place, &bytes)?,
                Answer::Absent => {
                    self.check_nothing_beyond(place)?;
                    return Ok(self.write()?);
                }
                _ => return Err(BucketError::Unknown { place }),
            }
        }
    }

    /// Replays an object, and goes to the place after it.
    fn go_on(&mut self, place: Place, bytes: &Bytes) -> Result<(), BucketError> {
        let kind = self.replay(place, bytes)?;
        self.writer.at.next = after(place, kind).ok_or(BucketError::Unknown { place })?;
        if self.pending_bytes >= WRITTEN_TOGETHER || self.pending.epoch.is_some() {
            self.write()?;
        }
        Ok(())
    }

    fn take_over(&mut self) -> Result<(), BucketError> {
        let mut taking = TakeOver::from(self.writer.at.next);
        let mut fence: Option<(Bytes, Hash)> = None;
        loop {
            let place = taking.at();
            if taking.is_fencing() && fence.is_none() {
                self.check_nothing_beyond(place)?;
                let (bytes, digest) = self.writer.object(Says::Fence, self.signer)?;
                fence = Some((Bytes::from(bytes), digest));
            }
            let own = fence.as_ref().map(|(bytes, _)| bytes.clone());
            let answer = self.ask(taking.ask(), own.clone().unwrap_or_default());
            let is_own = |found: &Bytes| own.as_ref() == Some(found);
            match taking.take(answer, is_own) {
                None => {}
                Some(Reached::Taken(next)) => {
                    let digest = fence.map_or(Hash::ZERO, |(_, digest)| digest);
                    self.writer.at.last = Some((place, digest));
                    self.writer.at.next = next;
                    return Ok(self.write()?);
                }
                Some(Reached::Unknown) => return Err(BucketError::Unknown { place }),
                Some(Reached::Replay(place, bytes)) => {
                    fence = None;
                    self.go_on(place, &bytes)?;
                    taking = TakeOver::from(self.writer.at.next);
                }
            }
        }
    }

    fn ask(&mut self, ask: Ask, own: Bytes) -> Answer<Bytes> {
        let Ask::Read(place) = ask else {
            return asked(&self.writer.objects, ask, &own);
        };
        // What was asked for long ago may say that there is nothing where there is
        // something now: the fence is created only where there is nothing then.
        let coming = self.ahead.remove(&place);
        for distance in 1..self.width as u64 {
            let n = place.n.saturating_add(distance);
            let next = Place { n, ..place };
            let objects = &self.writer.objects;
            let ask = || objects.begin_read(&next.key());
            self.ahead.entry(next).or_insert_with(ask);
        }
        match coming {
            Some(coming) => coming.answer(),
            None => self.writer.objects.look(&place.key()),
        }
    }

    fn replay(&mut self, place: Place, bytes: &Bytes) -> Result<Kind, BucketError> {
        let (log, genesis) = (self.writer.log, self.writer.genesis);
        let (object, digest) = opened(bytes, place, log, Some(genesis))?;
        let before = self.writer.at.last.map_or(Hash::ZERO, |(_, digest)| digest);
        if object.prev != before {
            return Err(damaged(place, WalError::Prev));
        }
        let kind = match &object.says {
            Says::Fence => {
                self.ahead.clear();
                Kind::Fence
            }
            Says::Batch(unsigned) => {
                self.take(place, unsigned)?;
                Kind::Batch
            }
        };
        self.writer.at.last = Some((place, digest));
        self.pending_bytes += bytes.len();
        let fit = AHEAD_BYTES / bytes.len().max(1);
        self.width = (2 * self.width).min(fit).clamp(1, AHEAD);
        Ok(kind)
    }

    fn take(&mut self, place: Place, unsigned: &Unsigned) -> Result<(), BucketError> {
        let batch = self.rebuild.batch(place, unsigned, self.signer)?;
        self.pending.entries.extend(batch.entries);
        self.pending.tiles.extend(batch.tiles);
        self.pending.notes.extend(batch.notes);
        self.pending.epoch = batch.epoch;
        let forget = self.pending.forget_notes_before;
        self.pending.forget_notes_before = forget.max(batch.forget_notes_before);
        if !unsigned.rows.is_empty() {
            self.cache.put_imported(&unsigned.rows)?;
        }
        Ok(())
    }

    /// Writes to the cache what was replayed, and how far that is.
    fn write(&mut self) -> Result<(), StoreError> {
        let mut batch = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        batch.meta.push(self.writer.at.meta());
        self.cache.commit(batch)
    }

    /// A place without an object is the end of the log, unless there are objects beyond:
    /// then one was deleted, and nothing is signed on what is left.
    fn check_nothing_beyond(&self, place: Place) -> Result<(), BucketError> {
        let mut beyond: Vec<_> = (0..=BEYOND)
            .filter_map(|power| {
                let n = place.n.checked_add(1 << power)?;
                Some(Place { n, ..place })
            })
            .collect();
        beyond.extend(place.next_generation());
        let keys: Vec<_> = beyond.iter().map(|place| place.key()).collect();
        let found = self.writer.objects.existing(&keys)?;
        let Some(beyond) = found.first().and_then(|key| Place::of_key(key)) else {
            return Ok(());
        };
        // A writer that lives may have gone on meanwhile.
        match self.writer.objects.read(&place.key())? {
            Some(_) => Ok(()),
            None => Err(BucketError::Hole { place, beyond }),
        }
    }
}
