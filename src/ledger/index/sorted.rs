//! The leaves of a tree, made and read from end to end: in memory, or in a file where
//! there are many.

use std::sync::Arc;

use super::super::epoch::EpochFrontier;
use super::super::hash::Hash;
use super::super::spill::{RECORD, Record, RecordWriter, Records, Spill, SpillError};
use super::cover::Tree;
use super::leaf::{Leaf, TOGETHER, leaf_hashes};

/// Of what may be in memory, the part that one tree may hold. There are some 40 under a
/// header, most of them small.
const PART: usize = 16;

/// Leaves, one after the other.
pub(crate) type LeafStream = Box<dyn Iterator<Item = Result<Leaf, SpillError>>>;

/// The leaves of a tree, sorted by place.
#[derive(Debug)]
pub(crate) enum SortedLeaves {
    Held(Vec<Leaf>),
    Filed(Records),
}

impl SortedLeaves {
    pub(crate) fn into_stream(self) -> Result<LeafStream, SpillError> {
        Ok(match self {
            SortedLeaves::Held(leaves) => Box::new(leaves.into_iter().map(Ok)),
            SortedLeaves::Filed(records) => Box::new(records.all()?),
        })
    }
}

/// The tree of these leaves, which are sorted and have each place once.
pub(crate) fn made_of(
    spill: Option<&Arc<dyn Spill>>,
    leaves: impl Iterator<Item = Result<Leaf, SpillError>>,
) -> Result<(Tree, SortedLeaves), SpillError> {
    let mut making = Making {
        spill,
        frontier: EpochFrontier::new(),
        next: Vec::new(),
        held: Vec::new(),
        file: None,
    };
    for leaf in leaves {
        making.next.push(leaf?);
        if making.next.len() == TOGETHER {
            making.take_next()?;
        }
    }
    making.finish()
}

struct Making<'s> {
    spill: Option<&'s Arc<dyn Spill>>,
    frontier: EpochFrontier,
    /// Leaves that are not in the tree yet.
    next: Vec<Leaf>,
    /// All others, while there is no file.
    held: Vec<Leaf>,
    file: Option<RecordWriter>,
}

impl Making<'_> {
    fn take_next(&mut self) -> Result<(), SpillError> {
        self.frontier.extend(&leaf_hashes(&self.next));
        self.held.append(&mut self.next);
        let is_large = |spill: &Arc<dyn Spill>| self.held.len() > spill.in_memory() / PART;
        if let Some(spill) = self.spill
            && (self.file.is_some() || is_large(spill))
        {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(RecordWriter::begin(spill)?),
            };
            for leaf in self.held.drain(..) {
                file.push(&leaf)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Tree, SortedLeaves), SpillError> {
        self.take_next()?;
        let tree = Tree {
            size: self.frontier.size(),
            root: self.frontier.root().unwrap_or(Hash::ZERO),
        };
        let leaves = match self.file {
            None => SortedLeaves::Held(self.held),
            Some(file) => SortedLeaves::Filed(file.finish()?),
        };
        Ok((tree, leaves))
    }
}

impl Record for Leaf {
    fn to_record(&self) -> [u8; RECORD] {
        self.to_bytes()
    }

    fn from_record(bytes: &[u8; RECORD]) -> Option<Leaf> {
        Leaf::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::super::super::position::Seq;
    use super::super::super::spill::tests::InMemory;
    use super::super::leaf::{Count, root_of};
    use super::*;

    fn leaves(count: u64) -> Vec<Leaf> {
        let leaf = |n: u64| Leaf {
            place: Hash::of(&n.to_be_bytes()),
            count: Count::NONE.and(Seq(n), &Hash::ZERO),
        };
        let mut leaves: Vec<_> = (0..count).map(leaf).collect();
        leaves.sort_unstable_by_key(|leaf| leaf.place);
        leaves
    }

    #[test]
    fn a_tree_is_the_same_wherever_its_leaves_are() {
        for count in [0, 1, 2, 3, 31, 1_023, 1_024, 1_025, 2_500] {
            let own = leaves(count);
            for in_memory in [0, 16, 32, 16 * 1_024, usize::MAX] {
                let spill = InMemory::with(in_memory);
                let given: Arc<dyn Spill> = Arc::clone(&spill) as _;
                let stream = own.iter().copied().map(Ok);
                let (tree, sorted) = made_of(Some(&given), stream).unwrap();
                assert_eq!(tree.size, count);
                assert_eq!(tree.root, root_of(&own).unwrap_or(Hash::ZERO));
                let is_filed = count > in_memory as u64 / 16;
                assert_eq!(spill.made(), usize::from(is_filed), "{count} {in_memory}");
                let read: Result<Vec<_>, _> = sorted.into_stream().unwrap().collect();
                assert_eq!(read.unwrap(), own);
            }
        }
    }
}
