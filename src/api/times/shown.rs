//! The times of a report's entries, by what it carries for them.

use std::collections::BTreeMap;
use std::path::Path;

use super::kept::{judge, other_key, second_key};
use super::{Times, TimesFault};
use crate::api::entries::{ReadEntry, entries};
use crate::api::file::open;
use crate::api::{Error, Policy};
use crate::ledger::epoch::leaf_hash;
use crate::ledger::fault::Verdict;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::note::MlDsaKey;
use crate::ledger::position::Seq;
use crate::ledger::proof::{InclusionProof, ProofFile};
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::tree::root_of_path;
use crate::ledger::verify::verify;
use crate::ledger::witness_policy::WitnessPolicy;
use crate::ledger::witnessed::Cosigned;
use crate::report::{Holding, ReportFile};

/// What a report shows of its entries.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Cosignatures that stand in the log before later entries.
    pub(super) kept: Vec<Cosigned>,
    /// The checkpoints that hold an entry, by their places in [`Times::cosigned`].
    pub(super) holding: BTreeMap<Seq, Vec<usize>>,
    /// The entries of the report.
    pub(super) entries: Vec<Seq>,
}

impl Times {
    /// What a report shows under a reader's policy, by what it carries. Its entries are
    /// read and **not judged**.
    ///
    /// # Errors
    /// [`Error::NotRecognised`]; [`Error::Read`], [`Error::Unreadable`].
    pub fn of_report(
        path: &Path,
        log: PublicKey,
        genesis: Option<Hash>,
        policy: WitnessPolicy,
    ) -> Result<Times, Error> {
        let file = ReportFile::open(open(path)?.reader)?;
        let about = file.as_ref().and_then(ReportFile::about);
        let carried = about.and_then(|about| about.times.clone());
        let carried = carried.unwrap_or_default();
        let entries = read_entries(path)?;
        let mut times = Times {
            policy,
            cosigned: Vec::new(),
            faults: Vec::new(),
            not_here: 0,
            last: entries.keys().next_back().copied(),
            second: None,
            shown: None,
        };
        let mut shown = Shown {
            entries: entries.keys().copied().collect(),
            ..Shown::default()
        };
        let mut second = Vec::new();
        for text in &carried.kept {
            match judge_kept(text, log, genesis, &times.policy) {
                Ok(Kept::Cosigned(cosigned)) => shown.kept.push(cosigned),
                Ok(Kept::SecondKey(seq, key)) => second.push((seq, key)),
                Err(fault) => times.faults.push(fault),
            }
        }
        shown.kept.sort_by_key(|cosigned| cosigned.kept);
        for holding in &carried.holding {
            times.take(holding, log, &entries, &mut shown.holding);
        }
        second.sort_by_key(|(seq, _)| *seq);
        times
            .faults
            .extend(other_key(&second, &times.policy, &times.cosigned));
        times.shown = Some(shown);
        Ok(times)
    }

    /// Judges a checkpoint that a report carries, and the places under it.
    fn take(
        &mut self,
        holding: &Holding,
        log: PublicKey,
        entries: &Entries,
        holds: &mut BTreeMap<Seq, Vec<usize>>,
    ) {
        let first = holding
            .entries
            .first()
            .map_or(Seq::FIRST, |place| place.seq);
        let judged = Cosigned::judge(holding.checkpoint.as_bytes(), log, &self.policy, None);
        let mut cosigned = match judged {
            Ok(cosigned) => cosigned,
            Err(error) => {
                let detail = error.to_string();
                return self.faults.push(TimesFault { seq: first, detail });
            }
        };
        let at = self.cosigned.len();
        for place in &holding.entries {
            let entry = entries.get(&place.seq);
            let root = |data| root_of_path(place.seq.0, cosigned.size, data, &place.path);
            match entry.map(|(data, ts)| (root(data), *ts)) {
                Some((Ok(root), ts)) if root == cosigned.root => {
                    holds.entry(place.seq).or_default().push(at);
                    cosigned.hold(ts);
                }
                found => self.faults.push(TimesFault {
                    seq: place.seq,
                    detail: match found {
                        Some(_) => "its path does not lead to the root of the checkpoint",
                        None => "a path of it is carried, and the entry is not here",
                    }
                    .to_owned(),
                }),
            }
        }
        self.cosigned.push(cosigned);
    }
}

/// Of each entry its data in the public log, and its time.
type Entries = BTreeMap<Seq, (Hash, Timestamp)>;

fn read_entries(path: &Path) -> Result<Entries, Error> {
    let mut read = Entries::new();
    for found in entries(open(path)?.reader)? {
        let ReadEntry { seq, entry, .. } = found?;
        if let Some(seq) = seq {
            let data = leaf_hash(&entry.hash(), &entry.signature());
            read.insert(seq, (data, entry.ts()));
        }
    }
    Ok(read)
}

/// What an entry says that a report proves beside its own.
#[allow(clippy::large_enum_variant, reason = "there are few, for a moment")]
enum Kept {
    Cosigned(Cosigned),
    SecondKey(Seq, MlDsaKey),
}

/// Judges the proof of an entry that keeps cosignatures, or binds a second key.
fn judge_kept(
    text: &str,
    log: PublicKey,
    genesis: Option<Hash>,
    policy: &WitnessPolicy,
) -> Result<Kept, TimesFault> {
    let proof = InclusionProof::from_bytes(text.as_bytes()).map_err(|error| TimesFault {
        seq: Seq::FIRST,
        detail: format!("a proof that is carried: {error}"),
    })?;
    let seq = proof.seq;
    let keys = Policy {
        keys: vec![log],
        ..Policy::default()
    };
    let judged = verify(&mut ProofFile::new(text.as_bytes()), &keys, &mut |_| ());
    let fault = |detail: String| TimesFault { seq, detail };
    let report = judged.map_err(|error| fault(error.to_string()))?.report;
    let first = report.faults.first();
    if let Some(found) = first.filter(|_| report.verdict != Verdict::Pass) {
        return Err(fault(format!("its proof: {}", found.detail)));
    }
    if report.verdict != Verdict::Pass || report.genesis != genesis {
        return Err(fault("its proof is of another log".to_owned()));
    }
    if let Some(key) = second_key(&proof.entry) {
        return Ok(Kept::SecondKey(seq, key));
    }
    if proof.entry.kind() != kind::WITNESSED {
        return Err(fault("it keeps no cosignatures".to_owned()));
    }
    let judged = judge(seq, &proof.entry, log, policy);
    judged.map(Kept::Cosigned).map_err(fault)
}
