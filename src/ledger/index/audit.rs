//! The index of a whole log, computed again: every tree from the entries, every
//! merged tree from those.
//!
//! Where the caller has a place for files ([`Spill`]), memory does not grow with the log:
//! the leaves of large trees, and what a long epoch has of terms, lie in temporary files.
//! Only where hidden terms stand is in memory, some 150 bytes for each tenant and worker
//! that the log ever named. Without such a place all leaves are in memory, some 80 bytes
//! each.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::epoch::EpochHeader;
use super::super::fault::{At, Fault, FaultCode, Findings};
use super::super::hash::Hash;
use super::super::position::Seq;
use super::super::spill::{Spill, SpillError};
use super::counting::Counting;
use super::cover::{Begun, Block, Tree, commitment, cover, epochs_of, newly_merged};
use super::leaf::merged;
use super::sorted::{LeafStream, SortedLeaves, made_of};
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
    /// Where what does not fit in memory may lie.
    spill: Option<Arc<dyn Spill>>,
    /// Where the hidden terms stand that were shown so far, by their keys.
    places: HashMap<Hash, Hash>,
    current: Option<(EpochHeader, Counting)>,
    /// The trees under the last header.
    trees: Vec<(Block, SortedLeaves, Tree)>,
    /// A header was not right: those after it stand on it.
    lost: bool,
}

impl IndexAudit {
    pub(crate) fn new(genesis: Hash, begun: Begun, spill: Option<Arc<dyn Spill>>) -> IndexAudit {
        IndexAudit {
            genesis,
            begun,
            spill,
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
                self.places.insert(key_of(term), place);
            }
            None => {
                let detail = format!("the proof does not show where {term} stands in the index");
                findings.fault(Fault::of_file(FaultCode::IndexInvalid, detail));
            }
        }
    }

    /// Begins an epoch; its entries follow.
    pub(crate) fn begin(
        &mut self,
        header: &EpochHeader,
        findings: &mut Findings,
    ) -> Result<(), SpillError> {
        self.close(findings)?;
        // Headers before it commit to none.
        if header.epoch >= self.begun.since {
            let counting = Counting::new(self.spill.as_ref());
            self.current = Some((header.clone(), counting));
        }
        Ok(())
    }

    /// Takes an entry of the current epoch.
    pub(crate) fn entry(
        &mut self,
        seq: Seq,
        leaf: &Hash,
        spots: &[Spot],
        findings: &mut Findings,
    ) -> Result<(), SpillError> {
        let Some((header, counting)) = &mut self.current else {
            return Ok(());
        };
        if seq > header.last_seq {
            return Ok(());
        }
        for spot in spots {
            let place = match spot {
                Spot::Open(place) => *place,
                Spot::Hidden(term) => *self.places.entry(key_of(term)).or_insert_with(|| {
                    let detail = format!("nothing shows where {term} stands in the index");
                    let found = Fault::at(FaultCode::IndexInvalid, At::Entry, seq.0, detail);
                    findings.fault(found.with_seq(Some(seq.0)));
                    // Said once; the epoch is wrong besides.
                    Hash::ZERO
                }),
            };
            counting.take(place, seq, leaf)?;
        }
        Ok(())
    }

    /// Ends the current epoch: its index must be the one that was sealed.
    pub(crate) fn close(&mut self, findings: &mut Findings) -> Result<(), SpillError> {
        let Some((header, counting)) = self.current.take() else {
            return Ok(());
        };
        let fault = |code, detail: &str| Fault::at(code, At::Epoch, header.epoch.0, detail);
        let Some(index) = header.index else {
            let detail = "the header commits to no index, and the log says that each does";
            findings.fault(fault(FaultCode::EpochInvariant, detail));
            return Ok(());
        };
        let own = Block {
            level: 0,
            index: header.epoch.0,
        };
        self.push(own, counting.into_leaves()?)?;
        if let Some(block) = newly_merged(self.begun.since, header.epoch) {
            self.merge(&block)?;
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
        Ok(())
    }

    fn push(&mut self, block: Block, leaves: LeafStream) -> Result<(), SpillError> {
        let (tree, leaves) = made_of(self.spill.as_ref(), leaves)?;
        self.trees.push((block, leaves, tree));
        Ok(())
    }

    /// Merges the trees of a block: from the right, for each is the left half of what
    /// it makes with those after it.
    fn merge(&mut self, block: &Block) -> Result<(), SpillError> {
        let (first, last) = epochs_of(block);
        let inside = |(own, ..): &(Block, SortedLeaves, Tree)| {
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
        let mut leaves: Option<LeafStream> = None;
        while let Some((_, left, _)) = after.pop() {
            let left = left.into_stream()?;
            leaves = Some(match leaves {
                None => left,
                Some(right) => Box::new(merged(left, right)),
            });
        }
        let none = || Box::new(std::iter::empty()) as LeafStream;
        self.push(*block, leaves.unwrap_or_else(none))?;
        self.trees.extend(rest);
        Ok(())
    }
}

/// What a hidden term is found by: of one size, however long its value is.
fn key_of(term: &Term) -> Hash {
    let name = term.field.name().as_bytes();
    Hash::of_parts(&[name, b"\x1f", term.value.as_bytes()])
}
