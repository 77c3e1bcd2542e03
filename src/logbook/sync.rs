//! The locks, channels and threads of the writer: the standard library's, or, with
//! `--cfg shuttle`, those of a model checker that chooses every interleaving
//! (`tools/interleave`). What the writer does with them is the same source.

#[cfg(not(shuttle))]
use std::time::Instant;
#[cfg(not(shuttle))]
pub(super) use std::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};

#[cfg(shuttle)]
pub(super) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};

use std::time::Duration;

/// Starts a thread of the writer. One that panics ends, and no other.
pub(super) fn start(work: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    #[cfg(not(shuttle))]
    return thread::spawn(work);
    #[cfg(shuttle)]
    return thread::spawn(|| {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    });
}

/// Runs `work` on whatever core is free; nobody waits for it.
pub(super) fn elsewhere(work: impl FnOnce() + Send + 'static) {
    #[cfg(not(shuttle))]
    rayon::spawn(work);
    #[cfg(shuttle)]
    drop(thread::spawn(work));
}

/// How long a wait may last.
#[cfg(not(shuttle))]
pub(super) struct Deadline(Instant);

#[cfg(not(shuttle))]
impl Deadline {
    /// A wait for `due`, or for `otherwise` if nothing comes due.
    pub(super) fn of(due: Option<Duration>, otherwise: Duration) -> Deadline {
        Deadline(Instant::now() + due.unwrap_or(otherwise))
    }

    /// `None` once it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// A wait that ends by itself only where something comes due, and then at any time: so
/// a wake that was forgotten is a deadlock, and the checker finds it.
#[cfg(shuttle)]
pub(super) struct Deadline {
    is_due: bool,
}

#[cfg(shuttle)]
impl Deadline {
    pub(super) fn of(due: Option<Duration>, _otherwise: Duration) -> Deadline {
        Deadline {
            is_due: due.is_some(),
        }
    }

    pub(super) fn left(&self) -> Option<Duration> {
        use shuttle::rand::{Rng, thread_rng};
        let is_over = self.is_due && thread_rng().gen_bool(0.5);
        (!is_over).then_some(Duration::MAX)
    }
}
