//! How long to wait before what failed is tried again.

use std::time::Duration;

use super::error::SinkError;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// What a receiver may ask for at most, in seconds.
const ASKED: u64 = 600;

/// Waits that double, each shortened at random by up to a half, so that many that
/// failed together do not come back together.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It succeeded.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// How often it failed one after the other.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// How long to wait after this failure.
    pub fn after(&mut self, error: &SinkError) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        if let SinkError::Refused {
            after: Some(asked), ..
        } = error
        {
            return Duration::from_secs((*asked).clamp(1, ASKED));
        }
        let whole = doubled.min(LONGEST);
        let mut random = [0];
        // Without randomness the wait is whole.
        let _ = getrandom::fill(&mut random);
        whole.mul_f64(1.0 - f64::from(random[0]) / 512.0)
    }
}
