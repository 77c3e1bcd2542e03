//! A store that remembers every commit and what the mark said at that moment,
//! fails where it is told to, and can hold a commit back.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use sealbook::ledger::hash::Hash;
use sealbook::ledger::position::{EpochNumber, Seq};
use sealbook::store::term::TermKey;
use sealbook::store::{
    Batch, ImportedRow, MemoryStore, Posting, Postings, ReadOrder, Rows, Store, StoreError, TileKey,
};

pub(crate) struct Spy {
    inner: MemoryStore,
    mark: PathBuf,
    seen: Mutex<Vec<Commit>>,
    failing: Mutex<Option<Failing>>,
    failing_imports: Mutex<Option<Failing>>,
    held: Mutex<bool>,
    released: Condvar,
}

/// A commit, with the mark as it lay there just before.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) batch: Batch,
    pub(crate) mark: Option<Vec<u8>>,
}

#[derive(Clone, Copy)]
struct Failing {
    /// Commits that still go well.
    after: usize,
    /// Whether what is said to have failed is there nevertheless.
    persists: bool,
    /// What the system says of it.
    kind: io::ErrorKind,
}

impl Spy {
    /// A store of what `first` holds, beside the mark at `mark`.
    pub(crate) fn new(first: Batch, mark: &Path) -> Spy {
        let spy = Spy::over(MemoryStore::new(), mark);
        spy.commit(first).unwrap();
        spy
    }

    /// A store that goes on from `inner`.
    pub(crate) fn over(inner: MemoryStore, mark: &Path) -> Spy {
        Spy {
            inner,
            mark: mark.to_owned(),
            seen: Mutex::default(),
            failing: Mutex::default(),
            failing_imports: Mutex::default(),
            held: Mutex::default(),
            released: Condvar::new(),
        }
    }

    /// Lets `after` commits pass and fails the one after them.
    pub(crate) fn fail(&self, after: usize, persists: bool) {
        let kind = io::ErrorKind::Other;
        *self.failing.lock().unwrap() = Some(Failing {
            after,
            persists,
            kind,
        });
    }

    /// The same for want of room: nothing of it is there.
    pub(crate) fn fill(&self, after: usize) {
        let (persists, kind) = (false, io::ErrorKind::StorageFull);
        *self.failing.lock().unwrap() = Some(Failing {
            after,
            persists,
            kind,
        });
    }

    /// The same for rows of imports.
    pub(crate) fn fail_imports(&self, after: usize, persists: bool) {
        let kind = io::ErrorKind::Other;
        *self.failing_imports.lock().unwrap() = Some(Failing {
            after,
            persists,
            kind,
        });
    }

    /// Every commit so far.
    pub(crate) fn commits(&self) -> Vec<Commit> {
        self.seen.lock().unwrap().clone()
    }

    /// Holds every commit back until the guard is dropped.
    pub(crate) fn hold(self: &Arc<Spy>) -> Held {
        *self.held.lock().unwrap() = true;
        Held(Arc::clone(self))
    }
}

pub(crate) struct Held(Arc<Spy>);

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.held.lock().unwrap() = false;
        self.0.released.notify_all();
    }
}

/// The store as it was after these commits.
pub(crate) fn replay(commits: &[Commit]) -> MemoryStore {
    let store = MemoryStore::new();
    for commit in commits {
        store.commit(commit.batch.clone()).unwrap();
    }
    store
}

/// Whether this is the one to fail, and how.
fn due(failing: &Mutex<Option<Failing>>) -> Option<Failing> {
    let mut failing = failing.lock().unwrap();
    match &mut *failing {
        Some(Failing { after: 0, .. }) => failing.take(),
        Some(failing) => {
            failing.after -= 1;
            None
        }
        None => None,
    }
}

/// What a disk answers.
fn refusal(kind: io::ErrorKind) -> StoreError {
    StoreError::Io {
        kind,
        source: Arc::new(io::Error::from(kind)),
    }
}

impl Store for Spy {
    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap();
        while *held {
            held = self.released.wait(held).unwrap();
        }
        drop(held);
        let failing = due(&self.failing);
        if failing.is_none_or(|failing| failing.persists) {
            self.inner.commit(batch.clone())?;
            let mark = std::fs::read(&self.mark).ok();
            self.seen.lock().unwrap().push(Commit { batch, mark });
        }
        match failing {
            Some(failing) => Err(refusal(failing.kind)),
            None => Ok(()),
        }
    }

    fn put_imported(&self, rows: &[ImportedRow]) -> Result<(), StoreError> {
        let failing = due(&self.failing_imports);
        if failing.is_none_or(|failing| failing.persists) {
            self.inner.put_imported(rows)?;
        }
        match failing {
            Some(failing) => Err(refusal(failing.kind)),
            None => Ok(()),
        }
    }

    delegated_to!(inner);
}
