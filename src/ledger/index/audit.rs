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
    /// Headers are missing or repeated: of what those after them say nothing is known, and
    /// nothing is counted.
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
            if !self.lost {
                counting.take(place, seq, leaf)?;
            }
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
        if self.lost {
            return Ok(());
        }
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
            // Which the walk has said.
            self.lost = true;
            self.trees.clear();
            return Ok(());
        }
        let trees = self.trees.iter().map(|(.., tree)| *tree);
        let actual = commitment(&self.begun, trees);
        if actual != index {
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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use std::collections::BTreeMap;

    use super::super::super::key::PublicKey;
    use super::super::super::position::EpochNumber;
    use super::super::super::spill::tests::InMemory;
    use super::super::super::time::Timestamp;
    use super::super::cover::halves;
    use super::super::leaf::{Count, Leaf, root_of};
    use super::super::term::Field;
    use super::super::vrf::VrfSecret;
    use super::*;

    /// The entries of an epoch, each with the numbers of its places.
    type Epoch = Vec<Vec<u8>>;

    fn entries_of(log: &[Epoch]) -> Vec<Vec<(Seq, Hash, &[u8])>> {
        let mut seq = 0_u64;
        let mut entry = |places| {
            seq += 1;
            (Seq(seq - 1), Hash::of(&seq.to_be_bytes()), places)
        };
        let epochs = log.iter();
        epochs
            .map(|epoch| epoch.iter().map(|places| entry(&places[..])).collect())
            .collect()
    }

    /// The leaves of each epoch, counted one by one.
    fn leaves_of(log: &[Epoch]) -> Vec<Vec<Leaf>> {
        let counted = |epoch: Vec<(Seq, Hash, &[u8])>| {
            let mut counts = BTreeMap::new();
            for (seq, leaf, places) in epoch {
                for place in places {
                    let count = counts.entry(Hash::of(&[*place])).or_insert(Count::NONE);
                    *count = count.and(seq, &leaf);
                }
            }
            let counts = counts.into_iter();
            counts.map(|(place, count)| Leaf { place, count }).collect()
        };
        entries_of(log).into_iter().map(counted).collect()
    }

    fn leaves_in(block: &Block, epochs: &[Vec<Leaf>]) -> Vec<Leaf> {
        let Some((left, right)) = halves(block) else {
            return epochs[block.index as usize].clone();
        };
        let [left, right] = [left, right].map(|half| leaves_in(&half, epochs));
        let all = |leaves: Vec<Leaf>| leaves.into_iter().map(Ok::<_, SpillError>);
        merged(all(left), all(right)).map(Result::unwrap).collect()
    }

    fn begun() -> Begun {
        Begun::with_the_log(VrfSecret::from_bytes(&[7; VrfSecret::BYTES]).public_key())
    }

    /// The headers of a log whose epochs were sealed with these leaves.
    fn headers(log: &[Epoch], epochs: &[Vec<Leaf>]) -> Vec<EpochHeader> {
        let entries = entries_of(log);
        let header = |number: usize| {
            let epoch = EpochNumber(number as u64);
            let trees = cover(EpochNumber::FIRST, epoch).into_iter().map(|block| {
                let leaves = leaves_in(&block, epochs);
                Tree {
                    size: leaves.len() as u64,
                    root: root_of(&leaves).unwrap_or(Hash::ZERO),
                }
            });
            EpochHeader {
                epoch,
                first_seq: entries[number][0].0,
                last_seq: entries[number].last().unwrap().0,
                tree_size: entries[number].len() as u64,
                root: Hash::ZERO,
                head: Hash::ZERO,
                prev: Hash::ZERO,
                hour: Timestamp::MIN,
                sealed_at: Timestamp::MIN,
                log: PublicKey::from_bytes([0; PublicKey::BYTES]),
                genesis: Hash::ZERO,
                format: None,
                index: Some(commitment(&begun(), trees)),
            }
        };
        (0..log.len()).map(header).collect()
    }

    /// What is found in a log under these headers; with what was found so far if a file fails.
    fn found(
        log: &[Epoch],
        headers: &[EpochHeader],
        spill: Option<Arc<InMemory>>,
    ) -> (Vec<Fault>, Option<SpillError>) {
        let mut findings = Findings::default();
        let spill = spill.map(|spill| spill as Arc<dyn Spill>);
        let mut audit = IndexAudit::new(Hash::ZERO, begun(), spill);
        let mut walk = || {
            for (header, entries) in headers.iter().zip(entries_of(log)) {
                audit.begin(header, &mut findings)?;
                for (seq, leaf, places) in entries {
                    let spots = places.iter().map(|place| Spot::Open(Hash::of(&[*place])));
                    let spots: Vec<_> = spots.collect();
                    audit.entry(seq, &leaf, &spots, &mut findings)?;
                }
            }
            audit.close(&mut findings)
        };
        let failed = walk().err();
        (findings.into_lists().0, failed)
    }

    fn is_the_same_with_files(log: &[Epoch], headers: &[EpochHeader]) -> Vec<Fault> {
        let (expected, _) = found(log, headers, None);
        for in_memory in [0, 1, 3, 16, 35, 100] {
            let (faults, failed) = found(log, headers, Some(InMemory::with(in_memory)));
            assert_eq!((faults, failed.is_none()), (expected.clone(), true));
        }
        expected
    }

    /// Epochs of one to four entries with one to three of six places.
    fn small(epochs: usize, kind: usize) -> Vec<Epoch> {
        let entry = |n: usize| {
            let places = (0..=n % 3).map(|i| ((n * 5 + i * (kind + 1) + kind) % 6) as u8);
            let mut places: Vec<_> = places.collect();
            places.sort_unstable();
            places.dedup();
            places
        };
        let epoch = |number| (0..=(number * (kind + 2)) % 4).map(move |n| number * 3 + n);
        (0..epochs)
            .map(|number| epoch(number).map(entry).collect())
            .collect()
    }

    #[test]
    fn what_was_sealed_of_the_entries_passes_wherever_leaves_lie() {
        for epochs in 1..20 {
            for kind in 0..4 {
                let log = small(epochs, kind);
                let headers = headers(&log, &leaves_of(&log));
                assert_eq!(is_the_same_with_files(&log, &headers), []);
            }
        }
    }

    #[test]
    fn what_was_sealed_of_others_does_not_wherever_leaves_lie() {
        /// Changes the leaves of an epoch, if it can.
        type Lie = fn(&mut Vec<Leaf>) -> bool;
        let lies: [Lie; 5] = [
            |leaves| leaves.pop().is_some(),
            |leaves| {
                leaves[0].count.entries += 1;
                true
            },
            |leaves| {
                leaves[0].count.digest = Hash::ZERO;
                true
            },
            |leaves| {
                let last = leaves.len() - 1;
                let (a, b) = (leaves[0].count, leaves[last].count);
                (leaves[0].count, leaves[last].count) = (b, a);
                a != b
            },
            |leaves| {
                let place = Hash::of(b"nobody's");
                let count = Count::NONE.and(Seq(0), &Hash::ZERO);
                let at = leaves.partition_point(|leaf| leaf.place < place);
                leaves.insert(at, Leaf { place, count });
                true
            },
        ];
        let log = small(9, 1);
        for number in 0..log.len() {
            for (kind, lie) in lies.iter().enumerate() {
                let mut epochs = leaves_of(&log);
                if lie(&mut epochs[number]) {
                    let faults = is_the_same_with_files(&log, &headers(&log, &epochs));
                    let first = faults.first().unwrap();
                    assert_eq!(first.code, FaultCode::IndexMismatch, "{kind}");
                    assert_eq!(first.index, Some(number as u64), "{kind}");
                }
            }
            // An entry that is left out of all that it has.
            let mut lied = log.clone();
            if let Some(left_out) = lied[number].get_mut(1) {
                left_out.clear();
                let faults = is_the_same_with_files(&log, &headers(&log, &leaves_of(&lied)));
                assert_eq!(faults.first().unwrap().index, Some(number as u64));
            }
        }
    }

    #[test]
    fn an_epoch_of_many_terms_is_counted_over_many_runs() {
        let entry = |n: u64| vec![(n % 251) as u8, 251 + (n % 3) as u8];
        let log: Vec<Epoch> = vec![
            (0..2_000).map(entry).collect(),
            (0..10).map(entry).collect(),
            (500..900).map(entry).collect(),
        ];
        let headers = headers(&log, &leaves_of(&log));
        assert_eq!(is_the_same_with_files(&log, &headers), []);
    }

    #[test]
    fn headers_that_are_missing_or_repeated_are_judged_alike() {
        let log = small(9, 2);
        let all = headers(&log, &leaves_of(&log));
        for at in 0..log.len() {
            let (mut log, mut headers) = (log.clone(), all.clone());
            log.remove(at);
            headers.remove(at);
            is_the_same_with_files(&log, &headers);
            let (mut log, mut headers) = (log.clone(), all.clone());
            log.insert(at.min(log.len()), log[at.min(log.len() - 1)].clone());
            headers.insert(at, all[at].clone());
            is_the_same_with_files(&log, &headers);
        }
    }

    #[test]
    fn a_file_that_fails_at_any_time_ends_it_and_says_nothing_of_the_log() {
        let log = small(9, 3);
        let headers = headers(&log, &leaves_of(&log));
        let mut calls = 0;
        loop {
            let spill = InMemory::failing_after(2, calls);
            let (faults, failed) = found(&log, &headers, Some(spill));
            assert_eq!(faults, []);
            match failed {
                Some(failed) => assert_eq!(failed.place, "memory"),
                None => break,
            }
            calls += 1;
        }
        assert!(calls > 50, "{calls}");
    }

    #[test]
    fn one_value_of_two_fields_is_two_terms() {
        let key = |field, value: &str| key_of(&Term::new(field, value));
        assert_ne!(key(Field::Tenant, "a"), key(Field::Worker, "a"));
        assert_ne!(key(Field::Tenant, "a"), key(Field::Tenant, "b"));
        assert_eq!(key(Field::Tenant, "a"), key(Field::Tenant, "a"));
    }
}
