//! The thread that builds the index behind the commits. Nobody waits for it
//! but the one who closes the ledger; if it stops, queries scan from where it
//! came to.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::store::{Store, indexer};

/// Entries indexed between two looks at whether anyone still commits.
const STEP: u64 = 8_192;

/// Tells the thread that there is more to index. Dropping it ends the thread
/// when the index has caught up.
#[derive(Clone)]
pub(super) struct Wake(Sender<()>);

impl Wake {
    /// Never blocks: one call that waits stands for all.
    pub(super) fn wake(&self) {
        let _ = self.0.try_send(());
    }
}

/// Starts the thread. It begins with what an earlier process left behind.
pub(super) fn start(store: Arc<dyn Store>) -> (Wake, JoinHandle<()>) {
    let (sender, receiver) = bounded(1);
    let wake = Wake(sender);
    wake.wake();
    (wake, thread::spawn(move || run(&*store, &receiver)))
}

fn run(store: &dyn Store, more: &Receiver<()>) {
    // The index is derived: what stops it is found and named by those who read
    // the entries themselves.
    while more.recv().is_ok() {
        while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
    }
    while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
}
