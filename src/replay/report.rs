//! What a replay says at its end.

use std::collections::BTreeMap;

use super::counts::Counts;
use super::custody::Found;
use super::otherwise::OtherwiseCounts;
use crate::ledger::fault::Report;

#[derive(Clone, Debug)]
pub struct Replay {
    /// What verification found, and every fault of the recorded decisions.
    pub report: Report,
    pub counts: Counts,
    /// What would have come out otherwise: each decision that would have been
    /// another, or that nobody can tell of, by its entry's number.
    pub otherwise: Vec<(u64, super::otherwise::Otherwise)>,
    pub otherwise_counts: OtherwiseCounts,
    /// By kind, such as `wcp.attestation`: whether what passed last is what is
    /// there today.
    pub today: BTreeMap<&'static str, bool>,
}

impl Replay {
    pub(super) fn of(mut report: Report, found: Found) -> Replay {
        super::merge(found.findings, &mut report);
        Replay {
            report,
            counts: found.counts,
            otherwise: found.otherwise,
            otherwise_counts: found.otherwise_counts,
            today: found.today,
        }
    }
}
