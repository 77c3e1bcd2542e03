//! How many entries of a custody there were of what.

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
    /// Decisions whose policy could not be evaluated here.
    pub could_not_evaluate: u64,
    /// Decisions whose policy has no counted budget, taken again under the limits
    /// of an earlier release.
    pub without_budget: u64,
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
    /// Changes of what decides.
    pub reloads: u64,
    /// Documents, wanted or not.
    pub documents: u64,
}

impl Counts {
    /// Every count by name.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let members: Object = [
            ("decisions", self.decisions),
            ("recomputed", self.recomputed),
            ("mismatched", self.mismatched),
            ("could_not_evaluate", self.could_not_evaluate),
            ("without_budget", self.without_budget),
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
