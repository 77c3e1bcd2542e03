//! Tiles: the nodes of an epoch tree, cut into pieces of four levels.
//!
//! Only every fourth level of the tree is kept. Tile `(t, i)` holds the complete
//! nodes of tree level `4t` with the indices `16i` to `16i + 15`, as many as
//! there are, 32 bytes each; a node of a level between is folded from two, four
//! or eight of them. A path in a tree of a million leaves so costs five or six
//! reads of 512 bytes, and a leaf some 34 bytes on the disk.
//!
//! ```text
//! level 4        (1,0): 0 …                       each hash is the root of
//!                       │                         sixteen in the tile below
//! level 0   (0,0): 0 1 2 … 15   (0,1): 16 17 …
//! ```
//!
//! A tile is written once, when it is full; those at the right edge that will
//! never be, when the epoch is sealed. Reading goes in two mirrored steps, so
//! that the reads in between can be made together: [`path_tiles`] lists, then
//! [`path_from_tiles`] computes; [`restore_tiles`] lists, then
//! [`TreeBuilder::restore`] computes.

use thiserror::Error;

use super::epoch::{EpochFrontier, EpochTree};
use super::hash::Hash;
use super::merkle::{LeafRange, Misaligned, NodeHasher, Subtree, fold_range, path_ranges};

mod builder;

pub use builder::{TreeBuilder, restore_leaves, restore_tiles};

/// Levels of the tree in a tile.
pub const LEVELS: u8 = 4;

/// Hashes in a full tile.
pub const WIDTH: u64 = 1 << LEVELS;

/// Which tile of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Which fourth level: the tile's hashes are the nodes of level `4 * level`.
    pub level: u8,
    /// Which tile of that level, from 0.
    pub index: u64,
}

/// Why tiles do not give what was asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TileError {
    /// The tree has no such leaf.
    #[error("leaf {index} is not in a tree of {size}")]
    OutsideTree {
        /// The leaf.
        index: u64,
        /// The leaves of the tree.
        size: u64,
    },
    /// A tile that must be there is not.
    #[error("tile {} of level {} is missing", tile.index, tile.level)]
    Missing {
        /// The tile.
        tile: TileId,
    },
    /// A tile has fewer hashes than the tree's size demands.
    #[error("tile {} of level {} has {bytes} bytes where {needed} are needed", tile.index, tile.level)]
    Short {
        /// The tile.
        tile: TileId,
        /// How many bytes it has.
        bytes: usize,
        /// How many it must have at least.
        needed: usize,
    },
    /// Another number of leaves than stand behind the last full tile.
    #[error("{found} leaves were given where {needed} stand behind the last full tile")]
    Leaves {
        /// How many were given.
        found: usize,
        /// How many there are.
        needed: u64,
    },
    /// A node that cannot stand where the tree's size puts it.
    #[error(transparent)]
    Misaligned(#[from] Misaligned),
}

/// Where in the tiles a complete subtree lies: always in one of them, since it
/// is aligned and at most eight hashes wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    tile: TileId,
    /// The first of its hashes.
    first: usize,
    /// How many of them fold to the subtree's own.
    count: usize,
}

impl Place {
    fn of(subtree: Subtree) -> Place {
        let above = subtree.level % LEVELS;
        let first = subtree.index << above;
        Place {
            tile: TileId {
                level: subtree.level / LEVELS,
                index: first / WIDTH,
            },
            first: (first % WIDTH) as usize,
            count: 1 << above,
        }
    }
}

/// The tiles that the path of leaf `index` needs in a tree of `size` leaves,
/// each once, in the order of [`TileId`].
///
/// # Errors
/// [`TileError::OutsideTree`].
pub fn path_tiles(index: u64, size: u64) -> Result<Vec<TileId>, TileError> {
    let ranges = path_ranges(index, size).ok_or(TileError::OutsideTree { index, size })?;
    let subtrees = ranges.iter().flat_map(|range| range.subtrees());
    let mut tiles: Vec<TileId> = subtrees.map(|subtree| Place::of(subtree).tile).collect();
    tiles.sort_unstable();
    tiles.dedup();
    Ok(tiles)
}

/// The siblings of leaf `index` in a tree of `size` leaves, from the leaf up.
/// `fetched` are the tiles of [`path_tiles`], in its order; nothing is believed
/// of them, the path proves itself against a root.
///
/// # Errors
/// [`TileError`] if there is no such leaf, or a tile is missing or too short.
pub fn path_from_tiles(
    index: u64,
    size: u64,
    fetched: &[Option<Vec<u8>>],
) -> Result<Vec<Hash>, TileError> {
    let tiles = path_tiles(index, size)?;
    let ranges = path_ranges(index, size).ok_or(TileError::OutsideTree { index, size })?;
    let sibling = |subtree| hash_of(subtree, &tiles, fetched);
    let mut path = Vec::with_capacity(ranges.len());
    for range in ranges {
        let hashes: Result<Vec<Hash>, TileError> =
            range.subtrees().into_iter().map(sibling).collect();
        // No sibling is empty, so there is always something to fold.
        path.extend(fold_range::<EpochTree>(&hashes?));
    }
    Ok(path)
}

/// The tiles that the complete subtrees of `range` need, each once, in the
/// order of [`TileId`].
#[must_use]
pub fn range_tiles(range: LeafRange) -> Vec<TileId> {
    let subtrees = range.subtrees().into_iter();
    let mut tiles: Vec<TileId> = subtrees.map(|subtree| Place::of(subtree).tile).collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

/// The hashes of the complete subtrees of `range`, from left to right, from
/// the tiles of [`range_tiles`] in its order.
///
/// # Errors
/// [`TileError`] if a tile is missing or too short.
pub fn range_from_tiles(
    range: LeafRange,
    fetched: &[Option<Vec<u8>>],
) -> Result<Vec<Hash>, TileError> {
    let tiles = range_tiles(range);
    let hash = |subtree| hash_of(subtree, &tiles, fetched);
    range.subtrees().into_iter().map(hash).collect()
}

/// The hash of a complete subtree, from the tiles that were fetched.
fn hash_of(
    subtree: Subtree,
    tiles: &[TileId],
    fetched: &[Option<Vec<u8>>],
) -> Result<Hash, TileError> {
    let place = Place::of(subtree);
    let missing = TileError::Missing { tile: place.tile };
    let at = tiles.binary_search(&place.tile).map_err(|_| missing)?;
    let bytes = fetched.get(at).and_then(Option::as_ref).ok_or(missing)?;
    fold_complete(nodes_of(place, bytes)?).ok_or(missing)
}

/// The hashes at `place` in the bytes of its tile.
fn nodes_of(place: Place, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let (start, end) = (
        place.first * Hash::BYTES,
        (place.first + place.count) * Hash::BYTES,
    );
    let nodes = bytes.get(start..end).ok_or(TileError::Short {
        tile: place.tile,
        bytes: bytes.len(),
        needed: end,
    })?;
    let (hashes, _) = nodes.as_chunks::<{ Hash::BYTES }>();
    Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect())
}

/// The root over a power of two of nodes, level by level.
fn fold_complete(mut nodes: Vec<Hash>) -> Option<Hash> {
    while nodes.len() > 1 {
        let (pairs, _) = nodes.as_chunks::<2>();
        nodes = EpochTree::nodes(pairs);
    }
    nodes.pop()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;

    #[test]
    fn a_subtree_lies_in_one_tile() {
        for level in 0..14_u8 {
            for index in 0..70 {
                let place = Place::of(Subtree { level, index });
                assert!(
                    place.first + place.count <= WIDTH as usize,
                    "{level} {index}"
                );
                // The same leaves, counted from both sides.
                let hashes_before = place.tile.index * WIDTH + place.first as u64;
                assert_eq!(hashes_before << (LEVELS * place.tile.level), index << level);
            }
        }
    }

    #[test]
    fn a_path_in_a_million_leaves_reads_few_tiles() {
        let size = 1_000_000;
        let most = (0..size)
            .step_by(997)
            .map(|index| path_tiles(index, size).unwrap().len());
        assert!(most.max().unwrap() <= 9);
        assert_eq!(path_tiles(0, 1 << 20).unwrap().len(), 5);
    }
}
