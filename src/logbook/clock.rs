//! Time as an argument, so that hour changes, jumps and months of epochs are
//! tested without waiting.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ledger::time::Timestamp;

/// The two clocks of the machine.
pub trait Clock: Send + Sync {
    /// What the machine believes the time to be. May jump.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes back, never jumps.
    fn monotonic(&self) -> Duration;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts to count.
    #[must_use]
    pub fn new() -> SystemClock {
        SystemClock {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let (sign, distance) = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => (1, after),
            Err(before) => (-1, before.duration()),
        };
        let micros = i64::try_from(distance.as_micros()).unwrap_or(i64::MAX);
        // A clock set outside of the years 0001 to 9999 is as wrong as one at
        // their edge, and the stamper says so.
        Timestamp::from_unix_micros(sign * micros).unwrap_or(if sign < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
