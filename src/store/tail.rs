//! The end of what is stored, where the next commit must begin.

use crate::ledger::position::{EpochNumber, Seq};

use super::{Batch, StoreError};

/// The last entry and the last epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) last_seq: Option<Seq>,
    pub(super) last_epoch: Option<EpochNumber>,
}

impl Tail {
    /// The tail after `batch`, which must append to this one: a ledger has no
    /// gaps, and what it holds is never written again.
    pub(super) fn after(self, batch: &Batch) -> Result<Tail, StoreError> {
        let mut tail = self;
        for entry in &batch.entries {
            let next = tail.last_seq.map_or(Some(Seq::FIRST), Seq::next);
            if next != Some(entry.seq) {
                return Err(StoreError::EntryNotNext {
                    expected: next.map_or(u64::MAX, |seq| seq.0),
                    found: entry.seq,
                });
            }
            tail.last_seq = next;
        }
        if let Some(epoch) = &batch.epoch {
            let next = tail
                .last_epoch
                .map_or(Some(EpochNumber::FIRST), EpochNumber::next);
            if next != Some(epoch.number) || Some(epoch.last_seq) > tail.last_seq {
                return Err(StoreError::EpochNotNext {
                    expected: next.map_or(u64::MAX, |number| number.0),
                    found: epoch.number,
                    last_seq: epoch.last_seq,
                });
            }
            tail.last_epoch = next;
        }
        Ok(tail)
    }
}
