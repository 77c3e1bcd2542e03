//! Which entry an index leaves out or adds that is not the one of the log's entries.
//!
//! The walk knows of each epoch only what its header commits to. The trees that were
//! sealed lie in the store: what they count is held against the entries, term by term.
//! Memory is that of the walk: leaves are read beside each other, from files where there
//! are many.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, leaf_hash};
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::index::counting::Counting;
use crate::ledger::index::cover::{Begun, Block, commitment, cover, epochs_of, halves};
use crate::ledger::index::leaf::{Count, Leaf, merged, root_of_each};
use crate::ledger::index::proof::expected;
use crate::ledger::index::sorted::{LeafStream, SortedLeaves, made_of};
use crate::ledger::index::term::{Term, terms};
use crate::ledger::index::vrf::VrfKey;
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::spill::Spill;
use crate::logbook::terms::begun_later;
use crate::logbook::{entry_at, epoch_at};
use crate::store::Store;
use crate::store::terms::{TermsError, leaves, placed, tree_of};

/// Hashes that looking for one entry may cost.
const MOST_HASHES: u64 = 1 << 23;

/// Wrong counts that are looked at, the smallest first.
const MOST_DIFFERENCES: usize = 1 << 10;

/// Says in the first fault of an index which entry it is about. Where that cannot be told,
/// why; a store that cannot be read says nothing more than the walk did, and no more do
/// files that cannot be written.
pub(super) fn name(store: &dyn Store, spill: Option<&Arc<dyn Spill>>, faults: &mut [Fault]) {
    let is_first = |fault: &&mut Fault| {
        fault.code == FaultCode::IndexMismatch && fault.at == At::Epoch && fault.index.is_some()
    };
    let Some(fault) = faults.iter_mut().find(is_first) else {
        return;
    };
    let number = EpochNumber(fault.index.unwrap_or_default());
    let Some(found) = Looking::at(store, spill, number).and_then(|looking| looking.find()) else {
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
    spill: Option<&'s Arc<dyn Spill>>,
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
    fn at(
        store: &'s dyn Store,
        spill: Option<&'s Arc<dyn Spill>>,
        number: EpochNumber,
    ) -> Option<Looking<'s>> {
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
            spill,
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
        let sealed = || leaves(self.store, self.block);
        let root = root_of_each(sealed()).ok()?;
        (root == Some(tree_of(self.store, &self.block).ok()?.root)).then_some(())?;
        let own = self.leaves(&self.block)?.into_stream().ok()?;
        let wrong = differences(sealed(), own)?;
        if wrong.is_empty() {
            let detail = "the trees that lie in the ledger now are those of its entries, so \
                          which entry it is about cannot be told";
            return Some(Found {
                seq: None,
                detail: detail.to_owned(),
            });
        }
        let found = wrong
            .iter()
            .find_map(|(place, said, _)| self.entry(place, *said));
        found.or_else(|| {
            let (place, said, own) = wrong.first()?;
            let (first, last) = epochs_of(&self.block);
            let detail = format!(
                "of {} it counts {} entries in the epochs {first} to {last}, or others, where {} \
                 have it",
                self.term_at(place)?,
                entries(said),
                entries(own)
            );
            Some(Found { seq: None, detail })
        })
    }

    /// The one entry of the epoch that makes the count of a place the one that is said.
    fn entry(&self, place: &Hash, said: Option<Count>) -> Option<Found> {
        let number = self.header.epoch;
        let mut own = self.counted(place)?;
        let has = own.remove(&number).map_or(0, |count| count.entries);
        let (first, last) = (self.header.first_seq.0, self.header.last_seq.0);
        let all = last.saturating_sub(first).saturating_add(1);
        if all.saturating_mul(has.saturating_add(1)) > MOST_HASHES {
            return None;
        }
        let mut having = Vec::new();
        for spots in self.epoch(number)? {
            let spots = spots?;
            if spots.has(place) {
                having.push((spots.seq, spots.leaf));
            }
        }
        for spots in self.epoch(number)? {
            let changed = spots?;
            let mut others = having.clone();
            match others.binary_search_by_key(&changed.seq, |(seq, _)| *seq) {
                Ok(at) => {
                    others.remove(at);
                }
                Err(at) => others.insert(at, (changed.seq, changed.leaf)),
            }
            let count = others
                .iter()
                .fold(Count::NONE, |count, (seq, leaf)| count.and(*seq, leaf));
            let counted = (count.entries > 0).then_some((number, count));
            let mut own: Vec<_> = own.iter().map(|(at, count)| (*at, *count)).collect();
            own.extend(counted);
            own.sort_unstable_by_key(|(at, _)| *at);
            if expected(&self.block, &own) != said {
                continue;
            }
            let term = self.term_at(place)?;
            let seq = changed.seq;
            let detail = match changed.has(place) {
                true => format!("it leaves out entry {seq}, which has {term}"),
                false => format!("it counts entry {seq}, which does not have {term}"),
            };
            return Some(Found {
                seq: Some(seq),
                detail,
            });
        }
        None
    }

    /// The count of a place in each epoch of the block, by the entries.
    fn counted(&self, place: &Hash) -> Option<BTreeMap<EpochNumber, Count>> {
        let (first, last) = epochs_of(&self.block);
        let mut own = BTreeMap::new();
        for number in first.0..=last.0 {
            for spots in self.epoch(EpochNumber(number))? {
                let spots = spots?;
                if spots.has(place) {
                    let count = own.entry(EpochNumber(number)).or_insert(Count::NONE);
                    *count = count.and(spots.seq, &spots.leaf);
                }
            }
        }
        Some(own)
    }

    /// The leaves of a block by its entries.
    fn leaves(&self, block: &Block) -> Option<SortedLeaves> {
        let made = match halves(block) {
            Some((left, right)) => {
                let [left, right] = [self.leaves(&left)?, self.leaves(&right)?];
                let [left, right] = [left.into_stream().ok()?, right.into_stream().ok()?];
                made_of(self.spill, merged(left, right))
            }
            None => {
                let mut counting = Counting::new(self.spill);
                for spots in self.epoch(EpochNumber(block.index))? {
                    let spots = spots?;
                    for (_, place) in &spots.terms {
                        counting.take(*place, spots.seq, &spots.leaf).ok()?;
                    }
                }
                made_of(self.spill, counting.into_leaves().ok()?)
            }
        };
        Some(made.ok()?.1)
    }

    /// The entries of an epoch; `None` for one that cannot be read, which the walk has said.
    fn epoch(&self, number: EpochNumber) -> Option<impl Iterator<Item = Option<Spots>>> {
        let header = epoch_at(self.store, number).ok()?.content;
        let rows = self
            .store
            .entries(header.first_seq.0..header.last_seq.0.saturating_add(1));
        Some(rows.map(|row| {
            let (seq, record) = row.ok()?;
            let entry = Entry::from_record(record).ok()?;
            let own = terms(entry.kind(), entry.payload_bytes());
            let own = own.map(|(field, value)| Term::new(field, value));
            let placed = own.filter_map(|term| {
                let place = term.open_place(&self.genesis);
                let place = place.or_else(|| self.places.get(&term).copied())?;
                Some((term, place))
            });
            Some(Spots {
                seq,
                leaf: leaf_hash(&entry.hash(), &entry.signature()),
                terms: placed.collect(),
            })
        }))
    }

    /// In words, which term stands at a place.
    fn term_at(&self, place: &Hash) -> Option<String> {
        for spots in self.epoch(self.header.epoch)? {
            let mut own = spots?.terms.into_iter();
            if let Some((term, _)) = own.find(|(_, at)| at == place) {
                return Some(term.to_string());
            }
        }
        let known = self.places.iter().find(|(_, at)| *at == place);
        Some(known.map_or_else(
            || format!("a term at {place} that none of its entries has"),
            |(term, _)| term.to_string(),
        ))
    }
}

impl Spots {
    fn has(&self, place: &Hash) -> bool {
        self.terms.iter().any(|(_, own)| own == place)
    }
}

/// Places with two counts: the one that was sealed, and the one of the entries.
type Difference = (Hash, Option<Count>, Option<Count>);

fn entries(count: &Option<Count>) -> u64 {
    count.map_or(0, |count| count.entries)
}

/// The places whose counts differ, the rarest first: the rarer a term is, the sooner its
/// entry is found. `None` if leaves cannot be read, or are not sorted.
fn differences(
    sealed: impl Iterator<Item = Result<Leaf, TermsError>>,
    own: LeafStream,
) -> Option<Vec<Difference>> {
    let (mut sealed, mut own) = (sealed.peekable(), own.peekable());
    let mut wrong: Vec<Difference> = Vec::new();
    let mut before = None;
    loop {
        let place = match (sealed.peek(), own.peek()) {
            (None, None) => break,
            (Some(Ok(said)), Some(Ok(own))) => said.place.min(own.place),
            (Some(Ok(said)), None) => said.place,
            (None, Some(Ok(own))) => own.place,
            (Some(Err(_)), _) | (_, Some(Err(_))) => return None,
        };
        (before < Some(place)).then_some(())?;
        before = Some(place);
        let said = sealed.next_if(|leaf| leaf.as_ref().is_ok_and(|leaf| leaf.place == place));
        let own = own.next_if(|leaf| leaf.as_ref().is_ok_and(|leaf| leaf.place == place));
        let said = said.and_then(Result::ok).map(|leaf| leaf.count);
        let own = own.and_then(Result::ok).map(|leaf| leaf.count);
        if said != own {
            wrong.push((place, said, own));
        }
        if wrong.len() >= 2 * MOST_DIFFERENCES {
            keep_rarest(&mut wrong);
        }
    }
    keep_rarest(&mut wrong);
    Some(wrong)
}

fn keep_rarest(wrong: &mut Vec<Difference>) {
    wrong.sort_by_key(|(place, said, own)| (entries(said).max(entries(own)), *place));
    wrong.truncate(MOST_DIFFERENCES);
}
