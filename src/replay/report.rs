//! What a replay says at its end.

use super::custody::Found;
use super::otherwise::OtherwiseCounts;
use crate::ledger::fault::Report;
use crate::ledger::json::{Object, Value};

/// How many entries of the custody there were of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recorded decisions.
    pub decisions: u64,
    /// Of these, taken again.
    pub recomputed: u64,
    /// Of these, come out otherwise.
    pub mismatched: u64,
    /// Decisions that denied.
    pub denied: u64,
    /// Decisions that were dry runs.
    pub dry_runs: u64,
    /// Decisions with preconditions that nobody enforced.
    pub unenforced: u64,
    /// Decisions that rest on someone's word in part.
    pub on_trust: u64,
    /// Decisions that someone else claims. They are none of the above.
    pub claimed: u64,
    /// Verified packages.
    pub attestations: u64,
    /// Verified manifests.
    pub manifests: u64,
    /// Judged cards.
    pub cards: u64,
    /// Resolved denials.
    pub approvals: u64,
    /// Changes of premises.
    pub reloads: u64,
    /// Documents, wanted or not.
    pub documents: u64,
}

/// The end of a replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What verification found, and every fault of the recorded decisions.
    pub report: Report,
    /// How many of what.
    pub counts: Counts,
    /// What would have come out otherwise: each decision that would have been
    /// another, or that nobody can tell of, by its entry's number.
    pub otherwise: Vec<(u64, super::otherwise::Otherwise)>,
    /// How many would have.
    pub otherwise_counts: OtherwiseCounts,
    /// Whether what was attested last is what is there today; none if nothing
    /// was compared.
    pub today: Option<bool>,
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

impl Counts {
    /// Every count by name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let members: Object = [
            ("decisions", self.decisions),
            ("recomputed", self.recomputed),
            ("mismatched", self.mismatched),
            ("denied", self.denied),
            ("dry_runs", self.dry_runs),
            ("unenforced", self.unenforced),
            ("on_trust", self.on_trust),
            ("claimed", self.claimed),
            ("attestations", self.attestations),
            ("manifests", self.manifests),
            ("cards", self.cards),
            ("approvals", self.approvals),
            ("reloads", self.reloads),
            ("documents", self.documents),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}
