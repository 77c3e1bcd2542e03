//! What lets entries through to the writer until the run stops.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Duration;

use crossbeam_channel::Receiver;

/// Open until it is closed. Whoever hands something over holds it, until what there is
/// to wait for is in the channel: so nothing is recorded that nobody saw.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<bool>>);

impl Gate {
    /// Hands over; `None` where it is closed.
    pub(super) fn through<T>(&self, hand_over: impl FnOnce() -> T) -> Option<T> {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!*closed).then(hand_over)
    }

    /// Closes it, and takes what was handed over before.
    pub(super) fn close<T>(&self, channel: &Receiver<T>, mut take: impl FnMut(T)) {
        loop {
            channel.try_iter().for_each(&mut take);
            match self.0.try_lock() {
                Ok(mut closed) => *closed = true,
                Err(TryLockError::Poisoned(closed)) => *closed.into_inner() = true,
                // It waits for room in the channel, or for the writer.
                Err(TryLockError::WouldBlock) => {
                    if let Ok(next) = channel.recv_timeout(Duration::from_millis(5)) {
                        take(next);
                    }
                    continue;
                }
            }
            channel.try_iter().for_each(&mut take);
            return;
        }
    }
}
