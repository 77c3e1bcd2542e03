//! The writer's threads, step for step those of `src/logbook/queue.rs`,
//! `sequencer.rs` and `committer.rs`, with a number for an entry, a number for an
//! hour, and no signatures. What is left out has no part in who waits for whom:
//! hashing, tiles, indexing, notes.
//!
//! A panic under a lock is a step of its own here: what was held is dropped, and
//! the lock remembers it, as Rust's does.

mod committer;
mod queue;
mod sequencer;

use shuttle::sync::mpsc;

pub use committer::Committer;
pub use queue::{Queue, Signing};
pub use sequencer::Sequencer;

pub type Id = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub id: Id,
    pub hour: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Signing failed; the writer goes on.
    Sign,
    /// There is no room in the queue.
    Busy,
    /// There is no room on the disk; the writer goes on.
    Full,
    /// The disk failed; the writer has stopped.
    Disk,
    /// The writer has stopped, or a signer panicked.
    Stopped,
}

pub type Answer = Result<Vec<u64>, Refused>;

/// Answers exactly once; dropped without an answer, that the writer stopped.
pub struct Reply(Option<mpsc::Sender<Answer>>);

impl Reply {
    pub fn new() -> (Reply, mpsc::Receiver<Answer>) {
        let (sender, receiver) = mpsc::channel();
        (Reply(Some(sender)), receiver)
    }

    fn send(mut self, answer: Answer) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // A schedule that failed is taken apart without its scheduler.
        if let Some(sender) = self.0.take().filter(|_| !std::thread::panicking()) {
            let _ = sender.send(Err(Refused::Stopped));
        }
    }
}

pub type Sealed = Result<Option<(u64, u64)>, Refused>;

pub enum Work {
    Commit(Vec<Entry>, Due),
    Seal(Option<mpsc::Sender<Sealed>>),
    Close(mpsc::Sender<Result<(), Refused>>),
}

impl Work {
    fn join(last: &mut Work, next: Work) -> Option<Work> {
        match (last, next) {
            (Work::Commit(entries, replies), Work::Commit(more, theirs)) => {
                entries.extend(more);
                replies.extend(theirs);
                None
            }
            (_, next) => Some(next),
        }
    }

    fn refuse(self, error: Refused) {
        match self {
            Work::Commit(_, replies) => {
                for (reply, _) in replies {
                    reply.send(Err(error));
                }
            }
            Work::Seal(None) => {}
            Work::Seal(Some(reply)) => {
                let _ = reply.send(Err(error));
            }
            Work::Close(reply) => {
                let _ = reply.send(Err(error));
            }
        }
    }
}

pub type Due = Vec<(Reply, Vec<u64>)>;

pub fn deliver(due: Due) {
    for (reply, own) in due {
        reply.send(Ok(own));
    }
}
