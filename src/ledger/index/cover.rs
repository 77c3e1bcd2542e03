//! Which trees an epoch header commits to.
//!
//! The header of epoch `e` stands over the trees of the last [`FRESH`] epochs, one
//! each, and over the blocks of `2^k` epochs, aligned, that cover those before. So
//! there are at most about `log2(e)` of them, and a block is needed [`FRESH`] headers
//! after its last epoch was sealed: that long there is to merge it.

use super::super::hash::Hash;
use super::super::merkle::{LeafRange, Subtree};
use super::super::position::EpochNumber;
use super::vrf::VrfKey;

/// How many epochs stand alone, before they are merged with others.
pub const FRESH: u64 = 2;

/// A block of epochs: the `2^level` from `index * 2^level` on.
pub type Block = Subtree;

/// The epochs of a block: the first, and the last.
#[must_use]
pub fn epochs_of(block: &Block) -> (EpochNumber, EpochNumber) {
    let epochs = 1_u64.checked_shl(block.level.into()).unwrap_or(1);
    let first = block.index.saturating_mul(epochs);
    (
        EpochNumber(first),
        EpochNumber(first.saturating_add(epochs - 1)),
    )
}

/// The two halves of a block; `None` of one epoch.
#[must_use]
pub fn halves(block: &Block) -> Option<(Block, Block)> {
    let level = block.level.checked_sub(1)?;
    let half = |index| Block { level, index };
    Some((half(2 * block.index), half(2 * block.index + 1)))
}

/// The trees under the header of `epoch`, of a log whose index begins with the
/// epoch `since`, in the order of the log.
#[must_use]
pub fn cover(since: EpochNumber, epoch: EpochNumber) -> Vec<Block> {
    let end = epoch.0.saturating_add(1);
    let fresh = end.saturating_sub(FRESH).clamp(since.0.min(end), end);
    let merged = LeafRange {
        start: since.0,
        end: fresh,
    };
    let alone = (fresh..end).map(|index| Block { level: 0, index });
    merged.subtrees().chain(alone).collect()
}

/// The block that is under the header of `epoch` and was not under the one before,
/// but for the epoch's own.
#[must_use]
pub fn newly_merged(since: EpochNumber, epoch: EpochNumber) -> Option<Block> {
    let end = epoch
        .0
        .saturating_add(1)
        .checked_sub(FRESH)
        .filter(|end| *end > since.0)?;
    let merged = LeafRange {
        start: since.0,
        end,
    };
    merged.subtrees().last().filter(|block| block.level > 0)
}

/// A tree of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// How many terms it has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// Where the index of a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The first epoch that is indexed.
    pub since: EpochNumber,
    /// The key by which hidden terms are placed.
    pub key: VrfKey,
}

impl Begun {
    /// Of a log whose entry 0 names the key.
    #[must_use]
    pub const fn with_the_log(key: VrfKey) -> Begun {
        let since = EpochNumber::FIRST;
        Begun { since, key }
    }

    /// The key, where headers commit to it: entry 0 does not name it.
    #[must_use]
    pub fn later(&self) -> Option<VrfKey> {
        (self.since > EpochNumber::FIRST).then_some(self.key)
    }
}

/// What a header says of its trees: `H` of `sealbook:index:v1`, 0x1f, the first
/// epoch that is indexed, the key if that is not the first of the log, and of each tree
/// size and root.
#[must_use]
pub fn commitment(begun: &Begun, trees: impl IntoIterator<Item = Tree>) -> Hash {
    let mut bytes = b"sealbook:index:v1\x1f".to_vec();
    bytes.extend_from_slice(&begun.since.0.to_be_bytes());
    if let Some(key) = begun.later() {
        bytes.extend_from_slice(key.as_bytes());
    }
    for tree in trees {
        bytes.extend_from_slice(&tree.size.to_be_bytes());
        bytes.extend_from_slice(tree.root.as_bytes());
    }
    Hash::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_of_a_header_are_its_epochs_once_each_in_order() {
        for since in 0..20 {
            for epoch in since..300 {
                let (first, last) = (EpochNumber(since), EpochNumber(epoch));
                let blocks = cover(first, last);
                let mut next = since;
                for block in &blocks {
                    let (from, to) = epochs_of(block);
                    assert_eq!(from.0, next);
                    next = to.0 + 1;
                }
                assert_eq!(next, epoch + 1);
                assert!(blocks.len() <= 2 * 9 + 2);
            }
        }
    }

    #[test]
    fn one_header_after_another_one_block_is_new_and_its_halves_were_there() {
        for since in 0..20 {
            for epoch in since + 1..300 {
                let (first, last) = (EpochNumber(since), EpochNumber(epoch));
                let before = cover(first, EpochNumber(epoch - 1));
                let own = Block {
                    level: 0,
                    index: epoch,
                };
                let mut new = cover(first, last);
                new.retain(|block| !before.contains(block) && *block != own);
                assert_eq!(new, Vec::from_iter(newly_merged(first, last)));
                for block in new {
                    let mut left = vec![block];
                    while let Some(block) = left.pop().filter(|block| !before.contains(block)) {
                        let (a, b) = halves(&block).unwrap_or((block, block));
                        assert_ne!(a, b);
                        left.extend([a, b]);
                    }
                }
            }
        }
    }
}
