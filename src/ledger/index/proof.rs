//! What the index says of one term, proven under one header.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::super::epoch::{EpochFrontier, EpochHeader, SignedEpoch};
use super::super::hash::Hash;
use super::super::json::{Object, Value};
use super::super::merkle::LeafRange;
use super::super::position::EpochNumber;
use super::super::shape::{self, MemberError};
use super::super::statement::{Statement, StatementError};
use super::cover::{Begun, Block, Tree, commitment, cover, epochs_of, halves};
use super::leaf::{Count, leaf_hash};
use super::term::{Field, Term};
use super::vrf::{VrfKey, VrfProof};

/// The line `{"index":{…}}` of a bundle: what the index of the log says of `term`,
/// up to the epoch of `header`.
#[derive(Clone, Debug, PartialEq)]
pub struct TermProof {
    /// The term.
    pub term: Term,
    /// Where it stands, of a hidden one.
    pub placed: Option<VrfProof>,
    /// The header that all is proven under, not judged.
    pub header: SignedEpoch,
    /// The first epoch that is indexed.
    pub since: EpochNumber,
    /// The key by which hidden terms are placed, where the index began later than the log.
    pub key: Option<VrfKey>,
    /// For each tree of the header's [`cover`] what it says.
    pub trees: Vec<TreeProof>,
}

/// What one tree says of a term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeProof {
    /// How many terms the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The number of its leaf that is shown, or of the first of two.
    pub at: u64,
    /// How many entries have the term, if it is in the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// And the digest over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Hash>,
    /// The leaves between which it would stand, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Vec<Neighbour>>,
    /// The complete subtrees before the leaves that are shown.
    pub before: Vec<Hash>,
    /// And after them.
    pub after: Vec<Hash>,
}

/// A leaf that is not the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Where its term stands.
    pub place: Hash,
    /// The hash of its count.
    pub hidden: Hash,
}

/// As it stands in the line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelt {
    field: Field,
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placed: Option<VrfProof>,
    header: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<VrfKey>,
    since: EpochNumber,
    trees: Vec<TreeProof>,
}

/// Why a value is not a proof.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TermProofError {
    /// A member is missing, unknown or wrong.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// The header is none.
    #[error("index.header: {0}")]
    Header(#[from] StatementError),
    /// A tree shows neither a count nor what stands around the place, or both.
    #[error("index.trees: a tree shows a count, or the leaves around the place")]
    Shown,
    /// Another spelling than the format's only one.
    #[error("the line is not in its one spelling")]
    Spelling,
}

/// Why a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TermProofFault {
    /// The header commits to no index.
    #[error("the header of epoch {0} commits to no index")]
    NoIndex(EpochNumber),
    /// Neither the entry that opened the log names a key of the index, nor the proof one
    /// that its header commits to; or both do.
    #[error("it is not shown under which key the index stands")]
    Key,
    /// Another number of trees than the header stands over.
    #[error("{actual} trees are given where the header stands over {expected}")]
    Trees {
        /// How many it stands over.
        expected: usize,
        /// How many are given.
        actual: usize,
    },
    /// The trees are not those of the header.
    #[error("the trees given are not those that the header commits to")]
    Commitment {
        /// What the header says.
        expected: Hash,
        /// What the trees give.
        actual: Hash,
    },
    /// The place of the term is not shown.
    #[error("nothing shows where {0} stands in the index")]
    Place(Term),
    /// A tree has another shape than the proof.
    #[error("epochs {} to {}: the proof does not fit a tree of {size} terms", .epochs.0, .epochs.1)]
    Shape {
        /// The epochs of the tree.
        epochs: (EpochNumber, EpochNumber),
        /// Its size.
        size: u64,
    },
    /// Leaves that do not show that the term is missing.
    #[error("epochs {} to {}: the leaves shown do not stand on both sides of the term", .epochs.0, .epochs.1)]
    Between {
        /// The epochs of the tree.
        epochs: (EpochNumber, EpochNumber),
    },
    /// The leaves do not lead to the root.
    #[error("epochs {} to {}: the leaves shown do not lead to the root of the tree", .epochs.0, .epochs.1)]
    Root {
        /// The epochs of the tree.
        epochs: (EpochNumber, EpochNumber),
        /// The root of the tree.
        expected: Hash,
        /// Where they lead.
        actual: Hash,
    },
}

/// How many entries of some epochs the index counts.
pub type Counted = (Block, Option<Count>);

impl TermProof {
    /// The value of the line.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let spelt = Spelt {
            field: self.term.field,
            value: self.term.value.clone(),
            placed: self.placed,
            header: self.header.to_value(),
            key: self.key,
            since: self.since,
            trees: self.trees.clone(),
        };
        let line: Object = [("index", shape::write(&spelt))].into_iter().collect();
        Value::Object(line)
    }

    /// Reads the value of a line, and refuses any but its one spelling.
    ///
    /// # Errors
    /// [`TermProofError`] names the member.
    pub fn from_value(value: &Value) -> Result<TermProof, TermProofError> {
        let members = shape::members(value)?;
        let spelt: Spelt = shape::member(members, "index")?;
        shape::only(members, &["index"])?;
        let proof = TermProof {
            term: Term::new(spelt.field, spelt.value),
            placed: spelt.placed,
            header: Statement::from_value(&spelt.header)?,
            since: spelt.since,
            key: spelt.key,
            trees: spelt.trees,
        };
        if !proof.trees.iter().all(TreeProof::shows_one) {
            return Err(TermProofError::Shown);
        }
        match proof.to_value() == *value {
            true => Ok(proof),
            false => Err(TermProofError::Spelling),
        }
    }

    /// The blocks of epochs that the header stands over, in the order of the trees.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        cover(self.since, self.header.content.epoch)
    }

    /// How many entries it says have the term, in all trees.
    #[must_use]
    pub fn entries(&self) -> u64 {
        let entries = self.trees.iter().filter_map(|tree| tree.entries);
        entries.fold(0, u64::saturating_add)
    }

    /// Where the index begins: with the log, under the key that its entry 0 names, or later.
    fn begun(&self, opened: Option<&VrfKey>) -> Option<Begun> {
        let since = self.since;
        match (opened, self.key) {
            (Some(key), None) if since == EpochNumber::FIRST => Some(Begun { since, key: *key }),
            (None, Some(key)) if since > EpochNumber::FIRST => Some(Begun { since, key }),
            _ => None,
        }
    }

    /// What the header's index says of the term in each block of epochs. Whether the
    /// header is signed is the caller's to judge. `opened` is the key that the entry names
    /// which opened the log.
    ///
    /// # Errors
    /// [`TermProofFault`]. Lengths are checked before anything is hashed.
    pub fn counts(&self, opened: Option<&VrfKey>) -> Result<Vec<Counted>, TermProofFault> {
        let header: &EpochHeader = &self.header.content;
        let index = header.index.ok_or(TermProofFault::NoIndex(header.epoch))?;
        let begun = self.begun(opened).ok_or(TermProofFault::Key)?;
        let blocks = self.blocks();
        if self.trees.len() != blocks.len() {
            return Err(TermProofFault::Trees {
                expected: blocks.len(),
                actual: self.trees.len(),
            });
        }
        let actual = commitment(&begun, self.trees.iter().map(TreeProof::tree));
        if actual != index {
            return Err(TermProofFault::Commitment {
                expected: index,
                actual,
            });
        }
        let placed = self.placed.as_ref();
        let place = self.term.proven_place(&header.genesis, &begun.key, placed);
        let place = place.ok_or_else(|| TermProofFault::Place(self.term.clone()))?;
        let counted = blocks.into_iter().zip(&self.trees);
        counted
            .map(|(block, tree)| Ok((block, tree.count(&block, &place)?)))
            .collect()
    }
}

impl TreeProof {
    const fn tree(&self) -> Tree {
        Tree {
            size: self.size,
            root: self.root,
        }
    }

    /// Whether it shows a count, or the leaves around the place.
    const fn shows_one(&self) -> bool {
        let count = (self.entries.is_some(), self.digest.is_some());
        matches!(
            (count, self.between.is_some()),
            ((true, true), false) | ((false, false), true)
        )
    }

    /// What the tree of `block` says of the term at `place`.
    fn count(&self, block: &Block, place: &Hash) -> Result<Option<Count>, TermProofFault> {
        let epochs = epochs_of(block);
        let shape = TermProofFault::Shape {
            epochs,
            size: self.size,
        };
        let (shown, count) = match (self.entries, self.digest, &self.between) {
            (Some(entries), Some(digest), None) if entries > 0 => {
                let count = Count { entries, digest };
                (vec![(*place, count.hidden())], Some(count))
            }
            (None, None, Some(between)) => {
                let between = between.iter().map(|leaf| (leaf.place, leaf.hidden));
                (between.collect(), None)
            }
            _ => return Err(shape),
        };
        let end = self.at.checked_add(shown.len() as u64);
        let Some(end) = end.filter(|end| *end <= self.size && shown.len() <= 2) else {
            return Err(shape);
        };
        let first = LeafRange {
            start: 0,
            end: self.at,
        };
        let last = LeafRange {
            start: end,
            end: self.size,
        };
        let fits = |range: LeafRange, given: &[Hash]| range.subtrees().count() == given.len();
        if shown.is_empty() || !fits(first, &self.before) || !fits(last, &self.after) {
            return Err(shape);
        }
        if count.is_none() && !self.stands_between(&shown, end, place) {
            return Err(TermProofFault::Between { epochs });
        }
        let mut tree = EpochFrontier::new();
        let push = |range: LeafRange, hashes: &[Hash], tree: &mut EpochFrontier| {
            let mut both = range.subtrees().zip(hashes);
            both.all(|(subtree, hash)| tree.push_subtree(subtree.level, *hash).is_ok())
        };
        let mut whole = push(first, &self.before, &mut tree);
        for (place, hidden) in &shown {
            tree.push(leaf_hash(place, hidden), |_, _| ());
        }
        whole &= push(last, &self.after, &mut tree);
        let actual = tree.root().filter(|_| whole).ok_or(shape)?;
        match actual == self.root {
            true => Ok(count),
            false => Err(TermProofFault::Root {
                epochs,
                expected: self.root,
                actual,
            }),
        }
    }

    /// Two leaves on both sides of it, or the first or last of all and it beyond.
    fn stands_between(&self, shown: &[(Hash, Hash)], end: u64, place: &Hash) -> bool {
        match shown {
            [(left, _), (right, _)] => left < place && place < right,
            [(only, _)] => (self.at == 0 && place < only) || (end == self.size && only < place),
            _ => false,
        }
    }
}

/// What the tree of `block` must say of a term, by the entries of each epoch that
/// have it: `own` is sorted by epoch, each once.
#[must_use]
pub fn expected(block: &Block, own: &[(EpochNumber, Count)]) -> Option<Count> {
    let (first, last) = epochs_of(block);
    let from = own.partition_point(|(epoch, _)| *epoch < first);
    let to = own.partition_point(|(epoch, _)| *epoch <= last);
    let own = own.get(from..to).filter(|own| !own.is_empty())?;
    let Some((left, right)) = halves(block) else {
        return own.first().map(|(_, count)| *count);
    };
    match (expected(&left, own), expected(&right, own)) {
        (Some(left), Some(right)) => Some(Count::joined(&left, &right)),
        (left, right) => left.or(right),
    }
}
