//! The index of a whole log, computed again: every tree from the entries, every
//! merged tree from those.
//!
//! Memory is that of all terms of the log, some 80 bytes each.

use std::collections::HashMap;

use super::super::epoch::EpochHeader;
use super::super::fault::{At, Fault, FaultCode, Findings};
use super::super::hash::Hash;
use super::super::position::Seq;
use super::cover::{Begun, Block, Tree, commitment, cover, epochs_of, newly_merged};
use super::leaf::{Count, Leaf, merged, root_of};
use super::term::{Placed, Term};

/// A term of an entry, before it is known where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// One that everybody can find.
    Open(Hash),
    /// One that the log must have shown.
    Hidden(Term),
}

/// Where the recomputation stands.
#[derive(Debug)]
pub(crate) struct IndexAudit {
    genesis: Hash,
    begun: Begun,
    /// Where the hidden terms stand that were shown so far.
    places: HashMap<Term, Hash>,
    current: Option<(EpochHeader, HashMap<Hash, Count>)>,
    /// The trees under the last header.
    trees: Vec<(Block, Vec<Leaf>, Tree)>,
    /// A header was not right: those after it stand on it.
    lost: bool,
}

impl IndexAudit {
    pub(crate) fn new(genesis: Hash, begun: Begun) -> IndexAudit {
        IndexAudit {
            genesis,
            begun,
            places: HashMap::new(),
            current: None,
            trees: Vec::new(),
            lost: false,
        }
    }

    pub(crate) const fn genesis(&self) -> Hash {
        self.genesis
    }

    /// Takes a hidden term with the proof of its place.
    pub(crate) fn place(&mut self, placed: &Placed, findings: &mut Findings) {
        let Placed { term, proof } = placed;
        match term.proven_place(&self.genesis, &self.begun.key, Some(proof)) {
            Some(place) => {
                self.places.insert(term.clone(), place);
            }
            None => {
                let detail = format!("the proof does not show where {term} stands in the index");
                findings.fault(Fault::of_file(FaultCode::IndexInvalid, detail));
            }
        }
    }

    /// Begins an epoch; its entries follow.
    pub(crate) fn begin(&mut self, header: &EpochHeader, findings: &mut Findings) {
        self.close(findings);
        // Headers before it commit to none.
        if header.epoch < self.begun.since {
            return;
        }
        self.current = Some((header.clone(), HashMap::new()));
    }

    /// Takes an entry of the current epoch.
    pub(crate) fn entry(&mut self, seq: Seq, leaf: &Hash, spots: &[Spot], findings: &mut Findings) {
        let Some((header, counts)) = &mut self.current else {
            return;
        };
        if seq > header.last_seq {
            return;
        }
        for spot in spots {
            let place = match spot {
                Spot::Open(place) => *place,
                Spot::Hidden(term) => match self.places.get(term) {
                    Some(place) => *place,
                    None => {
                        let detail = format!("nothing shows where {term} stands in the index");
                        let found = Fault::at(FaultCode::IndexInvalid, At::Entry, seq.0, detail);
                        findings.fault(found.with_seq(Some(seq.0)));
                        // Said once; the epoch is wrong besides.
                        let nowhere = Hash::ZERO;
                        self.places.insert(term.clone(), nowhere);
                        nowhere
                    }
                },
            };
            let count = counts.entry(place).or_insert(Count::NONE);
            *count = count.and(seq, leaf);
        }
    }

    /// Ends the current epoch: its index must be the one that was sealed.
    pub(crate) fn close(&mut self, findings: &mut Findings) {
        let Some((header, counts)) = self.current.take() else {
            return;
        };
        let fault = |code, detail: &str| Fault::at(code, At::Epoch, header.epoch.0, detail);
        let Some(index) = header.index else {
            let detail = "the header commits to no index, and the log says that each does";
            return findings.fault(fault(FaultCode::EpochInvariant, detail));
        };
        let leaves = counts
            .into_iter()
            .map(|(place, count)| Leaf { place, count });
        let mut leaves: Vec<_> = leaves.collect();
        leaves.sort_unstable_by_key(|leaf| leaf.place);
        let own = Block {
            level: 0,
            index: header.epoch.0,
        };
        self.push(own, leaves);
        if let Some(block) = newly_merged(self.begun.since, header.epoch) {
            self.merge(&block);
        }
        let blocks = cover(self.begun.since, header.epoch);
        let known = self.trees.iter().map(|(block, ..)| block);
        if !known.eq(&blocks) {
            // Headers are missing or repeated before it, which was said.
            self.lost = true;
        }
        let trees = self.trees.iter().map(|(.., tree)| *tree);
        let actual = commitment(&self.begun, trees);
        if actual != index && !self.lost {
            let detail = "the index that was sealed is not that of the log's entries";
            let found = fault(FaultCode::IndexMismatch, detail);
            findings.fault(found.compared(index, actual));
        }
    }

    fn push(&mut self, block: Block, leaves: Vec<Leaf>) {
        let tree = Tree {
            size: leaves.len() as u64,
            root: root_of(&leaves).unwrap_or(Hash::ZERO),
        };
        self.trees.push((block, leaves, tree));
    }

    /// Merges the trees of a block: from the right, for each is the left half of what
    /// it makes with those after it.
    fn merge(&mut self, block: &Block) {
        let (first, last) = epochs_of(block);
        let inside = |(own, ..): &(Block, Vec<Leaf>, Tree)| {
            let (from, to) = epochs_of(own);
            first <= from && to <= last
        };
        let from = self
            .trees
            .iter()
            .position(inside)
            .unwrap_or(self.trees.len());
        let mut after = self.trees.split_off(from);
        let outside = after
            .iter()
            .position(|tree| !inside(tree))
            .unwrap_or(after.len());
        let rest = after.split_off(outside);
        let mut leaves: Option<Vec<Leaf>> = None;
        while let Some((_, left, _)) = after.pop() {
            leaves = Some(match leaves {
                None => left,
                Some(right) => {
                    let left = left.into_iter().map(Ok::<_, std::convert::Infallible>);
                    merged(left, right.into_iter().map(Ok)).flatten().collect()
                }
            });
        }
        self.push(*block, leaves.unwrap_or_default());
        self.trees.extend(rest);
    }
}
