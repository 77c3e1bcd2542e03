//! Sealed epochs leave this machine: those that the bucket has.
//!
//! 1. What may go is found: archived, older than what is to stay, and under a checkpoint
//!    that a quorum of witnesses cosigned. The last sealed epoch always stays.
//! 2. The bundle of each is read back from the bucket and verified against its local
//!    header.
//! 3. One synced write records how far the ledger is pruned, and deletes what went.
//! 4. The room is given back to the disk.
//!
//! A crash before 3 leaves everything here; after it, everything that went is archived.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::{bundle_key, header_key, read_back};
use crate::api::{Error, Options};
use crate::bucket::{self, BucketError, Objects};
use crate::ledger::document::{DocumentDigest, Mentions, digest_of};
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::kind;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::tree::{LogFrontier, leaf};
use crate::ledger::witness_policy::WitnessPolicy;
use crate::ledger::witnessed::{Cosigned, Witnessed};
use crate::logbook::error::OpenError;
use crate::logbook::{epoch_at, identity_of};
use crate::store::query::{Filter, select};
use crate::store::{Pruned, RocksStore, Store};

/// What may go.
#[derive(Clone, Debug)]
pub struct Pruning {
    /// Epochs that were sealed before.
    pub sealed_before: Timestamp,
    /// Whose quorum must have cosigned what goes; without a policy nobody must.
    pub witnesses: Option<WitnessPolicy>,
}

/// What goes, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrunePlan {
    /// Epochs that went before.
    pub already: u64,
    /// The first epoch that goes, and the one after the last.
    pub epochs: [u64; 2],
    /// How many entries they have.
    pub entries: u64,
    /// Of all entries before, those that stay: what the ledger says of itself, and
    /// documents that later entries refer to.
    pub kept: u64,
    /// Up to how many entries a quorum of witnesses cosigned, as far as was asked.
    pub witnessed: u64,
    /// Why the next epoch stays.
    pub next_stays: Stays,
    #[serde(skip)]
    to: Option<Pruned>,
}

/// Why an epoch stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// It is the last one.
    LastSealed,
    /// It was sealed too lately.
    Recent,
    /// The bucket does not have it.
    NotArchived,
    /// No checkpoint that covers it was cosigned by a quorum.
    NotWitnessed,
}

/// Prunes the ledger in `dir`, which nobody else has open, or only says what would go.
/// Nobody is fenced, and nothing is signed. `progress` is told the epochs read back.
///
/// # Errors
/// [`Error::Bucket`] if it has no bucket, or what is there is not what was sealed.
pub fn prune(
    dir: &Path,
    options: &Options,
    what: &Pruning,
    really: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<PrunePlan, Error> {
    if really {
        options.check_writes()?;
        let store = RocksStore::open_within(dir, options.wait)?;
        options.attach(&store)?;
        let plan = prune_store(&store, &objects(&store, options)?, what, progress)?;
        store.close()?;
        return Ok(plan);
    }
    let reader = options.reader(dir)?;
    plan(&reader.store, &objects(&reader.store, options)?, what)
}

fn objects(store: &RocksStore, options: &Options) -> Result<Objects, Error> {
    let Some(url) = bucket::recorded(store)? else {
        return Err(BucketError::NotInBucket.into());
    };
    let address = match &options.bucket {
        Some(address) => address.clone(),
        None => bucket::Address::parse(&url)?,
    };
    let base = address.connect_to_read()?;
    Ok(bucket::of_log(&base, &identity_of(store)?.genesis))
}

/// Prunes an open ledger.
pub(super) fn prune_store(
    store: &dyn Store,
    objects: &Objects,
    what: &Pruning,
    progress: &mut dyn FnMut(u64),
) -> Result<PrunePlan, Error> {
    let plan = plan(store, objects, what)?;
    let [from, to] = plan.epochs;
    for (done, number) in (from..to).enumerate() {
        read_back(objects, &epoch_at(store, EpochNumber(number))?.content)?;
        progress(done as u64 + 1);
    }
    if let Some(pruned) = &plan.to {
        store.prune(pruned)?;
    }
    // Also what a crash left undone.
    store.make_room()?;
    Ok(plan)
}

fn plan(store: &dyn Store, objects: &Objects, what: &Pruning) -> Result<PrunePlan, Error> {
    let before = store.pruned()?.unwrap_or_default();
    let mut plan = PrunePlan {
        already: before.epochs,
        epochs: [before.epochs; 2],
        entries: 0,
        kept: before.kept.len() as u64,
        witnessed: before.witnessed,
        next_stays: Stays::LastSealed,
        to: None,
    };
    let last = store.last_epoch()?.map_or(0, |last| last.0);
    if before.epochs >= last {
        return Ok(plan);
    }
    let checkpoint = match &what.witnesses {
        Some(policy) => cosigned(store, policy)?,
        None => None,
    };
    let covered = checkpoint.as_ref().map_or(0, |one| one.size);
    let mut edge: Option<EpochHeader> = None;
    // One that is asked for by its name is there, however many there are.
    for number in before.epochs..last {
        let header = epoch_at(store, EpochNumber(number))?.content;
        if header.sealed_at >= what.sealed_before {
            plan.next_stays = Stays::Recent;
            break;
        }
        if what.witnesses.is_some() && header.last_seq.0 >= covered {
            plan.next_stays = Stays::NotWitnessed;
            break;
        }
        let keys = [bundle_key(number), header_key(number)];
        if objects.existing(&keys)?.len() < keys.len() {
            plan.next_stays = Stays::NotArchived;
            break;
        }
        edge = Some(header);
    }
    let Some(edge) = edge else {
        return Ok(plan);
    };
    let seq = edge.last_seq.0.saturating_add(1);
    let walked = walk(store, &before, seq, checkpoint.as_ref())?;
    plan.epochs = [before.epochs, edge.epoch.0.saturating_add(1)];
    plan.entries = seq.saturating_sub(before.seq);
    plan.kept = walked.kept.len() as u64;
    plan.witnessed = before.witnessed.max(covered.min(seq));
    plan.to = Some(Pruned {
        epochs: edge.epoch.0.saturating_add(1),
        seq,
        witnessed: plan.witnessed,
        kept: walked.kept,
        subtrees: walked.subtrees,
    });
    Ok(plan)
}

/// The newest checkpoint that the log keeps and a quorum of the policy cosigned.
fn cosigned(store: &dyn Store, policy: &WitnessPolicy) -> Result<Option<Cosigned>, Error> {
    let log = identity_of(store)?.log;
    let newest = Filter {
        kinds: vec![kind::WITNESSED.to_owned()],
        reverse: true,
        ..Filter::default()
    };
    for found in select(store, &newest)? {
        let (seq, entry) = found?;
        let payload = entry.check_payload().ok();
        let witnessed = payload.and_then(|payload| Witnessed::from_object(&payload).ok());
        let judged = witnessed.and_then(|one| {
            let note = one.checkpoint.as_bytes();
            Cosigned::judge(note, log, policy, Some((seq, entry.ts()))).ok()
        });
        let quorum = |one: &Cosigned| {
            let by = |witness| one.at.iter().any(|at| at.witness == witness);
            !one.at.is_empty() && policy.is_met(by)
        };
        if let Some(one) = judged.filter(quorum) {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

struct Walked {
    kept: Vec<u64>,
    subtrees: Vec<Hash>,
}

/// Reads what is here from the old edge on: which entries before the new one stay, and
/// whether the checkpoint is of these entries.
fn walk(
    store: &dyn Store,
    before: &Pruned,
    edge: u64,
    checkpoint: Option<&Cosigned>,
) -> Result<Walked, Error> {
    let digests = before.subtrees.iter();
    let digests: Vec<_> = digests
        .map(|one| Sha256Digest::from_bytes(*one.as_bytes()))
        .collect();
    let mut log = LogFrontier::of_subtrees(before.seq, &digests).ok_or_else(not_its_own)?;
    let mut documents: BTreeMap<DocumentDigest, u64> = BTreeMap::new();
    let (mut own, mut subtrees) = (Vec::new(), Vec::new());
    let mut take = |seq: u64, entry: &Entry| match entry.kind() {
        kind::DOCUMENT => {
            if let Ok(digest) = digest_of(entry) {
                documents.entry(digest).or_insert(seq);
            }
        }
        of if stays(of) => own.push(seq),
        _ => {}
    };
    for seq in &before.kept {
        take(*seq, &crate::logbook::entry_at(store, Seq(*seq))?);
    }
    let mut referred = HashSet::new();
    for row in store.entries(before.seq..u64::MAX) {
        let (seq, record) = row?;
        let entry = Entry::from_record(record).map_err(|error| OpenError::Entry { seq, error })?;
        match seq.0 < edge {
            true => take(seq.0, &entry),
            false => referred.extend(Mentions::of(&entry).refers),
        }
        log.push(
            leaf(&leaf_hash(&entry.hash(), &entry.signature())),
            |_, _| (),
        );
        if log.size() == edge {
            let hashes = log.subtrees().map(|one| Hash::from_bytes(*one.as_bytes()));
            subtrees = hashes.collect();
        }
        if let Some(one) = checkpoint.filter(|one| one.size == log.size())
            && log.root() != Some(one.root)
        {
            return Err(not_its_own());
        }
    }
    documents.retain(|digest, _| referred.contains(digest));
    let mut kept = own;
    kept.extend(documents.into_values());
    kept.sort_unstable();
    Ok(Walked { kept, subtrees })
}

/// What the ledger says of itself, and asks itself for: seldom, and small.
fn stays(of: &str) -> bool {
    [
        kind::OPEN,
        kind::PUBLISH,
        kind::KEY,
        kind::FORMAT,
        kind::ROLLBACK,
    ]
    .contains(&of)
}

fn not_its_own() -> Error {
    BucketError::Checkpoint.into()
}
