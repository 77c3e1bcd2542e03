//! How a verification ended.

use super::checkpoint::Checkpoint;
use super::closing::Closing;
use super::fault::{Format, Report};
use super::hash::Hash;
use super::key::PublicKey;
use super::opening::Opening;
use super::position::Seq;
use super::trace::Trace;

/// A value that passed verification. Nothing but
/// [`verify`](super::verify::verify) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(super) const fn new(value: T) -> Verified<T> {
        Verified(value)
    }

    pub fn get(&self) -> &T {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub format: Format,
    pub log: Option<PublicKey>,
    /// The hash of entry 0, if known.
    pub genesis: Option<Hash>,
    pub entries: u64,
    pub epochs: u64,
    /// Whether its entries follow each other without gaps.
    pub contiguous: bool,
    /// The number of the last entry; `None` if there is none.
    pub last_seq: Option<Seq>,
    /// The hash of the last entry; zeros if there is none.
    pub head: Hash,
    /// What entry 0 says of the log, where it is there and says so.
    pub opening: Option<Opening>,
    /// Which key continues the log, where its last entry says so.
    pub closing: Option<Closing>,
}

#[derive(Clone, Debug)]
pub struct VerifyOutcome {
    pub report: Report,
    /// There exactly if the verdict is pass, and it is on one log.
    pub verified: Option<Verified<Summary>>,
    pub trace: Trace,
    /// From where a later verification can go on.
    pub reached: Option<Checkpoint>,
}
