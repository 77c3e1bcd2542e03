//! Time as an argument, so that hour changes, jumps and months of epochs are
//! tested without waiting.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ledger::time::Timestamp;

pub trait Clock: Send + Sync {
    /// What the machine believes the time to be. May jump.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes back, never jumps.
    fn monotonic(&self) -> Duration;

    /// Which start of the machine this is, and how long ago it was, sleep included.
    /// `None` where nobody knows.
    fn boot(&self) -> Option<Boot> {
        None
    }

    /// Whether somebody has said that the wall clock is right.
    fn is_accepted(&self) -> bool {
        false
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// No other start has it.
    pub id: String,
    pub since: Duration,
}

#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    accepted: bool,
}

impl SystemClock {
    pub fn new() -> SystemClock {
        SystemClock {
            started: Instant::now(),
            accepted: false,
        }
    }

    /// The same, of which somebody says that the wall clock is right.
    pub fn accepted() -> SystemClock {
        SystemClock {
            accepted: true,
            ..SystemClock::new()
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

    fn boot(&self) -> Option<Boot> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        // Seconds with two decimals: enough to tell a day.
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        Some(Boot {
            id: id.trim().to_owned(),
            since: Duration::try_from_secs_f64(seconds).ok()?,
        })
    }

    fn is_accepted(&self) -> bool {
        self.accepted
    }
}
