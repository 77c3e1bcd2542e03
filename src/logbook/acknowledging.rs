//! The thread that wakes the callers that wait for their entries, while the committer
//! already writes the next batch. To wake sixty threads takes as long as to
//! write their entries.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::request::{Receipt, Reply};

/// Requests whose entries are durable, with their receipts.
pub(super) type Due = Vec<(Reply, Vec<Receipt>)>;

/// Up to so many are woken where they stand: for fewer another thread would
/// only be one more to wake.
const WOKEN_IN_PLACE: usize = 4;

/// Batches whose callers are still being woken.
const BEHIND: usize = 4;

/// Gives receipts to callers that wait. Dropping it ends the thread when all have
/// theirs.
///
/// The channel is of the standard library, whose receivers sleep at once. Those
/// of crossbeam give way a few times first, and where every core has something
/// better to do each time is a switch there and back.
pub(super) struct Acknowledger(SyncSender<Due>);

impl Acknowledger {
    pub(super) fn start() -> (Acknowledger, JoinHandle<()>) {
        let (sender, receiver) = sync_channel(BEHIND);
        (Acknowledger(sender), thread::spawn(move || run(&receiver)))
    }

    /// Gives each its receipts, now or soon.
    pub(super) fn acknowledge(&self, due: Due) {
        let (waiting, told): (Due, Due) =
            due.into_iter().partition(|(reply, _)| reply.wakes_a_thread);
        deliver(told);
        if waiting.len() <= WOKEN_IN_PLACE {
            deliver(waiting);
        } else if let Err(unsent) = self.0.send(waiting) {
            deliver(unsent.0);
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
        reply.send(Ok(receipts));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread::ThreadId;

    use super::super::request::{Answer, Pending, Submission, awaited};
    use super::*;

    fn waited_for(count: usize) -> (Due, Vec<Pending>) {
        let (submissions, pending): (Vec<_>, Vec<_>) =
            (0..count).map(|_| awaited(Vec::new())).unzip();
        let due = submissions.into_iter().map(|one| (one.reply, Vec::new()));
        (due.collect(), pending)
    }

    #[test]
    fn who_only_has_to_be_told_is_told_before_the_next_commit() {
        let (acknowledger, thread) = Acknowledger::start();
        for waiting in [0, WOKEN_IN_PLACE, WOKEN_IN_PLACE + 1, 60] {
            let (mut due, pending) = waited_for(waiting);
            let (sender, told) = channel::<ThreadId>();
            for _ in 0..10 {
                let sender = sender.clone();
                let tell = move |answer: Answer| {
                    assert!(matches!(answer, Ok(receipts) if receipts.is_empty()));
                    let _ = sender.send(thread::current().id());
                };
                let submission = Submission::whole(Vec::new(), None, tell);
                due.push((submission.reply, Vec::new()));
            }
            acknowledger.acknowledge(due);
            let told: Vec<_> = told.try_iter().collect();
            assert_eq!(told, [thread::current().id(); 10], "beside {waiting}");
            for pending in pending {
                assert_eq!(
                    pending.wait().map_err(|error| error.to_string()),
                    Ok(vec![])
                );
            }
        }
        drop(acknowledger);
        assert!(thread.join().is_ok());
    }
}
