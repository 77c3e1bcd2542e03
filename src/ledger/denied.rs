//! An entry that one copy of a log has and the index in another denies, and the other
//! way round: whoever holds both can show it.

use std::collections::HashSet;

use rayon::prelude::*;

use super::bundle_line;
use super::entry::Entry;
use super::epoch::{EpochTree, SignedEpoch, leaf_hash};
use super::equivocation::{Counted, CountedEntry, Equivocation, has_term};
use super::hash::Hash;
use super::index::cover::{Block, epochs_of};
use super::index::omitted::Omitted;
use super::index::proof::TermProof;
use super::judge::read_raw;
use super::merkle::{LeafRange, NodeHasher as _, path_ranges};
use super::position::{EpochNumber, Seq};
use super::proof::InclusionProof;
use super::source::{Event, Raw, ReadError, Source};

/// What the index says of a term in one copy, with the entries that it counts.
#[derive(Clone, Debug)]
pub struct Denial {
    proof: TermProof,
    /// The log's entry 0.
    opening: Entry,
    /// Of each block of epochs those that are counted.
    counted: Vec<(Block, Option<Counted>)>,
    /// All of them.
    listed: HashSet<CountedEntry>,
}

/// What a copy says by the index; none if it has no line of it, or is not whole.
///
/// # Errors
/// [`ReadError`].
pub fn denial(source: &mut dyn Source) -> Result<Option<Denial>, ReadError> {
    let mut proof: Option<TermProof> = None;
    let mut opening = None;
    // The entries that are given, and those of them that have the term.
    let (mut all, mut own) = (Vec::new(), Vec::new());
    let mut epoch = EpochNumber::FIRST;
    let mut batch = Vec::new();
    loop {
        source.next_batch(&mut batch)?;
        if batch.is_empty() {
            break;
        }
        for event in batch.drain(..) {
            match (event, &proof) {
                (Event::Term(term, _), _) => proof = Some(*term),
                (Event::Opening(raw, _), _) => opening = read_raw(&raw).1.ok(),
                (Event::Epoch(header, _), Some(_)) => epoch = header.content.epoch,
                (Event::Entry(raw, _), Some(proof)) => {
                    if let (Some(seq), Ok(entry)) = read_raw(&raw) {
                        let leaf = leaf_hash(&entry.hash(), &entry.signature());
                        let entry_has = has_term(&entry, &proof.term);
                        let lists = [Some(&mut all), entry_has.then_some(&mut own)];
                        for list in lists.into_iter().flatten() {
                            count(list, epoch, CountedEntry { leaf, seq });
                        }
                    }
                }
                (Event::Omitted(Omitted { epoch, leaf, seq }), Some(_)) => {
                    for list in [&mut all, &mut own] {
                        count(list, epoch, CountedEntry { leaf, seq });
                    }
                }
                // It stands before all headers and entries, or not at all.
                (Event::Epoch(..) | Event::Entry(..), None) => return Ok(None),
                _ => {}
            }
        }
    }
    let Some((proof, opening)) = proof.zip(opening) else {
        return Ok(None);
    };
    let blocks = proof.blocks().into_iter().zip(&proof.trees);
    let counted = blocks.map(|(block, tree)| {
        let said = tree.entries.zip(tree.digest);
        // Where entries beside those with the term are given, an index may count them.
        let lists = [&own, &all].map(|own| Counted::of(&block, own));
        let agrees = |list: &Option<Counted>| {
            let count = list.as_ref().map(Counted::count);
            count.map(|count| (count.entries, count.digest)) == said
        };
        (block, lists.into_iter().find(agrees).flatten())
    });
    let counted: Vec<_> = counted.collect();
    let mut listed = HashSet::new();
    for list in counted.iter().filter_map(|(_, list)| list.as_ref()) {
        list.each(&mut |entry| {
            listed.insert(*entry);
        });
    }
    Ok(Some(Denial {
        proof,
        opening,
        counted,
        listed,
    }))
}

fn count(
    counted: &mut Vec<(EpochNumber, Vec<CountedEntry>)>,
    epoch: EpochNumber,
    entry: CountedEntry,
) {
    match counted.last_mut().filter(|(last, _)| *last == epoch) {
        Some((_, entries)) => entries.push(entry),
        None => counted.push((epoch, vec![entry])),
    }
}

impl Denial {
    /// The first entry of another copy that the index denies, proven.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn convict(&self, source: &mut dyn Source) -> Result<Option<Equivocation>, ReadError> {
        let mut reading = Reading::default();
        let contiguous = source.subject().contiguous;
        let mut batch = Vec::new();
        loop {
            source.next_batch(&mut batch)?;
            if batch.is_empty() {
                return Ok(self.proven(&mut reading));
            }
            let raws = batch.iter().filter_map(|event| match event {
                Event::Entry(raw, _) => Some(raw),
                _ => None,
            });
            let raws: Vec<_> = raws.collect();
            let read: Vec<_> = raws.par_iter().map(|raw| read_raw(raw)).collect();
            let mut read = read.into_iter();
            for event in batch.drain(..) {
                match event {
                    Event::Epoch(header, _) => {
                        if let Some(proven) = self.proven(&mut reading) {
                            return Ok(Some(proven));
                        }
                        reading = Reading {
                            header: Some(*header),
                            ..Reading::default()
                        };
                    }
                    Event::Before(hashes, _) => reading.before = hashes,
                    Event::After(hashes, _) => reading.after = hashes,
                    Event::Entry(raw, _) => {
                        if let Some((Some(seq), Ok(entry))) = read.next() {
                            self.entry(&mut reading, seq, entry, path_in(&raw), contiguous);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn entry(
        &self,
        reading: &mut Reading,
        seq: Seq,
        entry: Entry,
        path: Option<Vec<Hash>>,
        contiguous: bool,
    ) {
        let Some(header) = reading.header.as_ref().map(|header| &header.content) else {
            return;
        };
        let indexed = self.proof.since..=self.proof.header.content.epoch;
        if seq > header.last_seq || !indexed.contains(&header.epoch) {
            return;
        }
        let leaf = leaf_hash(&entry.hash(), &entry.signature());
        if contiguous {
            reading.leaves.push(leaf);
        }
        reading.first.get_or_insert(seq);
        let listed = self.listed.contains(&CountedEntry { leaf, seq });
        if reading.denied.is_none() && has_term(&entry, &self.proof.term) != listed {
            reading.denied = Some((seq, entry, path));
        }
    }

    /// What was found in the epoch that ends here, with the path to its root.
    fn proven(&self, reading: &mut Reading) -> Option<Equivocation> {
        let (seq, entry, path) = reading.denied.take()?;
        let epoch = reading.header.clone()?;
        let path = match path {
            Some(path) => path,
            None => reading.path(seq, &epoch)?,
        };
        let log = epoch.content.log;
        let entry = InclusionProof {
            seq,
            entry,
            epoch,
            path,
            opening: Some(self.opening.clone()),
        };
        let number = entry.epoch.content.epoch;
        let mut counted = self.counted.iter();
        let counted = counted.find(|(block, _)| {
            let (first, last) = epochs_of(block);
            first <= number && number <= last
        });
        let counted = counted.and_then(|(_, list)| list.clone());
        Equivocation::prove_index(log, entry, self.proof.clone(), counted).ok()
    }
}

/// An epoch that is being read.
#[derive(Default)]
struct Reading {
    header: Option<SignedEpoch>,
    before: Vec<Hash>,
    /// The number of the first entry that is given.
    first: Option<Seq>,
    /// All leaves from there on, where none are left out.
    leaves: Vec<Hash>,
    after: Vec<Hash>,
    /// The first entry that the index denies.
    denied: Option<(Seq, Entry, Option<Vec<Hash>>)>,
}

impl Reading {
    /// The siblings of an entry, out of all that is known of the epoch's tree.
    fn path(&self, seq: Seq, epoch: &SignedEpoch) -> Option<Vec<Hash>> {
        let header = &epoch.content;
        let start = self.first?.0.checked_sub(header.first_seq.0)?;
        let end = start.checked_add(self.leaves.len() as u64)?;
        let at = seq.0.checked_sub(header.first_seq.0)?;
        let ranges = path_ranges(at, header.tree_size)?;
        let known = Known {
            start,
            leaves: &self.leaves,
            before: parts(
                LeafRange {
                    start: 0,
                    end: start,
                },
                &self.before,
            ),
            after: parts(
                LeafRange {
                    start: end,
                    end: header.tree_size,
                },
                &self.after,
            ),
        };
        ranges.into_iter().map(|range| known.hash(range)).collect()
    }
}

/// Complete subtrees, with the leaves below each.
fn parts(range: LeafRange, hashes: &[Hash]) -> Vec<(LeafRange, Hash)> {
    let subtrees = range.subtrees().zip(hashes);
    let parts = subtrees.map(|(subtree, hash)| {
        let start = subtree.index << subtree.level;
        let end = start + (1 << subtree.level);
        (LeafRange { start, end }, *hash)
    });
    parts.collect()
}

struct Known<'l> {
    start: u64,
    leaves: &'l [Hash],
    before: Vec<(LeafRange, Hash)>,
    after: Vec<(LeafRange, Hash)>,
}

impl Known<'_> {
    fn hash(&self, range: LeafRange) -> Option<Hash> {
        let mut whole = self.before.iter().chain(&self.after);
        if let Some((_, hash)) = whole.find(|(part, _)| *part == range) {
            return Some(*hash);
        }
        let size = range.end.checked_sub(range.start)?;
        if size <= 1 {
            let at = range.start.checked_sub(self.start)?;
            return self.leaves.get(usize::try_from(at).ok()?).copied();
        }
        let split = range.start + (1 << (size - 1).ilog2());
        let left = self.hash(LeafRange {
            end: split,
            ..range
        })?;
        let right = self.hash(LeafRange {
            start: split,
            ..range
        })?;
        Some(EpochTree::node(&left, &right))
    }
}

fn path_in(raw: &Raw) -> Option<Vec<Hash>> {
    match raw {
        Raw::BundleLine(line) => bundle_line::parse_entry(line).ok()?.path,
        Raw::Read(_, _, path) => path.clone(),
        _ => None,
    }
}
