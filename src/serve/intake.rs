//! Appends on their way to the writer, several at a time.
//!
//! To wake the writer for each request costs more than to write its entry, and
//! under load it would find few entries each time and sync them alone. So what
//! comes in while a worker of the runtime goes round its connections is handed
//! over together when it has been round, and signed by that worker. Nobody waits
//! for a clock: a worker that has nothing else to do hands over at once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::logbook::Logbook;
use crate::logbook::request::Submission;

/// Bytes from which on what has come in is handed over on the spot.
const ENOUGH: usize = 1 << 20;

/// Requests from which on it is: the thread that hands over signs too, and one worker had
/// better not sign what another could in the meantime.
const MANY: usize = 32;

/// What has come in and was not handed over yet.
pub(super) struct Intake {
    logbook: Arc<Logbook>,
    waiting: Mutex<WaitingRequests>,
}

#[derive(Default)]
struct WaitingRequests {
    submissions: Vec<Submission>,
    weight: usize,
}

impl Intake {
    pub(super) fn new(logbook: Arc<Logbook>) -> Arc<Intake> {
        Arc::new(Intake {
            logbook,
            waiting: Mutex::default(),
        })
    }

    /// Takes in what is to be appended; it is answered by its own callback.
    pub(super) fn take_in(self: &Arc<Self>, submission: Submission) {
        match self.put(submission) {
            Put::Enough(submissions) => self.logbook.submit_all(submissions),
            Put::First => {
                let intake = Arc::clone(self);
                tokio::spawn(async move {
                    // Until the worker has been round, and has looked who else came.
                    tokio::task::yield_now().await;
                    let submissions = intake.take();
                    if !submissions.is_empty() {
                        intake.logbook.submit_all(submissions);
                    }
                });
            }
            Put::Joined => {}
        }
    }

    /// Everything that waits, if it is to be handed over now.
    fn put(&self, submission: Submission) -> Put {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = waiting.submissions.is_empty();
        waiting.weight = waiting.weight.saturating_add(submission.weight());
        waiting.submissions.push(submission);
        let is_enough = waiting.weight >= ENOUGH || waiting.submissions.len() >= MANY;
        match (is_enough, is_first) {
            (true, _) => Put::Enough(std::mem::take(&mut *waiting).submissions),
            (false, true) => Put::First,
            (false, false) => Put::Joined,
        }
    }

    fn take(&self) -> Vec<Submission> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).submissions
    }
}

/// What is to be done about what was put in.
enum Put {
    Enough(Vec<Submission>),
    /// See to it that it is handed over soon.
    First,
    Joined,
}
