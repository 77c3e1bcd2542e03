//! A ledger with everything around it, and the judge that looks at all of it
//! after every step.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealbook::audit::audit;
use sealbook::ledger::entry::Entry;
use sealbook::ledger::epoch::{EpochHeader, SignedEpoch};
use sealbook::ledger::fault::{Report, Verdict};
use sealbook::ledger::head::SignedHead;
use sealbook::ledger::json::Object;
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::kind;
use sealbook::ledger::parse;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::ledger::statement::Statement;
use sealbook::ledger::verify::Policy;
use sealbook::logbook::error::{LogbookError, OpenError};
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::{Mark, MarkFile};
use sealbook::logbook::request::{PreparedEntry, Receipt};
use sealbook::logbook::{Logbook, Parts, entry_at, epoch_at};
use sealbook::store::{Batch, MemoryStore, RocksStore, Store};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::clock::ManualClock;
use crate::spy::Spy;

/// When every book begins.
pub(crate) const START: &str = "2026-03-01T10:00:00Z";

pub(crate) struct Book {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) mark: MarkFile,
    /// Every receipt that was given, in the order of the log: the model.
    pub(crate) receipts: Vec<Receipt>,
    place: Place,
    /// `None` while it is closed.
    logbook: Option<Logbook>,
    temp: TempDir,
}

enum Place {
    /// Lives as long as the book.
    Shared(Arc<dyn Store>),
    /// Opened again each time.
    Disk(PathBuf),
}

pub(crate) fn signer(byte: u8) -> SoftwareSigner {
    SoftwareSigner::from_seed(&Zeroizing::new([byte; 32]))
}

/// In memory where the machine has such a file system: a writer syncs a lot.
pub(crate) fn temp_dir() -> TempDir {
    let fast = Path::new("/dev/shm");
    if fast.is_dir() {
        tempfile::tempdir_in(fast).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

impl Book {
    /// On disk, of a log whose headers commit to an index.
    pub(crate) fn on_disk_with_index() -> Book {
        Book::make_as(Arc::new(signer(7)), true, |first, temp| {
            let dir = temp.join("ledger");
            RocksStore::create(&dir, first).unwrap().close().unwrap();
            Place::Disk(dir)
        })
    }

    pub(crate) fn in_memory() -> Book {
        Book::make(Arc::new(signer(7)), |first, _| {
            let store = MemoryStore::new();
            store.commit(first).unwrap();
            Place::Shared(Arc::new(store))
        })
    }

    pub(crate) fn on_disk() -> Book {
        Book::make(Arc::new(signer(7)), |first, temp| {
            let dir = temp.join("ledger");
            RocksStore::create(&dir, first).unwrap().close().unwrap();
            Place::Disk(dir)
        })
    }

    /// One of each.
    pub(crate) fn both() -> [Book; 2] {
        [Book::in_memory(), Book::on_disk()]
    }

    /// With a store that is watched.
    pub(crate) fn spied() -> (Book, Arc<Spy>) {
        Book::spied_with(Arc::new(signer(7)))
    }

    /// The same, of a log whose headers commit to an index.
    pub(crate) fn spied_with_index() -> (Book, Arc<Spy>) {
        Book::spied_as(Arc::new(signer(7)), true)
    }

    pub(crate) fn spied_with(signer: Arc<dyn Signer>) -> (Book, Arc<Spy>) {
        Book::spied_as(signer, false)
    }

    fn spied_as(signer: Arc<dyn Signer>, index: bool) -> (Book, Arc<Spy>) {
        let mut spy = None;
        let book = Book::make_as(signer, index, |first, temp| {
            let new = Arc::new(Spy::new(first, &mark_at(temp)));
            spy = Some(Arc::clone(&new));
            Place::Shared(new)
        });
        (book, spy.unwrap())
    }

    fn make(signer: Arc<dyn Signer>, place: impl FnOnce(Batch, &Path) -> Place) -> Book {
        Book::make_as(signer, false, place)
    }

    fn make_as(
        signer: Arc<dyn Signer>,
        index: bool,
        place: impl FnOnce(Batch, &Path) -> Place,
    ) -> Book {
        let temp = temp_dir();
        let clock = Arc::new(ManualClock::at(START));
        let mark = MarkFile::at(mark_at(temp.path()));
        std::fs::create_dir(mark.path().parent().unwrap()).unwrap();
        let origin = Origin {
            name: "book".to_owned(),
            index,
            ..Origin::default()
        };
        let beginning = begin(&*signer, &*clock, &origin).unwrap();
        mark.write(&beginning.mark).unwrap();
        let place = place(beginning.batch, temp.path());
        let mut book = Book {
            clock,
            signer,
            mark,
            receipts: vec![beginning.receipt],
            place,
            logbook: None,
            temp,
        };
        book.open().unwrap();
        book.check();
        book
    }

    /// The folder in which only the mark lies.
    pub(crate) fn mark_folder(&self) -> &Path {
        self.mark.path().parent().unwrap()
    }

    pub(crate) fn temp(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn log(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// What the writer is given. The book must be closed if it is on disk.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            store: match &self.place {
                Place::Shared(store) => Arc::clone(store),
                Place::Disk(dir) => Arc::new(RocksStore::open(dir).unwrap()),
            },
            signer: Arc::clone(&self.signer),
            clock: Arc::clone(&self.clock) as _,
            mark: self.mark.clone(),
        }
    }

    /// Puts another store in the place of this one's.
    pub(crate) fn put_back(&mut self, store: impl Store + 'static) {
        assert!(self.logbook.is_none(), "close it first");
        self.place = Place::Shared(Arc::new(store));
    }

    pub(crate) fn logbook(&self) -> &Logbook {
        self.logbook.as_ref().unwrap()
    }

    pub(crate) fn open(&mut self) -> Result<(), OpenError> {
        self.logbook = Some(Logbook::open(self.parts())?);
        Ok(())
    }

    pub(crate) fn accept_rollback(&mut self, reason: &str) -> Result<Receipt, OpenError> {
        let (logbook, _, receipt) = Logbook::accept_rollback(self.parts(), reason)?;
        self.logbook = Some(logbook);
        Ok(receipt)
    }

    /// Closes it, which must go well.
    pub(crate) fn close(&mut self) {
        self.try_close().unwrap();
    }

    pub(crate) fn try_close(&mut self) -> Result<(), LogbookError> {
        self.logbook.take().unwrap().close()
    }

    /// Drops the writer without closing it.
    pub(crate) fn drop_writer(&mut self) {
        drop(self.logbook.take().unwrap());
    }

    pub(crate) fn reopen(&mut self) {
        self.close();
        self.open().unwrap();
        self.check();
    }

    /// Appends one entry.
    pub(crate) fn append(&mut self) -> Receipt {
        let receipt = self.try_append().unwrap();
        self.check();
        receipt
    }

    pub(crate) fn try_append(&mut self) -> Result<Receipt, LogbookError> {
        let receipt = self
            .logbook()
            .append("note", &payload(self.receipts.len()))?;
        self.receipts.push(receipt.clone());
        Ok(receipt)
    }

    /// Appends so many entries in one request.
    pub(crate) fn append_together(&mut self, count: usize) -> Vec<Receipt> {
        let receipts = self.try_append_together(count).unwrap();
        self.check();
        receipts
    }

    pub(crate) fn try_append_together(
        &mut self,
        count: usize,
    ) -> Result<Vec<Receipt>, LogbookError> {
        let from = self.receipts.len();
        let entries = (from..from + count)
            .map(|n| PreparedEntry::of_caller("note", &payload(n)).unwrap())
            .collect();
        let receipts = self.logbook().submit(entries)?.wait()?;
        assert_eq!(receipts.len(), count);
        self.receipts.extend(receipts.clone());
        Ok(receipts)
    }

    pub(crate) fn seal(&mut self) -> Option<EpochHeader> {
        let sealed = self.logbook().seal().unwrap();
        self.check();
        sealed.map(|epoch| epoch.content)
    }

    /// Reads with whatever store is open, or opens it.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&dyn Store) -> T) -> T {
        match (&self.logbook, &self.place) {
            (Some(logbook), _) => read(&**logbook.store()),
            (None, Place::Shared(store)) => read(&**store),
            (None, Place::Disk(dir)) => read(&RocksStore::open_read_only(dir).unwrap()),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.read(|store| store.count().unwrap())
    }

    pub(crate) fn entry(&self, seq: u64) -> Entry {
        self.read(|store| entry_at(store, Seq(seq)).unwrap())
    }

    pub(crate) fn payload(&self, seq: u64) -> Object {
        self.entry(seq).check_payload().unwrap()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let kind = |seq| self.entry(seq).kind().to_owned();
        (0..self.count()).map(kind).collect()
    }

    pub(crate) fn epochs(&self) -> Vec<EpochHeader> {
        self.read(|store| {
            let last = store.last_epoch().unwrap().map_or(0, |last| last.0 + 1);
            let header = |n| epoch_at(store, EpochNumber(n)).unwrap().content;
            (0..last).map(header).collect()
        })
    }

    /// What the mark says, if it says anything.
    pub(crate) fn marked(&self) -> SignedHead {
        parse_mark(&std::fs::read(self.mark.path()).unwrap())
    }

    /// Verifies everything, mark included.
    pub(crate) fn audit(&self) -> Report {
        let policy = Policy {
            keys: vec![self.log()],
            ..Policy::default()
        };
        self.read(|store| audit(store, &self.mark, &policy, &mut |_| ()))
            .unwrap()
            .report
    }

    /// The judge: the ledger verifies, and it holds what was acknowledged.
    pub(crate) fn check(&self) {
        let report = self.audit();
        assert_eq!(report.faults, [], "{report:?}");
        assert_eq!(report.verdict, Verdict::Pass);
        assert_eq!(report.entries, self.count());
        self.check_receipts();
    }

    pub(crate) fn check_receipts(&self) {
        for receipt in &self.receipts {
            let entry = self.entry(receipt.seq.0);
            assert_eq!(
                receipt,
                &Receipt {
                    seq: receipt.seq,
                    hash: entry.hash(),
                    prev_hash: entry.prev_hash(),
                    ts: entry.ts(),
                    kind: entry.kind().to_owned(),
                    signature: entry.signature(),
                }
            );
        }
        for pair in self.receipts.windows(2) {
            assert!(pair[0].seq < pair[1].seq && pair[0].ts <= pair[1].ts);
            if pair[0].seq.next() == Some(pair[1].seq) {
                assert_eq!(pair[0].hash, pair[1].prev_hash);
            }
        }
        // What nobody asked for is what the writer itself has to say.
        let own = |kind: &&String| [kind::CLOCK, kind::ROLLBACK].contains(&kind.as_str());
        let kinds = self.kinds();
        let unasked = kinds.iter().filter(own).count();
        assert_eq!(self.receipts.len() + unasked, kinds.len());
    }
}

fn mark_at(temp: &Path) -> PathBuf {
    temp.join("mark").join("ledger.mark")
}

pub(crate) fn parse_mark(bytes: &[u8]) -> SignedHead {
    Mark::parse(bytes).unwrap().head
}

pub(crate) fn parse_epoch(bytes: &[u8]) -> SignedEpoch {
    Statement::from_value(&parse::parse(bytes).unwrap()).unwrap()
}

pub(crate) fn payload(n: usize) -> Object {
    let mut payload = Object::new();
    payload.insert("n", n as u64);
    payload
}
