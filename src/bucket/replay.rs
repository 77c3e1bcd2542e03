//! Reading on in a log: objects are judged, signed again and written to the cache; then
//! the first free place is fenced.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::BucketError;
use super::kept;
use super::objects::{Coming, Objects};
use super::opening::{check_deterministic, check_last, damaged, nonce, of_log, opened};
use super::protocol::{Answer, Ask, Kind, Reached, TakeOver, after};
use super::rebuild::Rebuild;
use super::store::{Position, Writer, asked};
use crate::ledger::entry::Unhashed;
use crate::ledger::hash::Hash;
use crate::ledger::key::Signer;
use crate::ledger::kind;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::Erasure;
use crate::ledger::wal::{Says, UnsignedBatch, WalError, WalPosition};
use crate::logbook::error::OpenError;
use crate::logbook::{entry_at, identity_of};
use crate::store::{Batch, NewEntry, OpeningKey, RocksStore, Store as _, StoreError};

/// Objects that are asked for ahead at most, and their bytes.
const AHEAD: usize = 32;
const AHEAD_BYTES: usize = 32 << 20;

/// Bytes of entries from which on what was replayed is written to the cache.
const WRITTEN_TOGETHER: usize = 4 << 20;

/// How far beyond a free place it is looked for objects: 2^0 to 2^20 places.
const BEYOND: u32 = 20;

/// The reading on of a log.
pub(super) struct Replay<'r> {
    cache: &'r RocksStore,
    signer: &'r dyn Signer,
    rebuild: Rebuild<'r>,
    writer: Writer,
    /// What was replayed and is not written yet.
    pending: Batch,
    pending_bytes: usize,
    /// What is written while the next object is replayed.
    due: Option<Batch>,
    /// Objects that were asked for.
    ahead: BTreeMap<WalPosition, Coming<Option<Bytes>>>,
    /// How many are asked for together.
    width: usize,
}

impl<'r> Replay<'r> {
    /// That cache, key and bucket belong together, and where they have come to.
    pub(super) fn new(
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
            due: None,
            ahead: BTreeMap::new(),
            width: 1,
        })
    }

    /// Reads to the first free place, beyond which nothing may lie.
    pub(super) fn read_to_end(&mut self) -> Result<(), BucketError> {
        let end = self.read()?;
        self.check_nothing_beyond(end)?;
        Ok(self.write()?)
    }

    /// Reads what came since. That nothing lies beyond is not looked at: it costs many
    /// requests, and who takes over looks.
    pub(super) fn read_on(&mut self) -> Result<(), BucketError> {
        self.read()?;
        // What is asked for ahead costs a request each time there is nothing.
        self.ahead.clear();
        self.width = 1;
        Ok(self.write()?)
    }

    fn read(&mut self) -> Result<WalPosition, BucketError> {
        loop {
            let place = self.writer.at.next;
            match self.ask(Ask::Read(place), Bytes::new()) {
                Answer::Found(bytes) => self.go_on(place, &bytes)?,
                Answer::Absent => return Ok(place),
                _ => return Err(BucketError::Unknown { place }),
            }
        }
    }

    pub(super) const fn objects(&self) -> &Objects {
        &self.writer.objects
    }

    /// Replays an object, and goes to the place after it.
    fn go_on(&mut self, place: WalPosition, bytes: &Bytes) -> Result<(), BucketError> {
        let (cache, mut due) = (self.cache, self.due.take());
        // A header commits to the trees of the epochs before it.
        if self.rebuild.has_index()
            && let Some(sealed) = due.take_if(|due| due.epoch.is_some())
        {
            commit(cache, sealed)?;
        }
        let (written, replayed) = rayon::join(
            || due.map_or(Ok(()), |due| commit(cache, due)),
            || self.replay(place, bytes),
        );
        written?;
        self.writer.at.next = after(place, replayed?).ok_or(BucketError::Unknown { place })?;
        if self.pending_bytes >= WRITTEN_TOGETHER || self.pending.epoch.is_some() {
            self.due = Some(self.take_pending());
        }
        Ok(())
    }

    /// The first free place.
    pub(super) const fn place(&self) -> WalPosition {
        self.writer.at.next
    }

    /// The writer, behind what was replayed.
    pub(super) fn into_writer(self) -> Writer {
        let (next_seq, last_hash) = self.rebuild.end();
        Writer {
            next_seq,
            last_hash,
            ..self.writer
        }
    }

    pub(super) fn take_over(&mut self) -> Result<(), BucketError> {
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
                    // A batch that was not committed here opens nothing. Where its object
                    // stays, no entry commits to what is in it.
                    let _ = kept::remove_uncommitted(&self.writer.objects, place);
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
            let next = WalPosition { n, ..place };
            let objects = &self.writer.objects;
            let ask = || objects.begin_read(&next.key());
            self.ahead.entry(next).or_insert_with(ask);
        }
        match coming {
            Some(coming) => coming.answer(),
            None => self.writer.objects.look(&place.key()),
        }
    }

    fn replay(&mut self, place: WalPosition, bytes: &Bytes) -> Result<Kind, BucketError> {
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

    fn take(&mut self, place: WalPosition, unsigned: &UnsignedBatch) -> Result<(), BucketError> {
        let batch = self.rebuild.batch(place, unsigned, self.signer)?;
        let genesis = &self.writer.genesis;
        let openings = kept::of_entries(&self.writer.objects, genesis, place, &batch.entries)?;
        self.pending.openings.extend(openings);
        self.pending
            .erased
            .extend(batch.entries.iter().flat_map(erased_by));
        self.pending.entries.extend(batch.entries);
        self.pending.tiles.extend(batch.tiles);
        self.pending.forget_trees.extend(batch.forget_trees);
        self.pending.meta.extend(batch.meta);
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
        if let Some(due) = self.due.take() {
            commit(self.cache, due)?;
        }
        let batch = self.take_pending();
        commit(self.cache, batch)
    }

    fn take_pending(&mut self) -> Batch {
        self.pending_bytes = 0;
        let mut batch = std::mem::take(&mut self.pending);
        batch.meta.push(self.writer.at.meta());
        batch
    }

    /// A place without an object is the end of the log, unless there are objects beyond:
    /// then one was deleted, and nothing is signed on what is left.
    fn check_nothing_beyond(&self, place: WalPosition) -> Result<(), BucketError> {
        let mut beyond: Vec<_> = (0..=BEYOND)
            .filter_map(|power| {
                let n = place.n.checked_add(1 << power)?;
                Some(WalPosition { n, ..place })
            })
            .collect();
        beyond.extend(place.next_generation());
        let keys: Vec<_> = beyond.iter().map(|place| place.key()).collect();
        let found = self.writer.objects.existing(&keys)?;
        let Some(beyond) = found.first().and_then(|key| WalPosition::of_key(key)) else {
            return Ok(());
        };
        // A writer that lives may have gone on meanwhile.
        match self.writer.objects.read(&place.key())? {
            Some(_) => Ok(()),
            None => Err(BucketError::Hole { place, beyond }),
        }
    }
}

fn commit(cache: &RocksStore, mut batch: Batch) -> Result<(), StoreError> {
    let erasing = kept::to_erase(cache, &batch.erased)?;
    batch.meta.extend(erasing);
    let erases = !batch.erased.is_empty();
    cache.commit(batch)?;
    match erases {
        true => cache.purge(),
        false => Ok(()),
    }
}

/// What an entry says was erased: that is never brought back.
fn erased_by(entry: &NewEntry) -> Vec<OpeningKey> {
    let read = || {
        let read = Unhashed::from_record(entry.record.as_slice()).ok()?;
        let erasure = (read.kind() == kind::ERASURE).then(|| parse(read.payload_bytes()).ok());
        let payload = erasure??;
        Erasure::from_object(payload.as_object()?).ok()
    };
    let erased = read().into_iter().flat_map(|erasure| erasure.erased);
    erased
        .map(|member| OpeningKey {
            seq: member.seq,
            commitment: member.commitment,
        })
        .collect()
}
