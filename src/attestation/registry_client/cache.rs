//! Answers that are used again for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answers::VerifyResponse;

/// How many answers are kept; beyond, all are forgotten rather than let a caller
/// with endless names take all memory.
const ENTRIES: usize = 10_000;

#[derive(Debug)]
pub(super) struct Cache {
    ttl: Duration,
    answers: Mutex<HashMap<String, (Instant, VerifyResponse)>>,
}

impl Cache {
    pub(super) fn new(ttl: Duration) -> Cache {
        let answers = Mutex::default();
        Cache { ttl, answers }
    }

    pub(super) fn get(&self, worker_id: &str) -> Option<VerifyResponse> {
        let answers = self.lock();
        let (since, answer) = answers.get(worker_id)?;
        (since.elapsed() < self.ttl).then(|| answer.clone())
    }

    pub(super) fn put(&self, worker_id: &str, answer: &VerifyResponse) {
        let mut answers = self.lock();
        if answers.len() >= ENTRIES {
            answers.clear();
        }
        answers.insert(worker_id.to_owned(), (Instant::now(), answer.clone()));
    }

    pub(super) fn forget(&self, worker_id: &str) {
        self.lock().remove(worker_id);
    }

    /// A map of answers is whole after every call, so a panic elsewhere does not
    /// spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, VerifyResponse)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
