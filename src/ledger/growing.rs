//! A tree that is built again: its leaves wait for each other, so that the nodes
//! above them are hashed together.

use super::epoch::EpochFrontier;
use super::hash::Hash;
use super::merkle::Misaligned;

/// Leaves that wait at most. A level of them has enough for every lane of a
/// processor, but for the topmost ones.
const WAITING: usize = 256;

/// The frontier of what was taken, and the leaves that are to go into it.
#[derive(Debug, Default)]
pub(crate) struct GrowingTree {
    frontier: EpochFrontier,
    waiting: Vec<Hash>,
}

impl GrowingTree {
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size() + self.waiting.len() as u64
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.waiting.push(leaf);
        if self.waiting.len() >= WAITING {
            self.settle();
        }
    }

    pub(crate) fn push_subtree(&mut self, level: u8, hash: Hash) -> Result<(), Misaligned> {
        self.settle();
        self.frontier.push_subtree(level, hash)
    }

    pub(crate) fn root(&mut self) -> Option<Hash> {
        self.settle();
        self.frontier.root()
    }

    fn settle(&mut self) {
        self.frontier.extend(&self.waiting);
        self.waiting.clear();
    }
}
