//! From the sequencer to the committer: a rendezvous that also tells whether
//! everything that was handed over is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Select, SelectedOperation, Sender, bounded};

use super::request::Work;

/// The sequencer's side.
pub(super) struct Handover {
    work: Sender<Work>,
    unfinished: Arc<AtomicUsize>,
    /// Requests that were last handed over together.
    together: AtomicUsize,
}

/// The committer's side.
#[derive(Clone)]
pub(super) struct Finished(Arc<AtomicUsize>);

/// Both sides, and where the work arrives. What is not yet being written can
/// still grow, so nothing lies between them.
pub(super) fn handover() -> (Handover, Receiver<Work>, Finished) {
    let (work, works) = bounded(0);
    let unfinished = Arc::new(AtomicUsize::new(0));
    let finished = Finished(Arc::clone(&unfinished));
    let handover = Handover {
        work,
        unfinished,
        together: AtomicUsize::new(0),
    };
    (handover, works, finished)
}

impl Handover {
    /// Waits until it is taken. False if there is nobody any more to take it.
    pub(super) fn send(&self, work: Work) -> bool {
        self.begin(&work);
        self.work.send(work).is_ok()
    }

    /// Has `select` wait for the committer, and gives the operation's index.
    pub(super) fn select<'s>(&'s self, select: &mut Select<'s>) -> usize {
        select.send(&self.work)
    }

    /// Hands over what [`Handover::select`] waited for. False as above.
    pub(super) fn complete(&self, operation: SelectedOperation<'_>, work: Work) -> bool {
        self.begin(&work);
        operation.send(&self.work, work).is_ok()
    }

    /// Whether everything that was handed over is done, and the last of it was
    /// one request's alone: where several wait, they had better wait together.
    pub(super) fn is_idle(&self) -> bool {
        self.together.load(Ordering::Relaxed) <= 1 && self.unfinished.load(Ordering::Acquire) == 0
    }

    fn begin(&self, work: &Work) {
        if let Work::Commit { replies, .. } = work {
            self.together.store(replies.len(), Ordering::Relaxed);
        }
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }
}

impl Finished {
    /// One work is done: whoever sees this sees all that it did.
    pub(super) fn one(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}
