//! The store, the key and the clock that the writer is given: they fail where a
//! schedule wants them to, and hold what is written to what the writer promises.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{PublicKey, SignError, Signature, Signer, SoftwareSigner};
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::time::Timestamp;
use sealbook::logbook::clock::Clock;
use sealbook::logbook::mark::{Mark, MarkFile};
use sealbook::store::term::TermKey;
use sealbook::store::{
    Batch, BatchLimit, ImportedRow, MemoryStore, Posting, Postings, ReadOrder, Rows, Store,
    StoreError, TileKey,
};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::{self, ThreadId};

/// The kind of the entries that callers append.
pub const KIND: &str = "model.entry";

/// Small, so that batches are full now and then.
const BATCH_ENTRIES: usize = 3;

pub struct Disk {
    pub inner: MemoryStore,
    mark: MarkFile,
    faults: Mutex<Faults>,
    /// Now and then there is no room.
    is_scarce: AtomicBool,
    callers: Mutex<Vec<ThreadId>>,
}

/// What goes wrong, and what went wrong.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// Commits until one that fails.
    pub fails_in: Option<usize>,
    /// Whether what failed is there all the same.
    pub persists: bool,
    /// Commits until one in whose midst the thread panics.
    pub panics_in: Option<usize>,
    pub failed: bool,
    pub panicked: bool,
    /// Commits by the thread of a caller.
    pub alone: usize,
}

impl Disk {
    pub fn new(first: Batch, mark: MarkFile, faults: Faults, is_scarce: bool) -> Disk {
        let inner = MemoryStore::new();
        inner.commit(first).unwrap();
        Disk {
            inner,
            mark,
            faults: Mutex::new(faults),
            is_scarce: AtomicBool::new(is_scarce),
            callers: Mutex::default(),
        }
    }

    pub fn faults(&self) -> Faults {
        *self.faults.lock().unwrap()
    }

    /// From now on nothing fails.
    pub fn disarm(&self) {
        *self.faults.lock().unwrap() = Faults::default();
        self.is_scarce.store(false, Ordering::Relaxed);
    }

    /// The thread that calls is one of the callers.
    pub fn is_caller(&self) {
        self.callers.lock().unwrap().push(thread::current().id());
    }

    /// The last entry that the mark names.
    pub fn marked(&self) -> Option<Seq> {
        let text = std::fs::read(self.mark.path()).ok()?;
        Some(Mark::parse(&text)?.head.content.seq)
    }

    /// Whether entry `seq` is there, and of this payload.
    pub fn has(&self, seq: Seq, payload: &[u8]) -> bool {
        let record = self.inner.entry(seq).unwrap().unwrap_or_default();
        record.windows(payload.len()).any(|part| part == payload)
    }

    fn check(&self, batch: &Batch) {
        let durable = self.inner.last_seq().unwrap();
        assert!(
            self.marked() <= durable,
            "the mark names only what is durable"
        );
        if let Some(epoch) = &batch.epoch
            && self.mark.path().is_file()
        {
            assert_eq!(
                self.marked(),
                Some(epoch.last_seq),
                "the mark names an epoch's last entry before it is sealed"
            );
        }
    }
}

impl Store for Disk {
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        thread::yield_now();
        let mut faults = self.faults();
        assert!(!faults.failed, "nothing is written after a failure");
        assert!(!faults.panicked, "nothing is written after a panic");
        self.check(&batch);
        faults.failed = faults.fails_in == Some(0);
        faults.panicked = faults.panics_in == Some(0);
        faults.fails_in = faults.fails_in.and_then(|left| left.checked_sub(1));
        faults.panics_in = faults.panics_in.and_then(|left| left.checked_sub(1));
        let caller = self.callers.lock().unwrap();
        faults.alone += usize::from(caller.contains(&thread::current().id()));
        drop(caller);
        *self.faults.lock().unwrap() = faults;
        if !faults.failed || faults.persists {
            self.inner.commit(batch).expect("what is written follows");
        }
        if faults.panicked {
            panic!("{PLANNED}");
        }
        match faults.failed {
            true => Err(StoreError::Stopped),
            false => Ok(()),
        }
    }

    fn check_room(&self, _bytes: usize) -> Result<(), StoreError> {
        let is_scarce = self.is_scarce.load(Ordering::Relaxed);
        let is_full = is_scarce && thread_rng().gen_bool(0.2);
        match is_full {
            true => Err(StoreError::NoRoom { free: 0, needed: 1 }),
            false => Ok(()),
        }
    }

    fn batch_limit(&self) -> BatchLimit {
        BatchLimit {
            entries: BATCH_ENTRIES,
            ..BatchLimit::default()
        }
    }

    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError> {
        self.inner.put_imported(rows)
    }

    delegated_to!(inner);
}

/// What a panic says that a schedule wanted.
pub const PLANNED: &str = "a panic that the schedule wanted";

/// Signs, but for entries of callers now and then.
pub struct Key {
    pub inner: Arc<SoftwareSigner>,
    /// Whether signing fails now and then, and panics once.
    pub fails: bool,
    pub panics: AtomicI64,
}

impl Signer for Key {
    fn public_key(&self) -> PublicKey {
        self.inner.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        thread::yield_now();
        if message.starts_with(KIND.as_bytes()) {
            if self.panics.fetch_sub(1, Ordering::Relaxed) == 0 {
                panic!("{PLANNED}");
            }
            if self.fails && thread_rng().gen_bool(0.2) {
                return Err(SignError::Refused("not now".into()));
            }
        }
        self.inner.sign(message)
    }
}

/// A clock that goes an hour at a time.
pub struct Hours {
    pub hours: AtomicU64,
    /// Looks at it until one in which it panics, under the queue's lock.
    pub panics_in: AtomicI64,
    pub panicked: AtomicU64,
}

impl Hours {
    const START: i64 = 1_767_225_600;
}

impl Clock for Hours {
    fn wall(&self) -> Timestamp {
        if self.panics_in.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.panicked.store(1, Ordering::Relaxed);
            panic!("{PLANNED}");
        }
        let seconds = Hours::START + 3_600 * self.hours.load(Ordering::Relaxed) as i64;
        Timestamp::from_unix_micros(seconds * 1_000_000).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(3_600 * self.hours.load(Ordering::Relaxed))
    }
}
