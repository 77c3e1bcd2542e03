//! The epoch tree: the shape of RFC 6962, over any hash.
//!
//! Leaves are hashes already. An odd node moves up unchanged; nothing is
//! duplicated or padded. Everything is said in terms of **complete subtrees**:
//! the 2^level leaves from `index * 2^level` on. A range of leaves is a list of
//! them, a proof is a list of ranges, and a [`Frontier`] is the list of those
//! that cover the leaves seen so far.
//!
//! ```text
//!            root                 size 5
//!           /    \
//!       (2,0)      \              path of leaf 2: (0,3) (1,0) (0,4)
//!      /     \      \
//!   (1,0)   (1,1)    \
//!   /  \    /  \      \
//!  0    1  2    3      4
//! ```

use thiserror::Error;

mod consistency;

pub use consistency::{ConsistencyError, check_consistency, consistency_ranges};

pub trait NodeHasher {
    type Digest: Copy + PartialEq;

    fn node(left: &Self::Digest, right: &Self::Digest) -> Self::Digest;

    /// The parents of many, for those who can make several at once.
    fn nodes(pairs: &[[Self::Digest; 2]]) -> Vec<Self::Digest> {
        let parent = |[left, right]: &[Self::Digest; 2]| Self::node(left, right);
        pairs.iter().map(parent).collect()
    }
}

/// A complete subtree: the `2^level` leaves from `index * 2^level` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// 0 for a leaf.
    pub level: u8,
    /// Which of its level, from 0.
    pub index: u64,
}

/// The leaves from `start` up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRange {
    pub start: u64,
    pub end: u64,
}

impl LeafRange {
    /// The complete subtrees that cover the range, from left to right, as few
    /// as there can be.
    pub fn subtrees(self) -> impl Iterator<Item = Subtree> {
        let mut at = self.start;
        std::iter::from_fn(move || {
            let room = self.end.checked_sub(at)?.checked_ilog2()?;
            let level = if at == 0 {
                room
            } else {
                at.trailing_zeros().min(room)
            };
            let index = at >> level;
            at += 1 << level;
            Some(Subtree {
                level: u8::try_from(level).unwrap_or(u8::MAX),
                index,
            })
        })
    }
}

/// The siblings on the way from leaf `index` to the root of a tree of `size`
/// leaves, from the leaf up, each as the range of leaves below it; `None` if
/// the tree has no such leaf.
pub fn path_ranges(index: u64, size: u64) -> Option<Vec<LeafRange>> {
    if index >= size {
        return None;
    }
    // RFC 6962 §2.1.1, from the root down: split at the largest power of two
    // smaller than the size, keep the half that holds the leaf.
    let mut siblings = Vec::with_capacity(size.ilog2() as usize + 1);
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let split = start + (1 << (end - start - 1).ilog2());
        if index < split {
            siblings.push(LeafRange { start: split, end });
            end = split;
        } else {
            siblings.push(LeafRange { start, end: split });
            start = split;
        }
    }
    siblings.reverse();
    Some(siblings)
}

/// How many siblings the path of leaf `index` has in a tree of `size` leaves.
pub fn path_length(index: u64, size: u64) -> Option<usize> {
    path_ranges(index, size).map(|ranges| ranges.len())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    #[error("leaf {index} is not in a tree of {size}")]
    OutsideTree { index: u64, size: u64 },
    #[error("the path has {actual} hashes where the tree's shape demands {expected}")]
    Length { expected: usize, actual: usize },
}

/// The root that `path` leads to from `leaf`. The length is checked before
/// anything is hashed.
///
/// # Errors
/// [`PathError`]. Whether the root is the right one is the caller's to compare.
pub fn root_from_path<H: NodeHasher>(
    index: u64,
    size: u64,
    leaf: &H::Digest,
    path: &[H::Digest],
) -> Result<H::Digest, PathError> {
    let ranges = ranges_of(index, size, path.len())?;
    let climb = ranges.iter().zip(path);
    Ok(climb.fold(*leaf, |node, (range, sibling)| {
        if range.start > index {
            H::node(&node, sibling)
        } else {
            H::node(sibling, &node)
        }
    }))
}

/// What a path of so many hashes stands for.
fn ranges_of(index: u64, size: u64, actual: usize) -> Result<Vec<LeafRange>, PathError> {
    let ranges = path_ranges(index, size).ok_or(PathError::OutsideTree { index, size })?;
    let expected = ranges.len();
    match expected == actual {
        true => Ok(ranges),
        false => Err(PathError::Length { expected, actual }),
    }
}

/// A leaf, its place in a tree, and its siblings on the way to the root.
#[derive(Clone, Copy, Debug)]
pub struct Climb<'a, D> {
    pub index: u64,
    pub size: u64,
    pub leaf: D,
    /// The siblings, from the leaf up.
    pub path: &'a [D],
}

/// [`root_from_path`] of many, level by level, so that the nodes of a level can
/// be made together.
pub fn roots_from_paths<H: NodeHasher>(
    climbs: &[Climb<'_, H::Digest>],
) -> Vec<Result<H::Digest, PathError>> {
    let shape = |climb: &Climb<'_, _>| ranges_of(climb.index, climb.size, climb.path.len());
    let shapes: Vec<_> = climbs.iter().map(shape).collect();
    let mut nodes: Vec<_> = climbs.iter().map(|climb| climb.leaf).collect();
    let levels = shapes.iter().flatten().map(Vec::len).max();
    let mut pairs = Vec::with_capacity(climbs.len());
    for level in 0..levels.unwrap_or(0) {
        pairs.clear();
        let mut climbing = Vec::with_capacity(climbs.len());
        for ((climb, shape), node) in climbs.iter().zip(&shapes).zip(&mut nodes) {
            let range = shape.as_ref().ok().and_then(|ranges| ranges.get(level));
            if let (Some(range), Some(sibling)) = (range, climb.path.get(level)) {
                pairs.push(match range.start > climb.index {
                    true => [*node, *sibling],
                    false => [*sibling, *node],
                });
                climbing.push(node);
            }
        }
        for (node, parent) in climbing.into_iter().zip(H::nodes(&pairs)) {
            *node = parent;
        }
    }
    let root = |(shape, node): (Result<_, _>, _)| shape.map(|_| node);
    shapes.into_iter().zip(nodes).map(root).collect()
}

/// The hash of a range, from those of its complete subtrees in the order of
/// [`LeafRange::subtrees`]. `None` for an empty range.
///
/// Every range that a path or a root needs starts at a multiple of a power of
/// two not smaller than itself, so its subtrees shrink from left to right and
/// fold from the right.
pub fn fold_range<H: NodeHasher>(subtrees: &[H::Digest]) -> Option<H::Digest> {
    let (last, before) = subtrees.split_last()?;
    Some(
        before
            .iter()
            .rev()
            .fold(*last, |node, left| H::node(left, &node)),
    )
}

/// The complete subtrees that cover the leaves seen so far: all that is kept of
/// a growing tree, at most one node a level.
#[derive(Clone, Debug)]
pub struct Frontier<H: NodeHasher> {
    size: u64,
    nodes: Vec<(Subtree, H::Digest)>,
}

/// A subtree that cannot be the next part of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a subtree of level {level} cannot follow {size} leaves")]
pub struct Misaligned {
    pub level: u8,
    /// The leaves before it.
    pub size: u64,
}

impl<H: NodeHasher> Default for Frontier<H> {
    fn default() -> Self {
        Frontier {
            size: 0,
            nodes: Vec::new(),
        }
    }
}

impl<H: NodeHasher> Frontier<H> {
    /// The frontier of no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The complete subtrees, from left to right. Their levels are the bits of the size,
    /// from the highest on.
    pub fn subtrees(&self) -> impl Iterator<Item = &H::Digest> {
        self.nodes.iter().map(|(_, hash)| hash)
    }

    /// The inverse of [`Frontier::subtrees`]; `None` if they are not those of `size` leaves.
    pub fn of_subtrees(size: u64, hashes: &[H::Digest]) -> Option<Self>
    where
        H::Digest: Copy,
    {
        let levels = (0..64_u8).rev().filter(|level| size >> level & 1 == 1);
        let mut frontier = Self::new();
        let mut hashes = hashes.iter();
        for level in levels {
            frontier.push_subtree(level, *hashes.next()?).ok()?;
        }
        hashes.next().is_none().then_some(frontier)
    }

    /// Takes the next leaf and reports every node that it completes, itself
    /// first, then upwards.
    pub fn push(&mut self, leaf: H::Digest, mut completed: impl FnMut(Subtree, &H::Digest)) {
        let subtree = Subtree {
            level: 0,
            index: self.size,
        };
        self.size += 1;
        self.join(subtree, leaf, &mut completed);
    }

    /// Takes the next leaves, level by level: each node once, as
    /// [`Frontier::push`] makes it, but all of a level together.
    pub fn extend(&mut self, leaves: &[H::Digest]) {
        self.size += leaves.len() as u64;
        let mut row = leaves.to_vec();
        let mut level = 0_u8;
        let mut odd = Vec::new();
        while !row.is_empty() {
            // What the leaves before left over here stands to the left of it.
            if let Some((_, left)) = self.nodes.pop_if(|(node, _)| node.level == level) {
                row.insert(0, left);
            }
            let (pairs, last) = row.as_chunks::<2>();
            if let [last] = last {
                let index = (self.size >> level) - 1;
                odd.push((Subtree { level, index }, *last));
            }
            row = H::nodes(pairs);
            level += 1;
        }
        self.nodes.extend(odd.into_iter().rev());
    }

    /// Takes a complete subtree of `2^level` leaves whose inside is not known.
    pub fn push_subtree(&mut self, level: u8, hash: H::Digest) -> Result<(), Misaligned> {
        let misaligned = Misaligned {
            level,
            size: self.size,
        };
        let leaves = 1_u64.checked_shl(level.into()).ok_or(misaligned)?;
        if !self.size.is_multiple_of(leaves) {
            return Err(misaligned);
        }
        let subtree = Subtree {
            level,
            index: self.size >> level,
        };
        self.size = self.size.checked_add(leaves).ok_or(misaligned)?;
        self.join(subtree, hash, &mut |_, _| ());
        Ok(())
    }

    /// The root, or `None` of no leaves.
    pub fn root(&self) -> Option<H::Digest> {
        let hashes: Vec<_> = self.nodes.iter().map(|(_, hash)| *hash).collect();
        fold_range::<H>(&hashes)
    }

    fn join(
        &mut self,
        mut subtree: Subtree,
        mut hash: H::Digest,
        completed: &mut impl FnMut(Subtree, &H::Digest),
    ) {
        completed(subtree, &hash);
        while let Some((left, left_hash)) = self.nodes.pop() {
            if left.level != subtree.level {
                self.nodes.push((left, left_hash));
                break;
            }
            hash = H::node(&left_hash, &hash);
            subtree = Subtree {
                level: subtree.level + 1,
                index: subtree.index >> 1,
            };
            completed(subtree, &hash);
        }
        self.nodes.push((subtree, hash));
    }
}
