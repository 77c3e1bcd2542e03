//! Free space: below the limit nothing is recorded, before a write fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::problem::Problem;

pub(super) struct FreeSpace {
    dir: PathBuf,
    limit: u64,
    free: AtomicU64,
    low: AtomicBool,
}

impl FreeSpace {
    pub(super) const fn new(dir: PathBuf, limit: u64) -> FreeSpace {
        FreeSpace {
            dir,
            limit,
            free: AtomicU64::new(u64::MAX),
            low: AtomicBool::new(false),
        }
    }

    /// Looks. What cannot be seen counts as what was seen last.
    pub(super) fn look(&self) {
        if let Ok(seen) = rustix::fs::statvfs(&self.dir) {
            let free = seen.f_bavail.saturating_mul(seen.f_frsize);
            self.free.store(free, Ordering::Relaxed);
            let low = free < self.limit;
            if self.low.swap(low, Ordering::Relaxed) != low {
                tracing::warn!(free, limit = self.limit, low, "free space");
            }
        }
    }

    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    pub(super) fn is_low(&self) -> bool {
        self.low.load(Ordering::Relaxed)
    }

    /// Refuses to record where there is no room.
    pub(super) fn check(&self) -> Result<(), Problem> {
        match self.is_low() {
            true => Err(Problem::DiskLow),
            false => Ok(()),
        }
    }
}

/// Looks at every tick.
pub(super) async fn watch(space: Arc<FreeSpace>, tick: Duration) {
    loop {
        tokio::time::sleep(tick).await;
        let here = Arc::clone(&space);
        let looked = tokio::task::spawn_blocking(move || here.look());
        if looked.await.is_err() {
            return;
        }
    }
}
