//! What the committer shares: how far the log is durable, and who is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::ledger::head::Head;
use crate::ledger::position::Seq;
use crate::store::StoreError;

use super::watched::WatchedSigner;

/// A commit that was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The last entry that is durable now.
    pub last: Seq,
    pub entries: usize,
    /// How long writing and syncing took, by the monotonic clock.
    pub took: Duration,
}

/// Told of every commit, by the thread that commits: it must not block.
pub type Observer = Box<dyn Fn(&Committed) + Send + Sync>;

/// What the committer shares with those who ask and watch.
#[derive(Clone)]
pub(super) struct Shared {
    durable: Arc<Mutex<Head>>,
    observer: Arc<OnceLock<Observer>>,
    stopped: Arc<AtomicBool>,
    /// Why, if it was the store that failed.
    failure: Arc<OnceLock<StoreError>>,
    signer: Arc<WatchedSigner>,
}

impl Shared {
    pub(super) fn new(head: Head, signer: Arc<WatchedSigner>) -> Shared {
        Shared {
            durable: Arc::new(Mutex::new(head)),
            observer: Arc::default(),
            stopped: Arc::default(),
            failure: Arc::default(),
            signer,
        }
    }

    /// The last entry that is durable.
    pub(super) fn durable(&self) -> Head {
        let durable = self.durable.lock();
        durable.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The first failure of the store is the one to tell.
    pub(super) fn failed(&self, error: &StoreError) {
        let _ = self.failure.set(error.clone());
    }

    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failure.get().cloned()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn signer(&self) -> &WatchedSigner {
        &self.signer
    }

    pub(super) fn observe(&self, observer: Observer) {
        // There is one; the first stays.
        let _ = self.observer.set(observer);
    }

    pub(super) fn committed(&self, head: Head, committed: &Committed) {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = head;
        if let Some(observe) = self.observer.get() {
            observe(committed);
        }
    }
}
