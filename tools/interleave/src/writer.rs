//! The two threads of the writer, step for step those of
//! `src/logbook/sequencer.rs`, `handover.rs` and `committer.rs`, with a number
//! for an entry, a number for an hour, and no signatures. What is left out has
//! no part in who waits for whom: hashing, tiles, indexing, notes.
//!
//! A panic under a lock is a step of its own here: what was held is dropped, and
//! the lock remembers it, as Rust's does.

mod committer;
mod sequencer;

use std::sync::Arc;

use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::mpsc;

use super::channel::Channels;

pub use committer::Committer;
pub use sequencer::Sequencer;

pub type Id = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub id: Id,
    pub hour: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Signing failed; the writer goes on.
    Sign,
    /// The disk failed; the writer has stopped.
    Disk,
    /// The writer has stopped.
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
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Err(Refused::Stopped));
        }
    }
}

pub type Sealed = Result<Option<(u64, u64)>, Refused>;

pub enum Request {
    Append(Vec<Id>, Reply),
    Seal(mpsc::Sender<Sealed>),
    Close(mpsc::Sender<Result<(), Refused>>),
}

pub enum Work {
    Commit(Vec<Entry>, Due),
    Seal(Option<mpsc::Sender<Sealed>>),
    Close(mpsc::Sender<Result<(), Refused>>),
}

pub type Due = Vec<(Reply, Vec<u64>)>;
pub type Line = Channels<Request, Work>;

/// `handover.rs`: whether what was handed over is done.
#[derive(Clone, Default)]
pub struct Handed {
    unfinished: Arc<AtomicUsize>,
    /// Requests that were last handed over together.
    together: Arc<AtomicUsize>,
}

impl Handed {
    fn begin(&self, work: &Work) {
        if let Work::Commit(_, replies) = work {
            self.together.store(replies.len(), Ordering::SeqCst);
        }
        self.unfinished.fetch_add(1, Ordering::SeqCst);
    }

    fn one_is_done(&self) {
        self.unfinished.fetch_sub(1, Ordering::SeqCst);
    }
}

pub fn deliver(due: Due) {
    for (reply, own) in due {
        reply.send(Ok(own));
    }
}
