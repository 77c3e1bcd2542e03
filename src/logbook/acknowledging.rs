//! The thread that wakes those whose entries are durable, while the committer
//! already writes the next batch. To wake sixty threads takes as long as to
//! write their entries.

use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::request::{Receipt, Reply};

/// Requests whose entries are durable, with their receipts.
pub(super) type Due = Vec<(Reply, Vec<Receipt>)>;

/// Up to so many are woken where they stand: for fewer another thread would
/// only be one more to wake.
const WOKEN_IN_PLACE: usize = 4;

/// Batches whose callers are still being woken.
const BEHIND: usize = 4;

/// Gives receipts to those who wait. Dropping it ends the thread when all have
/// theirs.
pub(super) struct Acknowledger(Sender<Due>);

impl Acknowledger {
    pub(super) fn start() -> (Acknowledger, JoinHandle<()>) {
        let (sender, receiver) = bounded(BEHIND);
        (Acknowledger(sender), thread::spawn(move || run(&receiver)))
    }

    /// Gives each its receipts, now or soon.
    pub(super) fn acknowledge(&self, due: Due) {
        if due.len() <= WOKEN_IN_PLACE {
            deliver(due);
        } else if let Err(unsent) = self.0.send(due) {
            deliver(unsent.into_inner());
        }
    }
}

fn run(batches: &Receiver<Due>) {
    for due in batches {
        deliver(due);
    }
}

fn deliver(due: Due) {
    for (reply, receipts) in due {
        // A caller that has gone away does not want its receipt.
        let _ = reply.send(Ok(receipts));
    }
}
