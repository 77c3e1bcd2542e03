//! The thread that builds the index behind the commits. Nobody waits for it
//! but the one who closes the ledger; if it stops, queries scan from where it
//! came to.
//!
//! It also counts the terms of the open epoch, and merges those of sealed ones, so that
//! a seal finds most of it done. What it does not get to, the seal does.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{Store, indexer};

use super::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel,
};
use super::sync::{start as start_thread, thread::JoinHandle};
use super::terms::{OpenTerms, merge_behind};

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
    more: SyncSender<()>,
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
pub(super) fn start(store: Arc<dyn Store>, terms: Option<OpenTerms>) -> (Wake, JoinHandle<()>) {
    let (more, wanted) = sync_channel(1);
    let (_writing, writing) = channel();
    let wake = Wake { more, _writing };
    wake.wake();
    let thread = start_thread(move || run(&*store, terms.as_ref(), &wanted, &writing));
    (wake, thread)
}

fn run(
    store: &dyn Store,
    terms: Option<&OpenTerms>,
    wanted: &Receiver<()>,
    writing: &Receiver<()>,
) {
    // The index is derived: what stops it is found and named by those who read
    // the entries themselves.
    while wanted.recv().is_ok() {
        while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
        if writing.recv_timeout(GATHERING) == Err(RecvTimeoutError::Disconnected) {
            break;
        }
        if let Some(terms) = terms {
            behind(store, terms, writing);
        }
    }
    while indexer::catch_up(store, STEP).is_ok_and(|indexed| indexed > 0) {}
}

/// Counts and merges what the next seals need, until the writer ends.
fn behind(store: &dyn Store, terms: &OpenTerms, writing: &Receiver<()>) {
    let goes_on = || writing.try_recv() != Err(TryRecvError::Disconnected);
    while goes_on() && terms.catch_up(store).is_ok_and(|more| more) {}
    if let Ok(since) = terms.since()
        && let Ok(Some(epoch)) = store.last_epoch()
        && goes_on()
    {
        // What fails here fails again in the seal, which says so.
        let _ = merge_behind(store, since, epoch);
    }
}
