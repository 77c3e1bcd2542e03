//! The thread that reads what is stored for damage, behind the work, as long as the
//! ledger is open. All of it is read in the end, also what nobody asks for: a block that
//! went bad is found before it is built upon for years.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{Store, StoreError};

use super::observer::Shared;
use super::sync;
use super::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use super::sync::thread::JoinHandle;

/// How often some is read, and how much: four mebibytes a second.
const EVERY: Duration = Duration::from_millis(250);
const STEP_BYTES: u64 = 1 << 20;

/// How long it rests when all was read.
const REST: Duration = Duration::from_secs(60 * 60);

/// Nothing is ever sent: that it is gone ends the thread.
pub(super) struct Going {
    _open: Sender<()>,
}

pub(super) fn start(store: Arc<dyn Store>, shared: Shared) -> (Going, JoinHandle<()>) {
    let (_open, open) = channel();
    let thread = sync::start(move || run(&*store, &shared, &open));
    (Going { _open }, thread)
}

fn run(store: &dyn Store, shared: &Shared, open: &Receiver<()>) {
    let mut wait = EVERY;
    while open.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = match store.scrub_on(STEP_BYTES) {
            Ok(true) => REST,
            Err(error @ StoreError::Corrupt { .. }) => {
                // The store takes nothing more, and it is said at once.
                shared.failed(&error);
                shared.stop();
                return;
            }
            Ok(false) | Err(_) => EVERY,
        };
    }
}
