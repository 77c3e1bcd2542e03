//! Between which times an entry was made, by the word of a policy's witnesses.

use serde::Serialize;

use crate::ledger::note::Algorithm;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::ledger::witness_policy::WitnessPolicy;
use crate::ledger::witnessed::{Cosigned, LeftOut, When, between};

use super::{Error, Ledger};

mod carried;
mod kept;
mod shown;

pub use carried::CaseTimes;
use shown::Shown;

/// What the witnesses of a policy said of a ledger, each checkpoint held against the
/// ledger's own entries.
#[derive(Clone, Debug)]
pub struct Times {
    policy: WitnessPolicy,
    cosigned: Vec<Cosigned>,
    faults: Vec<TimesFault>,
    not_here: u64,
    last: Option<Seq>,
    /// The last entry that binds a second key.
    second: Option<Seq>,
    /// Of a report, what it shows of which entry.
    shown: Option<Shown>,
}

/// A checkpoint that the ledger keeps and that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimesFault {
    /// The entry that keeps it.
    pub seq: Seq,
    /// Why it says nothing.
    pub detail: String,
}

/// A bound in words: who says it, and by which checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SaidBound {
    /// The bound.
    pub time: Timestamp,
    /// The witnesses whose word it is, as the policy calls them.
    pub witnesses: Vec<String>,
    /// How many entries the checkpoint holds.
    pub size: u64,
    /// The entry that keeps the checkpoint.
    pub seq: Option<Seq>,
}

/// A cosignature whose time is in no bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SaidUnlikely {
    /// Whose, as the policy calls it.
    pub witness: String,
    /// The time that it names.
    pub time: Timestamp,
    /// The entry that keeps it.
    pub seq: Option<Seq>,
    /// Why it is left out.
    pub why: String,
}

/// Up to where a post-quantum signature reaches: it ties all entries before it, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PostQuantum {
    /// How many entries, from the first on.
    pub entries: u64,
    /// Whose signature it is, as the policy calls them.
    pub witnesses: Vec<String>,
}

/// Between which times an entry was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Between {
    /// Not earlier than this: the last cosignatures that the log kept before it.
    pub not_earlier: Option<SaidBound>,
    /// Not later than this: the first cosigned checkpoint that holds it.
    pub not_later: Option<SaidBound>,
}

impl Ledger {
    /// What the witnesses of `policy` said of this ledger.
    ///
    /// # Errors
    /// As [`Times::of`].
    pub fn times(&self, policy: WitnessPolicy) -> Result<Times, Error> {
        Times::of(self.store(), self.key(), policy)
    }
}

impl Times {
    /// Between which times the entry `seq` was made.
    #[must_use]
    pub fn between(&self, seq: Seq) -> Between {
        let (earlier, later) = match &self.shown {
            None => between(seq, &self.cosigned, &self.policy),
            Some(shown) => {
                let mut holding: Vec<Cosigned> = self.shown_over(shown, seq).cloned().collect();
                holding.sort_by_key(|one| one.size);
                let (earlier, _) = between(seq, &shown.kept, &self.policy);
                let (_, later) = between(seq, &holding, &self.policy);
                (earlier, later)
            }
        };
        Between {
            not_earlier: earlier.map(|when| self.said(when)),
            not_later: later.map(|when| self.said(when)),
        }
    }

    /// Checkpoints that the ledger keeps and that say nothing.
    #[must_use]
    pub fn faults(&self) -> &[TimesFault] {
        &self.faults
    }

    /// The last entry that was read.
    #[must_use]
    pub const fn last(&self) -> Option<Seq> {
        self.last
    }

    /// How many checkpoints are over entries that are not here, and say nothing for that.
    #[must_use]
    pub const fn not_here(&self) -> u64 {
        self.not_here
    }

    /// The entries of a report, in order; none of what is not a report.
    #[must_use]
    pub fn entries(&self) -> &[Seq] {
        self.shown.as_ref().map_or(&[], |shown| &shown.entries)
    }

    /// The checkpoints that a report shows to hold an entry.
    fn shown_over<'t>(&'t self, shown: &'t Shown, seq: Seq) -> impl Iterator<Item = &'t Cosigned> {
        let places = shown.holding.get(&seq).into_iter().flatten();
        places.filter_map(|at| self.cosigned.get(*at))
    }

    /// The first checkpoint over an entry with a post-quantum signature.
    fn post_quantum_over(&self, seq: Seq) -> Option<&Cosigned> {
        let signed = |one: &&Cosigned| one.size > seq.0 && !one.post_quantum.is_empty();
        match &self.shown {
            None => self.cosigned.iter().find(signed),
            Some(shown) => {
                let over = self.shown_over(shown, seq).filter(signed);
                over.min_by_key(|one| one.size)
            }
        }
    }

    /// Whether the policy names a key whose signatures no quantum computer forges.
    #[must_use]
    pub fn names_post_quantum(&self) -> bool {
        let mut keys = self.policy.witnesses.iter();
        keys.any(|known| matches!(known.key.algorithm(), Algorithm::MlDsa44(_)))
    }

    /// The first checkpoint over the entry `seq` that has a signature which no quantum
    /// computer forges, and whose it is.
    #[must_use]
    pub fn protected(&self, seq: Seq) -> Option<PostQuantum> {
        self.post_quantum_over(seq).map(|one| self.said_of(one))
    }

    /// Up to how many entries a signature protects that no quantum computer forges, and
    /// whose they are; none if the policy names no key that makes such, and none of a
    /// report, which does not show what stands between its entries: of each of those
    /// [`Times::protected`] says it.
    #[must_use]
    pub fn post_quantum(&self) -> Option<PostQuantum> {
        if !self.names_post_quantum() || self.shown.is_some() {
            return None;
        }
        let signed = |one: &&Cosigned| !one.post_quantum.is_empty();
        let last = self.cosigned.iter().rfind(signed);
        Some(last.map_or_else(PostQuantum::default, |one| self.said_of(one)))
    }

    fn said_of(&self, one: &Cosigned) -> PostQuantum {
        let by = one.post_quantum.iter();
        PostQuantum {
            entries: one.size,
            witnesses: by.map(|at| self.name(*at)).collect(),
        }
    }

    /// Whether the policy asks for a quorum, and no checkpoint that is kept has one.
    #[must_use]
    pub fn lacks_quorum(&self) -> bool {
        let kept = self.shown.iter().flat_map(|shown| &shown.kept);
        let mut all = self.cosigned.iter().chain(kept);
        !self.policy.is_met(|_| false) && !all.any(|one| self.has_quorum(one))
    }

    fn has_quorum(&self, one: &Cosigned) -> bool {
        let by = |witness| one.at.iter().any(|at| at.witness == witness);
        self.policy.is_met(by)
    }

    /// Up to how many entries a quorum cosigned.
    #[must_use]
    pub fn witnessed(&self) -> u64 {
        let cosigned = self.cosigned.iter().filter(|one| self.has_quorum(one));
        let sizes = cosigned.map(|one| one.size);
        sizes.max().unwrap_or(0)
    }

    /// Cosignatures whose times are in no bound.
    #[must_use]
    pub fn left_out(&self) -> Vec<SaidUnlikely> {
        let of = |one: &Cosigned, left: &LeftOut| SaidUnlikely {
            witness: self.name(left.witness),
            time: left.time,
            seq: one.kept.map(|(seq, _)| seq),
            why: left.why.to_string(),
        };
        let kept = self.shown.iter().flat_map(|shown| &shown.kept);
        let all = self.cosigned.iter().chain(kept);
        let all = all.flat_map(|one| one.left_out.iter().map(move |left| (one, left)));
        all.map(|(one, left)| of(one, left)).collect()
    }

    fn said(&self, when: When) -> SaidBound {
        let witnesses = when.witnesses.iter();
        SaidBound {
            time: when.time,
            witnesses: witnesses.map(|at| self.name(*at)).collect(),
            size: when.size,
            seq: when.kept,
        }
    }

    fn name(&self, witness: usize) -> String {
        let witness = self.policy.witnesses.get(witness);
        witness.map(|known| known.name.clone()).unwrap_or_default()
    }
}

impl SaidBound {
    /// In words for people.
    #[must_use]
    pub fn text(&self) -> String {
        let by = self.witnesses.join(", ");
        format!(
            "{} by {by} (checkpoint of {} entries)",
            self.time, self.size
        )
    }
}
