//! The store of a log in a bucket: commits go to the bucket first, reads to the cache.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::error::BucketError;
use super::kept::{self, Span};
use super::objects::Objects;
use super::protocol::{Answer, Ask, Created, Creation};
use crate::ledger::entry::Unhashed;
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;
use crate::ledger::wal::{Bare, Noted, Says, UnsignedBatch, WalObject, WalPosition};
use crate::logbook::terms::INDEX_KEY;
use crate::store::term::TermKey;
use crate::store::{
    Batch, BatchLimit, ImportedRow, MemoryUse, OpeningKey, Posting, Postings, Pruned, ReadOrder,
    RocksStore, Rows, Store, StoreError, TileKey,
};

/// What is committed together at most.
const BATCH: BatchLimit = BatchLimit {
    entries: 1 << 16,
    bytes: 8 << 20,
    gather: Duration::from_millis(3),
};

/// Bytes of entries that one request may have.
const REQUEST_BYTES: usize = 64 << 20;

/// The name under which the cache keeps how far it was made from the bucket.
pub(super) const POSITION: &str = "bucket";

/// How far a cache was made from which bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The next place.
    pub(super) next: WalPosition,
    /// The place of the object before, and its digest; `None` before the first.
    pub(super) last: Option<(WalPosition, Hash)>,
    /// The URL that it was made from, for people.
    pub(super) url: String,
}

impl Position {
    pub(super) fn of(store: &dyn Store) -> Result<Option<Position>, StoreError> {
        Ok(store
            .meta(POSITION)?
            .and_then(|text| Position::parse(&text)))
    }

    /// `next last digest url`, each place as `generation/n`.
    fn parse(text: &[u8]) -> Option<Position> {
        let mut parts = std::str::from_utf8(text).ok()?.splitn(4, ' ');
        let mut place = || WalPosition::of_key(&format!("wal/{}", parts.next()?));
        let (next, last) = (place()?, place()?);
        let digest = Hash::from_hex(parts.next()?).ok()?;
        Some(Position {
            next,
            last: Some((last, digest)),
            url: parts.next()?.to_owned(),
        })
    }

    /// What the cache keeps.
    pub(super) fn meta(&self) -> (&'static str, Vec<u8>) {
        let (last, digest) = self.last.unwrap_or((WalPosition::FIRST, Hash::ZERO));
        let place = |place: WalPosition| format!("{}/{}", place.generation, place.n);
        let text = format!("{} {} {digest} {}", place(self.next), place(last), self.url);
        (POSITION, text.into_bytes())
    }
}

/// A log in a bucket, open for writing.
pub struct BucketStore {
    cache: RocksStore,
    writer: Mutex<Writer>,
    signer: Arc<dyn Signer>,
}

/// Who writes, and where.
pub(super) struct Writer {
    pub(super) objects: Objects,
    pub(super) log: PublicKey,
    pub(super) genesis: Hash,
    pub(super) nonce: Hash,
    pub(super) at: Position,
    /// After the last entry.
    pub(super) next_seq: u64,
    pub(super) last_hash: Hash,
    pub(super) stopped: bool,
}

impl BucketStore {
    pub(super) fn new(cache: RocksStore, writer: Writer, signer: Arc<dyn Signer>) -> BucketStore {
        BucketStore {
            cache,
            writer: Mutex::new(writer),
            signer,
        }
    }

    /// The objects of this log.
    #[must_use]
    pub fn objects(&self) -> Objects {
        self.writer().objects.clone()
    }

    /// Where the next object goes.
    #[must_use]
    pub fn place(&self) -> WalPosition {
        self.writer().at.next
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(|poisoned| {
            // A thread panicked in the middle: it is not known what was written.
            let mut writer = PoisonError::into_inner(poisoned);
            writer.stopped = true;
            writer
        })
    }

    /// Steps 2 and 3 of the order of a commit. What is given back holds the writer until
    /// the cache is written, too.
    fn commit_in_bucket(
        &self,
        beside: Option<&Batch>,
        unsigned: impl FnOnce(UnsignedBatch) -> Result<UnsignedBatch, StoreError>,
    ) -> Result<MutexGuard<'_, Writer>, StoreError> {
        let mut writer = self.writer();
        if writer.stopped {
            return Err(StoreError::Stopped);
        }
        let unsigned = unsigned(UnsignedBatch {
            first_seq: writer.next_seq,
            prev_hash: writer.last_hash,
            ..UnsignedBatch::default()
        })?;
        // Until the answer is known, it is not known what the bucket holds.
        writer.stopped = true;
        if let Some(batch) = beside {
            writer
                .put_openings(batch)
                .map_err(BucketError::into_store)?;
        }
        let digest = writer.put(Says::Batch(Box::new(unsigned)), &*self.signer);
        if beside.is_some() && matches!(digest, Err(BucketError::Fenced { .. })) {
            // Nobody was told that the batch is there: what it would open goes again.
            let _ = kept::remove_uncommitted(&writer.objects, writer.at.next);
        }
        writer.step(digest.map_err(BucketError::into_store)?)?;
        Ok(writer)
    }
}

/// What goes into the object of a batch, behind where `unsigned` begins.
pub(super) fn without_signatures(
    batch: &Batch,
    unsigned: UnsignedBatch,
) -> Result<UnsignedBatch, StoreError> {
    let expected = unsigned.first_seq;
    if let Some(first) = batch
        .entries
        .first()
        .filter(|first| first.seq.0 != expected)
    {
        return Err(StoreError::EntryNotNext {
            expected,
            found: first.seq,
        });
    }
    let bare = |record: &Vec<u8>| {
        let entry = Unhashed::from_record(record.as_slice()).map_err(internal)?;
        Ok::<_, StoreError>(Bare {
            kind: entry.kind().to_owned(),
            ts: entry.ts(),
            payload: entry.payload_bytes().to_vec(),
        })
    };
    let entries = batch.entries.iter().map(|entry| bare(&entry.record));
    let notes = batch.notes.iter().map(|note| Noted {
        hour: note.hour,
        key: note.key,
        value: note.value.clone(),
    });
    let header = batch.epoch.as_ref().map(|epoch| header(&epoch.header));
    let index_key = index_key(batch).and_then(|bytes| bytes.first_chunk().copied());
    Ok(UnsignedBatch {
        entries: entries.collect::<Result<_, _>>()?,
        epoch: header.transpose()?,
        notes: notes.collect(),
        forget_before: batch.forget_notes_before,
        index_key,
        ..unsigned
    })
}

/// The secret key of the log's index, if the batch keeps it: no machine goes on with the
/// log without it.
fn index_key(batch: &Batch) -> Option<&[u8]> {
    let mut kept = batch.meta.iter();
    let (_, bytes) = kept.find(|(name, _)| *name == INDEX_KEY)?;
    Some(bytes)
}

impl Writer {
    /// Writes what opens the batch that goes to the writer's place.
    fn put_openings(&self, batch: &Batch) -> Result<(), BucketError> {
        match Span::of(self.at.next, &batch.entries) {
            Some(span) => kept::put(&self.objects, &span, &batch.openings),
            None => Ok(()),
        }
    }

    /// Creates an object at the writer's place; gives its digest.
    pub(super) fn put(&self, says: Says, signer: &dyn Signer) -> Result<Hash, BucketError> {
        let place = self.at.next;
        let (bytes, digest) = self.object(says, signer)?;
        let mut creation = Creation::at(place);
        match create(&self.objects, &mut creation, &Bytes::from(bytes)) {
            Created::Own => Ok(digest),
            Created::Other(_) => Err(BucketError::Fenced { place }),
            Created::Unknown => Err(BucketError::Unknown { place }),
        }
    }

    /// An object for the writer's place.
    pub(super) fn object(
        &self,
        says: Says,
        signer: &dyn Signer,
    ) -> Result<(Vec<u8>, Hash), BucketError> {
        let object = WalObject {
            place: self.at.next,
            log: self.log,
            genesis: self.genesis,
            prev: self.at.last.map_or(Hash::ZERO, |(_, digest)| digest),
            writer: self.nonce,
            says,
        };
        Ok(object.sign(signer)?)
    }

    /// To the place after the object that was just created.
    pub(super) fn step(&mut self, digest: Hash) -> Result<(), StoreError> {
        let place = self.at.next;
        let unknown = || BucketError::Unknown { place }.into_store();
        self.at.next = place.next().ok_or_else(unknown)?;
        self.at.last = Some((place, digest));
        Ok(())
    }
}

/// Runs a creation against the bucket.
pub(super) fn create(objects: &Objects, creation: &mut Creation, bytes: &Bytes) -> Created<Bytes> {
    loop {
        let answer = asked(objects, creation.ask(), bytes);
        if let Some(created) = creation.take(answer, |found| found == bytes) {
            return created;
        }
    }
}

/// Asks the bucket.
pub(super) fn asked(objects: &Objects, ask: Ask, bytes: &Bytes) -> Answer<Bytes> {
    match ask {
        Ask::Create(place) => objects.create(&place.key(), bytes.clone()),
        Ask::Read(place) => objects.look(&place.key()),
    }
}

impl BucketError {
    /// As the committer hears it.
    pub(super) fn into_store(self) -> StoreError {
        match self {
            BucketError::Fenced { place } => StoreError::Fenced {
                place: place.to_string(),
            },
            BucketError::Locked { key } => StoreError::ObjectLocked { object: key },
            BucketError::VersionsUnknown { key } => StoreError::VersionsUnknown { object: key },
            other => internal(other),
        }
    }
}

pub(super) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Record {
        source: Arc::new(error),
    }
}

/// The header, without its signature.
fn header(bytes: &[u8]) -> Result<EpochHeader, StoreError> {
    let value = parse::parse(bytes).map_err(internal)?;
    let signed: SignedEpoch = Statement::from_value(&value).map_err(internal)?;
    Ok(signed.content)
}

impl Store for BucketStore {
    fn commit(&self, mut batch: Batch) -> Result<(), StoreError> {
        let has_key = index_key(&batch).is_some();
        let is_record = !batch.entries.is_empty() || batch.epoch.is_some() || has_key;
        if !is_record && batch.notes.is_empty() {
            return self.cache.commit(batch);
        }
        let beside = (!batch.openings.is_empty()).then_some(&batch);
        let mut writer =
            self.commit_in_bucket(beside, |begin| without_signatures(&batch, begin))?;
        if let Some(last) = batch.entries.last() {
            writer.next_seq = last.seq.0.saturating_add(1);
            writer.last_hash = last.hash;
        }
        batch.meta.push(writer.at.meta());
        batch
            .meta
            .extend(kept::to_erase(&self.cache, &batch.erased)?);
        self.cache.commit(batch)?;
        writer.stopped = false;
        Ok(())
    }

    fn batch_limit(&self) -> BatchLimit {
        BATCH
    }

    fn check_room(&self, bytes: usize) -> Result<(), StoreError> {
        if bytes > REQUEST_BYTES {
            return Err(StoreError::TooMuch {
                bytes,
                limit: REQUEST_BYTES,
            });
        }
        self.cache.check_room(bytes)
    }

    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError> {
        let mut writer = self.commit_in_bucket(None, |begin| {
            Ok(UnsignedBatch {
                rows: rows.to_vec(),
                ..begin
            })
        })?;
        // Where the second write is lost, the object is read again.
        self.cache.put_imported(rows)?;
        self.cache.commit(Batch {
            meta: vec![writer.at.meta()],
            ..Batch::default()
        })?;
        writer.stopped = false;
        Ok(())
    }

    fn openings(&self, range: Range<u64>) -> Rows<'_, OpeningKey> {
        self.cache.openings(range)
    }

    /// What may be kept of an object that is removed is not to be had everywhere.
    fn keeps_openings(&self) -> bool {
        self.writer().objects.removes_for_good()
    }

    fn check_erasable(&self, erased: &[OpeningKey]) -> Result<(), StoreError> {
        let objects = self.objects();
        kept::check_erasable(&objects, erased).map_err(BucketError::into_store)
    }

    fn purge(&self) -> Result<(), StoreError> {
        let (objects, genesis) = {
            let writer = self.writer();
            (writer.objects.clone(), writer.genesis)
        };
        kept::purge(&self.cache, &objects, &genesis)?;
        self.cache.purge()
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.cache.flush()
    }

    fn memory(&self) -> MemoryUse {
        self.cache.memory()
    }

    fn scrub(&self) -> Result<(), StoreError> {
        self.cache.scrub()
    }

    fn scrub_on(&self, bytes: u64) -> Result<bool, StoreError> {
        self.cache.scrub_on(bytes)
    }

    fn pruned(&self) -> Result<Option<Pruned>, StoreError> {
        self.cache.pruned()
    }

    fn prune(&self, to: &Pruned) -> Result<(), StoreError> {
        self.cache.prune(to)
    }

    fn make_room(&self) -> Result<(), StoreError> {
        self.cache.make_room()
    }

    fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.entry(seq)
    }

    fn entries(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.cache.entries(range)
    }

    fn entries_rev(&self, range: Range<u64>) -> Rows<'_, Seq> {
        self.cache.entries_rev(range)
    }

    fn last_seq(&self) -> Result<Option<Seq>, StoreError> {
        self.cache.last_seq()
    }

    fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, StoreError> {
        self.cache.seq_of(hash)
    }

    fn epoch(&self, number: EpochNumber) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.epoch(number)
    }

    fn epochs(&self, from: EpochNumber) -> Rows<'_, EpochNumber> {
        self.cache.epochs(from)
    }

    fn last_epoch(&self) -> Result<Option<EpochNumber>, StoreError> {
        self.cache.last_epoch()
    }

    fn epoch_of(&self, seq: Seq) -> Result<Option<EpochNumber>, StoreError> {
        self.cache.epoch_of(seq)
    }

    fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.cache.tiles(keys)
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.meta(key)
    }

    fn note(&self, hour: u64, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.note(hour, key)
    }

    fn imported(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.cache.imported(key)
    }

    fn imported_rows(&self, range: Range<Vec<u8>>, order: ReadOrder) -> Rows<'_, Vec<u8>> {
        self.cache.imported_rows(range, order)
    }

    fn index(&self, postings: &[Posting], indexed_to: u64) -> Result<(), StoreError> {
        self.cache.index(postings, indexed_to)
    }

    fn indexed_to(&self) -> Result<u64, StoreError> {
        self.cache.indexed_to()
    }

    fn index_version(&self) -> u64 {
        self.cache.index_version()
    }

    fn postings(
        &self,
        term: &TermKey,
        order: ReadOrder,
    ) -> Result<Box<dyn Postings + '_>, StoreError> {
        self.cache.postings(term, order)
    }
}
