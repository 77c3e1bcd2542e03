//! Identifiers and times for decisions.

use std::sync::Arc;

use crate::ledger::hash::Hash;
use crate::logbook::clock::Clock;
use crate::wcp::DecisionStamp;
use crate::wcp::stamp::DecisionId;

use super::context::Context;
use super::error::{CliError, ProducerError};

/// Stamps without end, from one draw of randomness: the ids of a run are the
/// hashes of its seed and a count.
pub(super) struct Stamps {
    seed: [u8; 32],
    count: u64,
    clock: Arc<dyn Clock>,
}

impl Stamps {
    pub(super) fn new(context: &Context) -> Result<Stamps, CliError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(ProducerError::from)?;
        Ok(Stamps {
            seed,
            count: 0,
            clock: context.clock(),
        })
    }

    pub(super) fn next(&mut self) -> DecisionStamp {
        self.count += 1;
        let hash = Hash::of(&[&self.seed[..], &self.count.to_be_bytes()].concat());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        DecisionStamp {
            decision_id: DecisionId::from_random(bytes),
            timestamp: self.clock.wall(),
        }
    }
}
