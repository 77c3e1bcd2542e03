//! Between which times an entry was made, by the word of a policy's witnesses.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ledger::entry::Entry;
use crate::ledger::epoch::leaf_hash;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::tree::{LogFrontier, leaf};
use crate::ledger::witness_policy::WitnessPolicy;
use crate::ledger::witnessed::{Cosigned, LeftOut, When, Witnessed, between};
use crate::logbook::entry_at;
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::{Error, Ledger};

/// What the witnesses of a policy said of a ledger, each checkpoint held against the
/// ledger's own entries.
#[derive(Clone, Debug)]
pub struct Times {
    policy: WitnessPolicy,
    cosigned: Vec<Cosigned>,
    faults: Vec<TimesFault>,
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
    /// What the witnesses of `policy` said of the log of this key in `store`. Every
    /// checkpoint that it keeps is held against its entries, so all of them are read.
    ///
    /// # Errors
    /// [`Error::Query`]; a checkpoint that says nothing is none.
    pub fn of(store: &dyn Store, log: PublicKey, policy: WitnessPolicy) -> Result<Times, Error> {
        let of_kind = Filter {
            kinds: vec![kind::WITNESSED.to_owned()],
            ..Filter::default()
        };
        let ts = |index: u64| entry_at(store, Seq(index)).ok().map(|entry| entry.ts());
        let (mut judged, mut faults) = (Vec::new(), Vec::new());
        for found in select(store, &of_kind)? {
            let (seq, entry) = found?;
            match judge(seq, &entry, log, &policy, ts) {
                Ok(cosigned) => judged.push(cosigned),
                Err(detail) => faults.push(TimesFault { seq, detail }),
            }
        }
        let roots = roots(store, judged.iter().map(|one| one.size).collect())?;
        let mut cosigned = Vec::new();
        for one in judged {
            match roots.get(&one.size) == Some(&one.root) {
                true => cosigned.push(one),
                false => faults.push(TimesFault {
                    seq: one.kept.map_or(Seq::FIRST, |(seq, _)| seq),
                    detail: "the checkpoint is not of this log's entries".to_owned(),
                }),
            }
        }
        cosigned.sort_by_key(|one| one.size);
        faults.sort_by_key(|fault| fault.seq);
        Ok(Times {
            policy,
            cosigned,
            faults,
        })
    }
}

fn judge(
    seq: Seq,
    entry: &Entry,
    log: PublicKey,
    policy: &WitnessPolicy,
    ts: impl Fn(u64) -> Option<Timestamp>,
) -> Result<Cosigned, String> {
    let payload = parse::parse(entry.payload_bytes()).map_err(|error| error.to_string())?;
    let witnessed: Witnessed =
        shape::read(&payload, "payload").map_err(|error| error.to_string())?;
    let note = witnessed.checkpoint.as_bytes();
    let kept = Some((seq, entry.ts()));
    let judged = Cosigned::judge(note, log, policy, kept, ts);
    judged.map_err(|error| error.to_string())
}

/// The roots over the first entries, of each of these sizes that there is.
fn roots(store: &dyn Store, mut sizes: Vec<u64>) -> Result<BTreeMap<u64, Sha256Digest>, Error> {
    sizes.sort_unstable();
    let mut roots = BTreeMap::new();
    let Some(last) = sizes.last().and_then(|size| size.checked_sub(1)) else {
        return Ok(roots);
    };
    let all = Filter {
        until_seq: Some(Seq(last)),
        ..Filter::default()
    };
    let mut frontier = LogFrontier::new();
    for found in select(store, &all)? {
        let (_, entry) = found?;
        let data = leaf_hash(&entry.hash(), &entry.signature());
        frontier.push(leaf(&data), |_, _| ());
        if sizes.binary_search(&frontier.size()).is_ok()
            && let Some(root) = frontier.root()
        {
            roots.insert(frontier.size(), root);
        }
    }
    Ok(roots)
}

impl Times {
    /// Between which times the entry `seq` was made.
    #[must_use]
    pub fn between(&self, seq: Seq) -> Between {
        let (earlier, later) = between(seq, &self.cosigned, &self.policy);
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

    /// Up to how many entries a quorum cosigned.
    #[must_use]
    pub fn witnessed(&self) -> u64 {
        let of_quorum = |one: &&Cosigned| {
            let by = |witness| one.at.iter().any(|at| at.witness == witness);
            self.policy.is_met(by)
        };
        let sizes = self.cosigned.iter().filter(of_quorum).map(|one| one.size);
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
        let all = self.cosigned.iter();
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
