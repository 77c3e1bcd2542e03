//! A machine that writes a log in a bucket in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use sealbook::bucket::{self, BucketError, BucketStore, Objects, check};
use sealbook::ledger::fault::Verdict;
use sealbook::ledger::json::Object;
use sealbook::ledger::key::{Signer, SoftwareSigner};
use sealbook::ledger::policy::Policy;
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::{Logbook, Parts};
use sealbook::store::{RocksStore, Store, StoreError};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// How long a lock that nobody wants may be held.
const LOCKED: Duration = Duration::from_secs(30);

/// A bucket in memory that has passed the check.
pub(crate) fn bucket() -> Arc<InMemory> {
    let store = Arc::new(InMemory::new());
    check::run(&[over(store.clone())]).unwrap();
    store
}

pub(crate) fn over(store: Arc<dyn ObjectStore>) -> Objects {
    Objects::over(store, Path::default(), "memory:".to_owned()).unwrap()
}

pub(crate) fn signer() -> Arc<dyn Signer> {
    Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([3; 32])))
}

/// A folder that is lost when it is dropped.
pub(crate) struct Machine {
    temp: TempDir,
    pub(crate) base: Objects,
}

impl Machine {
    /// One that has nothing yet.
    pub(crate) fn of(store: Arc<dyn ObjectStore>) -> Machine {
        let fast = std::path::Path::new("/dev/shm");
        let temp = match fast.is_dir() {
            true => tempfile::tempdir_in(fast),
            false => tempfile::tempdir(),
        };
        Machine {
            temp: temp.unwrap(),
            base: over(store),
        }
    }

    /// The same machine, before another bucket.
    pub(crate) fn before(self, store: Arc<dyn ObjectStore>) -> Machine {
        Machine {
            base: over(store),
            ..self
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.temp.path().join("ledger")
    }

    /// Makes a log here and in the bucket.
    pub(crate) fn create(&self) {
        self.create_as(&Origin::default());
    }

    /// The same, of this origin.
    pub(crate) fn create_as(&self, origin: &Origin) {
        let signer = signer();
        let beginning = begin(&*signer, &SystemClock::new(), origin).unwrap();
        let identity = beginning.identity;
        MarkFile::beside(&self.dir())
            .write(&beginning.mark)
            .unwrap();
        let first = beginning.batch;
        let cache = bucket::create(&self.base, &self.dir(), first, identity, &*signer);
        cache.unwrap().close().unwrap();
    }

    /// Makes the cache from the bucket.
    pub(crate) fn restore(&self) -> Result<(), BucketError> {
        let cache = bucket::restore(&self.base, &self.dir(), None, &*signer(), Vec::new())?;
        Ok(cache.close()?)
    }

    pub(crate) fn cache(&self) -> RocksStore {
        let begun = Instant::now();
        loop {
            match RocksStore::open(&self.dir()) {
                // A process that another test starts has the lock, too, until it is another
                // program.
                Err(StoreError::Locked { .. }) if begun.elapsed() < LOCKED => thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
    }

    /// Takes the log over.
    pub(crate) fn store(&self) -> Result<BucketStore, BucketError> {
        bucket::open(&self.base, self.cache(), signer(), |_| Ok(()))
    }

    /// The same, as the writer that everybody uses. A machine without a mark takes what
    /// the bucket says.
    pub(crate) fn logbook(&self) -> Logbook {
        let mark = MarkFile::beside(&self.dir()).of_several();
        let parts = Parts {
            store: Arc::new(self.store().unwrap()),
            signer: signer(),
            clock: Arc::new(SystemClock::new()),
            mark: mark.clone(),
        };
        match mark.exists() {
            true => Logbook::open(parts).unwrap(),
            false => Logbook::accept_rollback(parts, "a new machine").unwrap().0,
        }
    }

    /// Every record, header and note of this machine's cache, verified.
    pub(crate) fn content(&self) -> Vec<Vec<u8>> {
        let cache = self.cache();
        let mark = MarkFile::beside(&self.dir()).of_several();
        let policy = Policy::key(signer().public_key());
        let outcome = sealbook::audit::audit(&cache, &mark, &policy, &mut |_| {}).unwrap();
        assert_eq!(
            outcome.report.verdict,
            Verdict::Pass,
            "{:?}",
            outcome.report.faults
        );
        let entries = cache.entries(0..u64::MAX).map(|row| row.unwrap().1);
        let headers = cache.epochs(Default::default()).map(|row| row.unwrap().1);
        let rows = cache.imported_rows(
            Vec::new()..vec![0xff],
            sealbook::store::ReadOrder::Ascending,
        );
        let rows = rows.map(|row| row.unwrap().1);
        entries.chain(headers).chain(rows).collect()
    }
}

pub(crate) fn number(n: u64) -> Object {
    let mut payload = Object::new();
    payload.insert("n", n);
    payload
}
