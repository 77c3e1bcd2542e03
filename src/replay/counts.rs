//! How many entries of a custody there were of what.

use std::collections::BTreeMap;

use crate::ledger::json::{Object, Value};
use crate::producers;

/// How many entries of the custody there were of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub decisions: u64,
    /// Of these, taken again.
    pub recomputed: u64,
    pub mismatched: u64,
    /// Decisions whose policy could not be evaluated here.
    pub could_not_evaluate: u64,
    /// Decisions whose policy has no counted budget, taken again under the limits
    /// of an earlier release.
    pub without_budget: u64,
    /// Decisions that are recorded with a policy version which the gate did not give,
    /// as version 0.1.0 reported the blast score.
    pub policy_version_wrong: u64,
    pub denied: u64,
    pub dry_runs: u64,
    /// Decisions with preconditions that nobody enforced.
    pub unenforced: u64,
    /// Decisions that depend on unverified inputs.
    pub on_trust: u64,
    /// Decisions whose request was erased or is withheld, and which were not taken again.
    pub without_input: u64,
    /// Decisions that someone else claims. They are none of the above.
    pub claimed: u64,
    /// Documents, wanted or not.
    pub documents: u64,
    /// Entries of other kinds, by what the kind is counted as.
    pub others: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// How many entries are counted so, of the kinds without a count above.
    pub fn of(&self, counted: &str) -> u64 {
        self.others.get(counted).copied().unwrap_or(0)
    }

    /// Adds the counts of another book.
    pub(super) fn join(&mut self, other: &Counts) {
        for (own, more) in [
            (&mut self.decisions, other.decisions),
            (&mut self.recomputed, other.recomputed),
            (&mut self.mismatched, other.mismatched),
            (&mut self.could_not_evaluate, other.could_not_evaluate),
            (&mut self.without_budget, other.without_budget),
            (&mut self.policy_version_wrong, other.policy_version_wrong),
            (&mut self.denied, other.denied),
            (&mut self.dry_runs, other.dry_runs),
            (&mut self.unenforced, other.unenforced),
            (&mut self.on_trust, other.on_trust),
            (&mut self.without_input, other.without_input),
            (&mut self.claimed, other.claimed),
            (&mut self.documents, other.documents),
        ] {
            *own += more;
        }
        for (counted, more) in &other.others {
            *self.others.entry(counted).or_default() += more;
        }
    }

    pub fn to_value(&self) -> Value {
        let mut members: Object = [
            ("decisions", self.decisions),
            ("recomputed", self.recomputed),
            ("mismatched", self.mismatched),
            ("could_not_evaluate", self.could_not_evaluate),
            ("without_budget", self.without_budget),
            ("policy_version_wrong", self.policy_version_wrong),
            ("denied", self.denied),
            ("dry_runs", self.dry_runs),
            ("unenforced", self.unenforced),
            ("on_trust", self.on_trust),
            ("without_input", self.without_input),
            ("claimed", self.claimed),
            ("documents", self.documents),
        ]
        .into_iter()
        .collect();
        for kind in producers::all() {
            if members.get(kind.counted).is_none() {
                members.insert(kind.counted, self.of(kind.counted));
            }
        }
        Value::Object(members)
    }
}
