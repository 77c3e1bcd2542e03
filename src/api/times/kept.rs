//! The cosigned checkpoints that a log keeps, out of a ledger or a file.
//!
//! What they hold stands before them, and which they are is known only when they are
//! read: so the entries are read twice, and memory is that of the checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use super::{Times, TimesFault};
use crate::api::Error;
use crate::api::entries::{ReadEntry, entries};
use crate::ledger::entry::Entry;
use crate::ledger::epoch::leaf_hash;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::note::{Algorithm, MlDsaKey};
use crate::ledger::opening::Opening;
use crate::ledger::position::Seq;
use crate::ledger::second_key::SecondKey;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::tree::{LogFrontier, leaf};
use crate::ledger::witness_policy::WitnessPolicy;
use crate::ledger::witnessed::{Cosigned, Witnessed};
use crate::logbook::entry_at;
use crate::publish::roots_at;
use crate::store::Store;
use crate::store::query::{Filter, select};

/// Takes an entry, and says whether more are wanted.
type Take<'t> = dyn FnMut(Seq, &Entry) -> bool + 't;

/// Reads entries in order: all, or at least those that speak of the public log.
type Read<'r> = dyn Fn(&mut Take<'_>) -> Result<(), Error> + 'r;

/// The kinds of entries that bind a second key or keep a checkpoint.
const SPEAK: [&str; 3] = [kind::OPEN, kind::KEY, kind::WITNESSED];

impl Times {
    /// What the witnesses of `policy` said of the log of this key in `store`. Every
    /// checkpoint that it keeps is held against its entries, so all of them are read.
    ///
    /// # Errors
    /// [`Error::Query`]; a checkpoint that says nothing is none.
    pub fn of(store: &dyn Store, log: PublicKey, policy: WitnessPolicy) -> Result<Times, Error> {
        let all = |take: &mut Take<'_>| each(store, Filter::default(), take);
        read(log, policy, &|take| speaking(store, take), |sizes| {
            Held::read(sizes, &all)
        })
    }

    /// The same, by the leaves that the epochs' tiles have: for what is held against the
    /// entries again by who reads it.
    pub(super) fn of_leaves(
        store: &dyn Store,
        log: PublicKey,
        policy: WitnessPolicy,
    ) -> Result<Times, Error> {
        read(log, policy, &|take| speaking(store, take), |sizes| {
            Held::of_leaves(sizes, store)
        })
    }

    /// The same of a logbook or a bundle. It is read and **not judged**.
    ///
    /// # Errors
    /// [`Error::NotRecognised`]; [`Error::Read`], [`Error::Unreadable`].
    pub fn of_file(path: &Path, log: PublicKey, policy: WitnessPolicy) -> Result<Times, Error> {
        let all = |take: &mut Take<'_>| {
            let file = File::open(path).map_err(|error| Error::file(path, error))?;
            let mut next = Seq::FIRST;
            for found in entries(file)? {
                let ReadEntry { seq, entry, .. } = found?;
                let seq = seq.unwrap_or(next);
                next = seq.next().unwrap_or(seq);
                if !take(seq, &entry) {
                    break;
                }
            }
            Ok(())
        };
        read(log, policy, &all, |sizes| Held::read(sizes, &all))
    }
}

/// The entries of a ledger that speak of the public log.
fn speaking(store: &dyn Store, take: &mut Take<'_>) -> Result<(), Error> {
    let filter = Filter {
        kinds: SPEAK.map(str::to_owned).to_vec(),
        ..Filter::default()
    };
    each(store, filter, take)
}

fn each(store: &dyn Store, filter: Filter, take: &mut Take<'_>) -> Result<(), Error> {
    for found in select(store, &filter)? {
        let (seq, entry) = found?;
        if !take(seq, &entry) {
            break;
        }
    }
    Ok(())
}

fn read(
    log: PublicKey,
    policy: WitnessPolicy,
    entries: &Read<'_>,
    held: impl FnOnce(Vec<u64>) -> Result<Held, Error>,
) -> Result<Times, Error> {
    let (mut judged, mut faults, mut last) = (Vec::new(), Vec::new(), None);
    let mut second = Vec::new();
    entries(&mut |seq, entry| {
        last = Some(seq);
        if let Some(key) = second_key(entry) {
            second.push((seq, key));
        }
        if entry.kind() != kind::WITNESSED {
            return true;
        }
        match judge(seq, entry, log, &policy) {
            Ok(cosigned) => judged.push(cosigned),
            Err(detail) => faults.push(TimesFault { seq, detail }),
        }
        true
    })?;
    let held = held(judged.iter().map(|one: &Cosigned| one.size).collect())?;
    let (mut cosigned, mut not_here) = (Vec::new(), 0);
    for mut one in judged {
        match held.at.get(&one.size) {
            Some((root, ts)) if *root == one.root => {
                one.hold(*ts);
                cosigned.push(one);
            }
            None if held.gap => not_here += 1,
            _ => faults.push(TimesFault {
                seq: one.kept.map_or(Seq::FIRST, |(seq, _)| seq),
                detail: "the checkpoint is not of this log's entries".to_owned(),
            }),
        }
    }
    faults.extend(other_key(&second, &policy, &cosigned));
    cosigned.sort_by_key(|one| one.size);
    faults.sort_by_key(|fault| fault.seq);
    Ok(Times {
        policy,
        cosigned,
        faults,
        not_here,
        last,
        second: second.last().map(|(seq, _)| *seq),
        shown: None,
    })
}

/// The second key that an entry binds.
pub(super) fn second_key(entry: &Entry) -> Option<MlDsaKey> {
    let payload = || entry.check_payload().ok();
    match entry.kind() {
        kind::OPEN => Opening::from_object(&payload()?).ok()?.post_quantum,
        kind::KEY => Some(SecondKey::from_object(&payload()?).ok()?.ml_dsa_44),
        _ => None,
    }
}

/// A policy that names the log's own second key must name one that the log binds: another
/// one may be a forger's, or the log's of another time.
pub(super) fn other_key(
    second: &[(Seq, MlDsaKey)],
    policy: &WitnessPolicy,
    cosigned: &[Cosigned],
) -> Option<TimesFault> {
    let own = |name: &str| cosigned.iter().any(|one| one.origin == name);
    let named = policy
        .witnesses
        .iter()
        .find_map(|known| match known.key.algorithm() {
            Algorithm::MlDsa44(key) if own(known.key.name().as_str()) => Some(key),
            _ => None,
        })?;
    let (seq, bound) = second.last()?;
    if second.iter().any(|(_, key)| key == named) {
        return None;
    }
    let detail = format!(
        "the log binds the second key sha256:{}, and the policy names sha256:{}",
        bound.digest(),
        named.digest()
    );
    Some(TimesFault { seq: *seq, detail })
}

pub(super) fn judge(
    seq: Seq,
    entry: &Entry,
    log: PublicKey,
    policy: &WitnessPolicy,
) -> Result<Cosigned, String> {
    let payload = entry.check_payload().map_err(|error| error.to_string())?;
    let witnessed = Witnessed::from_object(&payload).map_err(|error| error.to_string())?;
    let note = witnessed.checkpoint.as_bytes();
    let kept = Some((seq, entry.ts()));
    let judged = Cosigned::judge(note, log, policy, kept);
    judged.map_err(|error| error.to_string())
}

/// Of some sizes, the root over so many entries, and the time of the last of them.
#[derive(Default)]
struct Held {
    at: BTreeMap<u64, (Sha256Digest, Timestamp)>,
    /// Not all entries from the first on were there.
    gap: bool,
}

impl Held {
    fn read(mut sizes: Vec<u64>, entries: &Read<'_>) -> Result<Held, Error> {
        sizes.sort_unstable();
        let mut held = Held::default();
        let Some(most) = sizes.last().copied() else {
            return Ok(held);
        };
        let mut frontier = LogFrontier::new();
        entries(&mut |seq, entry| {
            held.gap = seq.0 != frontier.size();
            if held.gap {
                return false;
            }
            let data = leaf_hash(&entry.hash(), &entry.signature());
            frontier.push(leaf(&data), |_, _| ());
            let size = frontier.size();
            if sizes.binary_search(&size).is_ok()
                && let Some(root) = frontier.root()
            {
                held.at.insert(size, (root, entry.ts()));
            }
            size < most
        })?;
        Ok(held)
    }

    fn of_leaves(sizes: Vec<u64>, store: &dyn Store) -> Result<Held, Error> {
        let mut held = Held::default();
        let whole = store.entries(0..1).next().transpose()?;
        held.gap = whole.is_none_or(|(seq, _)| seq != Seq::FIRST);
        if held.gap {
            return Ok(held);
        }
        let count = store.last_seq()?.map_or(0, |last| last.0.saturating_add(1));
        let sizes: BTreeSet<u64> = sizes.into_iter().filter(|size| *size <= count).collect();
        for (size, root) in roots_at(store, &sizes)? {
            let last = entry_at(store, Seq(size.saturating_sub(1)))?;
            held.at.insert(size, (root, last.ts()));
        }
        Ok(held)
    }
}
