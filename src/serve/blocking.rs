//! Work that blocks, on threads of its own and no more of them than are given.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::Limits;
use super::problem::Problem;

/// How long work waits for a thread before the server is called busy.
const WAIT: Duration = Duration::from_secs(2);

/// The pools.
pub(super) struct Pools {
    /// Reads, routing: milliseconds.
    reads: Arc<Semaphore>,
    /// Exports, verifications: as long as they take.
    long_works: Arc<Semaphore>,
    /// Live tails, which wait and do not work.
    tails: Arc<Semaphore>,
}

impl Pools {
    pub(super) fn new(limits: &Limits) -> Pools {
        Pools {
            reads: Arc::new(Semaphore::new(limits.reads)),
            long_works: Arc::new(Semaphore::new(limits.long_works)),
            tails: Arc::new(Semaphore::new(limits.tails)),
        }
    }

    /// Reads, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = place(&self.reads).await?;
        // The place is given back when the thread is free, not when nobody
        // waits for it any more.
        let work = move || {
            let answer = work();
            drop(place);
            answer
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(Problem::Abandoned))
    }

    /// A place for long work.
    pub(super) async fn long_work(&self) -> Result<OwnedSemaphorePermit, Problem> {
        place(&self.long_works).await
    }

    /// A place for a live tail.
    pub(super) fn tail(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.tails)
            .try_acquire_owned()
            .map_err(|_| Problem::Busy)
    }
}

async fn place(pool: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    match tokio::time::timeout(WAIT, Arc::clone(pool).acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Problem::Busy),
    }
}
