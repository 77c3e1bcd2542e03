//! Which entry an index leaves out or adds that is not the one of the log's entries.
//!
//! The walk knows of each epoch only what its header commits to. The trees that were
//! sealed lie in the store: what they count is held against the entries, term by term.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, leaf_hash};
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::index::cover::{Begun, Block, commitment, cover, epochs_of, halves};
use crate::ledger::index::leaf::{Count, Leaf, merged, root_of};
use crate::ledger::index::proof::expected;
use crate::ledger::index::term::{Term, terms};
use crate::ledger::index::vrf::VrfKey;
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::logbook::terms::begun_later;
use crate::logbook::{entry_at, epoch_at};
use crate::store::Store;
use crate::store::terms::{leaves, placed, tree_of};

/// Hashes that looking for one entry may cost.
const MOST_HASHES: u64 = 1 << 23;

/// Says in the first fault of an index which entry it is about. Where that cannot be told,
/// why; a store that cannot be read says nothing more than the walk did.
pub(super) fn name(store: &dyn Store, faults: &mut [Fault]) {
    let is_first = |fault: &&mut Fault| {
        fault.code == FaultCode::IndexMismatch && fault.at == At::Epoch && fault.index.is_some()
    };
    let Some(fault) = faults.iter_mut().find(is_first) else {
        return;
    };
    let number = EpochNumber(fault.index.unwrap_or_default());
    let Some(found) = Looking::at(store, number).and_then(|looking| looking.find()) else {
        return;
    };
    fault.detail = format!("{}: {}", fault.detail, found.detail);
    fault.seq = found.seq.map(|seq| seq.0).or(fault.seq);
}

struct Found {
    seq: Option<Seq>,
    detail: String,
}

/// An epoch whose index is wrong, and what is needed to find out why.
struct Looking<'s> {
    store: &'s dyn Store,
    genesis: Hash,
    key: VrfKey,
    header: EpochHeader,
    /// The block with that epoch, under the last header.
    block: Block,
    /// Where hidden terms stand, as far as the log has shown it.
    places: HashMap<Term, Hash>,
}

/// An entry of the epoch, and where it stands in the index.
struct Spots {
    seq: Seq,
    leaf: Hash,
    terms: Vec<(Term, Hash)>,
}

impl<'s> Looking<'s> {
    fn at(store: &'s dyn Store, number: EpochNumber) -> Option<Looking<'s>> {
        let first = entry_at(store, Seq::FIRST).ok()?;
        let opening = Opening::from_object(&first.check_payload().ok()?).ok()?;
        let begun = match opening.index {
            Some(key) => Begun::with_the_log(key),
            None => begun_later(store).ok()??,
        };
        let since = begun.since;
        let last = store.last_epoch().ok()??;
        let blocks = cover(since, last);
        // What lies in the store is what was sealed.
        let trees: Option<Vec<_>> = blocks
            .iter()
            .map(|block| tree_of(store, block).ok())
            .collect();
        let sealed = epoch_at(store, last).ok()?.content.index?;
        let block = blocks.into_iter().find(|block| {
            let (first, last) = epochs_of(block);
            first <= number && number <= last
        })?;
        (commitment(&begun, trees?) == sealed).then_some(())?;
        let mut looking = Looking {
            store,
            genesis: first.hash(),
            key: begun.key,
            header: epoch_at(store, number).ok()?.content,
            block,
            places: HashMap::new(),
        };
        looking.read_places(since, epochs_of(&block).1);
        Some(looking)
    }

    fn read_places(&mut self, first: EpochNumber, last: EpochNumber) {
        for number in first.0..=last.0 {
            let shown = placed(self.store, EpochNumber(number)).unwrap_or_default();
            for one in shown {
                let place = one
                    .term
                    .proven_place(&self.genesis, &self.key, Some(&one.proof));
                if let Some(place) = place {
                    self.places.insert(one.term, place);
                }
            }
        }
    }

    fn find(&self) -> Option<Found> {
        let sealed: Result<Vec<Leaf>, _> = leaves(self.store, self.block).collect();
        let sealed = sealed.ok()?;
        (root_of(&sealed) == Some(tree_of(self.store, &self.block).ok()?.root)).then_some(())?;
        let own = self.leaves(&self.block)?;
        let mut wrong = differences(&sealed, &own);
        if wrong.is_empty() {
            let detail = "the trees that lie in the ledger now are those of its entries, so \
                          which entry it is about cannot be told";
            return Some(Found {
                seq: None,
                detail: detail.to_owned(),
            });
        }
        // The rarer a term is, the sooner its entry is found.
        wrong.sort_by_key(|(_, said, own)| {
            let count = |count: &Option<Count>| count.map_or(0, |count| count.entries);
            count(said).max(count(own))
        });
        let epoch = self.epoch(self.header.epoch)?;
        let found = wrong
            .iter()
            .find_map(|(place, said, _)| self.entry(&epoch, place, *said));
        found.or_else(|| {
            let (place, said, own) = wrong.first()?;
            let count = |count: &Option<Count>| count.map_or(0, |count| count.entries);
            let (first, last) = epochs_of(&self.block);
            let detail = format!(
                "of {} it counts {} entries in the epochs {first} to {last}, or others, where {} \
                 have it",
                self.term_at(place, &epoch),
                count(said),
                count(own)
            );
            Some(Found { seq: None, detail })
        })
    }

    /// The one entry of the epoch that makes the count of a place the one that is said.
    fn entry(&self, epoch: &[Spots], place: &Hash, said: Option<Count>) -> Option<Found> {
        let own = self.counted(place)?;
        let has = |spots: &Spots| spots.terms.iter().any(|(_, own)| own == place);
        let number = self.header.epoch;
        let hashes = (epoch.len() as u64)
            .saturating_mul(1 + epoch.iter().filter(|one| has(one)).count() as u64);
        if hashes > MOST_HASHES {
            return None;
        }
        let changed = epoch.iter().find(|one| {
            let others = epoch
                .iter()
                .filter(|other| (other.seq == one.seq) != has(other));
            let count = others.fold(Count::NONE, |count, other| {
                count.and(other.seq, &other.leaf)
            });
            let mut own = own.clone();
            own.remove(&number);
            if count.entries > 0 {
                own.insert(number, count);
            }
            let own: Vec<_> = own.into_iter().collect();
            expected(&self.block, &own) == said
        })?;
        let term = self.term_at(place, epoch);
        let seq = changed.seq;
        let detail = match has(changed) {
            true => format!("it leaves out entry {seq}, which has {term}"),
            false => format!("it counts entry {seq}, which does not have {term}"),
        };
        Some(Found {
            seq: Some(seq),
            detail,
        })
    }

    /// The count of a place in each epoch of the block, by the entries.
    fn counted(&self, place: &Hash) -> Option<BTreeMap<EpochNumber, Count>> {
        let (first, last) = epochs_of(&self.block);
        let mut own = BTreeMap::new();
        for number in first.0..=last.0 {
            for spots in self.epoch(EpochNumber(number))? {
                if spots.terms.iter().any(|(_, own)| own == place) {
                    let count = own.entry(EpochNumber(number)).or_insert(Count::NONE);
                    *count = count.and(spots.seq, &spots.leaf);
                }
            }
        }
        Some(own)
    }

    /// The leaves of a block by its entries.
    fn leaves(&self, block: &Block) -> Option<Vec<Leaf>> {
        if let Some((left, right)) = halves(block) {
            let [left, right] = [self.leaves(&left)?, self.leaves(&right)?];
            let [left, right] = [left, right].map(|half| half.into_iter().map(Ok::<_, Infallible>));
            return Some(merged(left, right).flatten().collect());
        }
        let mut counts: BTreeMap<Hash, Count> = BTreeMap::new();
        for spots in self.epoch(EpochNumber(block.index))? {
            for (_, place) in spots.terms {
                let count = counts.entry(place).or_insert(Count::NONE);
                *count = count.and(spots.seq, &spots.leaf);
            }
        }
        let leaves = counts
            .into_iter()
            .map(|(place, count)| Leaf { place, count });
        Some(leaves.collect())
    }

    /// The entries of an epoch; what cannot be read the walk has said.
    fn epoch(&self, number: EpochNumber) -> Option<Vec<Spots>> {
        let header = epoch_at(self.store, number).ok()?.content;
        let rows = self
            .store
            .entries(header.first_seq.0..header.last_seq.0.saturating_add(1));
        let mut found = Vec::new();
        for row in rows {
            let (seq, record) = row.ok()?;
            let entry = Entry::from_record(record).ok()?;
            let own = terms(entry.kind(), entry.payload_bytes());
            let own = own.map(|(field, value)| Term::new(field, value));
            let placed = own.filter_map(|term| {
                let place = term.open_place(&self.genesis);
                let place = place.or_else(|| self.places.get(&term).copied())?;
                Some((term, place))
            });
            found.push(Spots {
                seq,
                leaf: leaf_hash(&entry.hash(), &entry.signature()),
                terms: placed.collect(),
            });
        }
        Some(found)
    }

    /// In words, which term stands at a place.
    fn term_at(&self, place: &Hash, epoch: &[Spots]) -> String {
        let mut known = epoch
            .iter()
            .flat_map(|spots| &spots.terms)
            .map(|(term, at)| (term, at))
            .chain(&self.places);
        let found = known.find(|(_, at)| *at == place);
        found.map_or_else(
            || format!("a term at {place} that none of its entries has"),
            |(term, _)| term.to_string(),
        )
    }
}

/// Places with two counts: the one that was sealed, and the one of the entries.
type Difference = (Hash, Option<Count>, Option<Count>);

fn differences(sealed: &[Leaf], own: &[Leaf]) -> Vec<Difference> {
    let mut both: BTreeMap<Hash, (Option<Count>, Option<Count>)> = BTreeMap::new();
    for leaf in sealed {
        both.entry(leaf.place).or_default().0 = Some(leaf.count);
    }
    for leaf in own {
        both.entry(leaf.place).or_default().1 = Some(leaf.count);
    }
    let wrong = both.into_iter().filter(|(_, (said, own))| said != own);
    wrong
        .map(|(place, (said, own))| (place, said, own))
        .collect()
}
