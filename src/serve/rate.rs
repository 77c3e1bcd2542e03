//! How many requests a second: by token, and by address where there is none.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::config::ServeLimits;
use super::peer::Peer;
use super::problem::Problem;

/// New keys after which those that have been quiet are forgotten.
const SWEEP: u32 = 4_096;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    Token(String),
    Address(IpAddr),
    /// Through the socket.
    User(u32),
    /// The server itself.
    Nobody,
}

impl Peer {
    /// By whom it is counted without a token.
    pub(super) const fn payer(&self) -> Payer {
        match self.local {
            Some(local) => Payer::User(local.uid),
            None => Payer::Address(self.address.ip()),
        }
    }
}

pub(super) struct Rates {
    /// `None` where there is no limit.
    limiter: Option<DefaultKeyedRateLimiter<Payer>>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl Rates {
    pub(super) fn new(limits: &ServeLimits) -> Rates {
        let quota = NonZeroU32::new(limits.requests_per_second).map(|rate| {
            let burst = NonZeroU32::new(limits.request_burst).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(rate).allow_burst(burst)
        });
        Rates {
            limiter: quota.map(RateLimiter::keyed),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    pub(super) fn check(&self, payer: &Payer) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1
            && limiter.len() > SWEEP as usize
        {
            limiter.retain_recent();
        }
        limiter.check_key(payer).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            Problem::TooManyRequests {
                retry_after: seconds.saturating_add(1),
            }
        })
    }
}
