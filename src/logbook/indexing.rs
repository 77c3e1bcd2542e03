//! The thread that builds the index behind the commits. Nobody waits for it
//! but the one who closes the ledger; if it stops, queries scan from where it
//! came to.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::store::{Store, indexer};

/// Entries indexed between two looks at whether anyone still commits.
const STEP: u64 = 8_192;

/// How long entries gather before they are indexed together. Indexing after
/// every commit would wake this thread as often as the disk answers, and its
/// small writes would stand in the way of the next commit.
const GATHERING: Duration = Duration::from_millis(50);

/// Tells the thread that there is more to index. Dropping it ends the thread
/// when the index has caught up.
#[derive(Clone)]
pub(super) struct Wake {
    more: Sender<()>,
    /// Nothing is ever sent: that it is gone ends the gathering.
    _writing: Sender<()>,
}

impl Wake {
    /// Never blocks: one call that waits stands for all.
    pub(super) fn wake(&self) {
        let _ = self.more.try_send(());
    }
}

/// Starts the thread. It begins with what an earlier process left behind.
pub(super) fn start(store: Arc<dyn Store>) -> (Wake, JoinHandle<()>) {
    let (more, wanted) = bounded(1);
    let (_writing, writing) = bounded(0);
    let wake = Wake { more, _writing };
    wake.wake();
    let thread = thread::spawn(move || run(&*store, &wanted, &writing));
    (wake, thread)
}

fn run(store: &dyn Store, wanted: &Receiver<()>, writing: &Receiver<()>) {
    // The index is derived: what stops it is found and named by those who read
    // the entries themselves.
    while wanted.recv().is_ok() {
        while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
        if writing.recv_timeout(GATHERING) == Err(RecvTimeoutError::Disconnected) {
            break;
        }
    }
    while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
}
