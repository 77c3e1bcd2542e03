//! What a report carries for the times of its entries, chosen out of a ledger.

use std::collections::BTreeMap;

use super::{Between, Times};
use crate::api::{Error, Ledger};
use crate::evidence;
use crate::evidence::report::entries_of;
use crate::ledger::position::Seq;
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use crate::ledger::witness_policy::{Witness, WitnessPolicy, parse};
use crate::ledger::witnessed::Witnessed;
use crate::logbook::entry_at;
use crate::publish::paths_of;
use crate::report::{CarriedTimes, Holding, MOST_TIMED, Place};
use crate::store::Store;

/// Bytes of notes, paths and proofs, about: they stand in one line, which is read up to
/// 20 MiB long.
const MOST_BYTES: usize = 8 << 20;

/// What the log's second key is called beside its witnesses.
const OWN: &str = "second-key";

/// What shows between which times the entries of a case were made, for a report to carry.
#[derive(Clone, Debug, Default)]
pub struct CaseTimes {
    /// What is carried.
    pub carried: CarriedTimes,
    /// How many entries it is for, the first of the case.
    pub entries: u64,
    /// How many of them have a time that they are not earlier than.
    pub not_earlier: u64,
    /// How many of them have a time that they are not later than.
    pub not_later: u64,
    /// Whether the case has more entries than what is carried is for.
    pub more: bool,
}

impl Ledger {
    /// What a report carries for the times of its entries, as the witnesses of `policy`
    /// say them, and for the post-quantum signatures over them that the policy names.
    /// Whose word counts is for the report's reader to say: each part is held against the
    /// reader's own policy.
    ///
    /// # Errors
    /// [`Error`] if the ledger cannot be read.
    pub fn case_times(&self, correlation: &str, policy: WitnessPolicy) -> Result<CaseTimes, Error> {
        let store = self.store();
        let seqs = entries_of(store, correlation, MOST_TIMED + 1)?;
        match seqs.is_empty() {
            true => Ok(CaseTimes::default()),
            false => Times::of_leaves(store, self.key(), policy)?.of_case(store, &seqs),
        }
    }

    /// Whose word the log itself asks for: the witnesses of the policy that is bound with
    /// its name, and its second key; none where it has neither.
    ///
    /// # Errors
    /// [`Error`] if the ledger cannot be read.
    pub fn own_policy(&self) -> Result<Option<WitnessPolicy>, Error> {
        let bound = self.public_name()?.and_then(|named| named.policy);
        let bound = bound.and_then(|text| parse(text.as_bytes()).ok());
        let Some(second) = self.second_verifier_key()? else {
            return Ok(bound);
        };
        let Some(mut policy) = bound else {
            return Ok(parse(format!("witness {OWN} {second}\nquorum {OWN}\n").as_bytes()).ok());
        };
        if policy.witnesses.iter().all(|known| known.key != second) {
            policy.witnesses.push(Witness {
                name: OWN.to_owned(),
                key: second,
                url: None,
            });
        }
        Ok(Some(policy))
    }
}

impl Times {
    fn of_case(&self, store: &dyn Store, seqs: &[Seq]) -> Result<CaseTimes, Error> {
        let mut case = CaseTimes::default();
        let mut chosen = Chosen::default();
        let last = seqs.last().filter(|_| self.names_post_quantum());
        // A policy may name another second key than the log binds: a reader sees which.
        if let Some(bound) = self.second.filter(|bound| Some(bound) <= last) {
            chosen.prove(store, bound)?;
        }
        for seq in seqs {
            case.more = case.entries >= MOST_TIMED as u64 || chosen.bytes > MOST_BYTES;
            if case.more {
                break;
            }
            let Between {
                not_earlier,
                not_later,
            } = self.between(*seq);
            case.entries += 1;
            case.not_earlier += u64::from(not_earlier.is_some());
            case.not_later += u64::from(not_later.is_some());
            if let Some(before) = not_earlier.and_then(|bound| bound.seq) {
                chosen.prove(store, before)?;
            }
            let holding = not_later.and_then(|bound| bound.seq);
            let protecting = self.protecting(*seq).filter(|kept| Some(*kept) != holding);
            for kept in holding.into_iter().chain(protecting) {
                chosen.hold(store, kept, *seq)?;
            }
        }
        case.carried = chosen.carried(store)?;
        Ok(case)
    }

    /// The entry that keeps the first checkpoint over `seq` with a post-quantum signature.
    fn protecting(&self, seq: Seq) -> Option<Seq> {
        let found = self.post_quantum_over(seq)?;
        found.kept.map(|(kept, _)| kept)
    }
}

/// What was chosen, by the entries that keep it.
#[derive(Default)]
struct Chosen {
    proofs: BTreeMap<Seq, String>,
    holding: BTreeMap<Seq, Held>,
    bytes: usize,
}

/// A note, and the entries whose places under it are carried.
struct Held {
    note: String,
    checkpoint: CheckpointText,
    seqs: Vec<Seq>,
}

impl Chosen {
    fn prove(&mut self, store: &dyn Store, seq: Seq) -> Result<(), Error> {
        if !self.proofs.contains_key(&seq) {
            let proof = evidence::prove(store, seq)?.to_bytes();
            self.bytes += proof.len();
            let text = String::from_utf8_lossy(&proof).into_owned();
            self.proofs.insert(seq, text);
        }
        Ok(())
    }

    fn hold(&mut self, store: &dyn Store, kept: Seq, seq: Seq) -> Result<(), Error> {
        if !self.holding.contains_key(&kept) {
            // It was judged when the times were read.
            let Some((note, checkpoint)) = note_of(store, kept)? else {
                return Ok(());
            };
            self.bytes += note.len();
            let seqs = Vec::new();
            let held = Held {
                note,
                checkpoint,
                seqs,
            };
            self.holding.insert(kept, held);
        }
        if let Some(held) = self.holding.get_mut(&kept) {
            held.seqs.push(seq);
            // In hexadecimal, with quotes and comma; and its number.
            let siblings = held.checkpoint.size.checked_ilog2().unwrap_or(0) as usize + 1;
            self.bytes += siblings * 67 + 40;
        }
        Ok(())
    }

    fn carried(self, store: &dyn Store) -> Result<CarriedTimes, Error> {
        let held = || self.holding.values();
        let wanted: Vec<(&CheckpointText, Seq)> = held()
            .flat_map(|held| held.seqs.iter().map(|seq| (&held.checkpoint, *seq)))
            .collect();
        let mut paths = paths_of(store, &wanted)?.into_iter();
        let holding = held().map(|held| Holding {
            checkpoint: held.note.clone(),
            entries: held
                .seqs
                .iter()
                .zip(paths.by_ref())
                .map(|(seq, path)| Place { path, seq: *seq })
                .collect(),
        });
        Ok(CarriedTimes {
            holding: holding.collect(),
            kept: self.proofs.values().cloned().collect(),
        })
    }
}

/// The note that an entry keeps.
fn note_of(store: &dyn Store, seq: Seq) -> Result<Option<(String, CheckpointText)>, Error> {
    let payload = entry_at(store, seq)?.check_payload().ok();
    let kept = payload.and_then(|payload| Witnessed::from_object(&payload).ok());
    Ok(kept.and_then(|kept| {
        let signed = SignedCheckpoint::parse(kept.checkpoint.as_bytes()).ok()?;
        Some((kept.checkpoint, signed.content().clone()))
    }))
}
