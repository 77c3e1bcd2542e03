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
//! A tile, and any part of one that is a node, is a small tree with all its leaves
//! at hand, and rs_merkle computes its root.
//!
//! The tiles of the public log ([`tlog`](super::tlog)) are planned here too; they have
//! eight levels each.
//!
//! A tile is written once, when it is full; those at the right edge that will
//! never be, when the epoch is sealed. Reading goes in two mirrored steps, so
//! that the reads in between can be made together: a [`TilePlan`] lists tiles,
//! then computes hashes; [`restore_tiles`] lists, then [`TreeBuilder::restore`]
//! computes.

use rs_merkle::MerkleTree;
use thiserror::Error;

use super::epoch::{EpochFrontier, EpochTree};
use super::hash::Hash;
use super::merkle::{LeafRange, Misaligned, NodeHasher, Subtree, fold_range, path_ranges};

mod builder;

pub use builder::{TreeBuilder, restore_leaves, restore_tiles};

/// Levels of the tree in a tile.
pub const LEVELS: u8 = 4;

pub const WIDTH: u64 = 1 << LEVELS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Which fourth level: the tile's hashes are the nodes of level `4 * level`.
    pub level: u8,
    /// Which tile of that level, from 0.
    pub index: u64,
}

/// Why tiles do not give what was asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TileError {
    #[error("leaf {index} is not in a tree of {size}")]
    OutsideTree { index: u64, size: u64 },
    #[error("tile {} of level {} is missing", tile.index, tile.level)]
    Missing { tile: TileId },
    #[error("tile {} of level {} has {bytes} bytes where {needed} are needed", tile.index, tile.level)]
    Short {
        tile: TileId,
        bytes: usize,
        needed: usize,
    },
    #[error("{found} leaves were given where {needed} stand behind the last full tile")]
    Leaves { found: usize, needed: u64 },
    #[error(transparent)]
    Misaligned(#[from] Misaligned),
}

/// Where in the tiles a complete subtree lies: always in one of them, since it
/// is aligned and at most half as wide as a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TilePosition {
    tile: TileId,
    first: usize,
    /// How many of them fold to the subtree's own.
    count: usize,
}

impl TilePosition {
    /// In tiles of `levels` levels.
    fn of(subtree: Subtree, levels: u8) -> TilePosition {
        let above = subtree.level % levels;
        let first = subtree.index << above;
        let width = 1 << levels;
        TilePosition {
            tile: TileId {
                level: subtree.level / levels,
                index: first / width,
            },
            first: (first % width) as usize,
            count: 1 << above,
        }
    }
}

/// A tree that is kept in tiles: its nodes are 32 bytes.
pub trait TiledTree:
    NodeHasher<Digest: From<[u8; 32]>> + rs_merkle::Hasher<Hash = [u8; 32]>
{
}

impl<T: NodeHasher<Digest: From<[u8; 32]>> + rs_merkle::Hasher<Hash = [u8; 32]>> TiledTree for T {}

/// Hashes that are to come out of tiles: which tiles, and what is made of them.
/// Planned once; the tiles are read in between.
#[derive(Clone, Debug)]
pub struct TilePlan {
    /// Each once, in the order of [`TileId`].
    tiles: Vec<TileId>,
    /// Where the complete subtrees lie that the hashes are made of.
    places: Vec<TilePosition>,
    /// Of how many of those subtrees, from left to right, each hash is made.
    parts: Vec<usize>,
}

impl TilePlan {
    /// For the siblings of leaf `index` in a tree of `size` leaves, from the
    /// leaf up: O(log `size`) tiles.
    pub fn of_path(index: u64, size: u64) -> Result<TilePlan, TileError> {
        let ranges = path_ranges(index, size).ok_or(TileError::OutsideTree { index, size })?;
        Ok(TilePlan::of_ranges(&ranges, LEVELS))
    }

    /// For the hash of each of `ranges`, out of tiles of `levels` levels.
    #[must_use]
    pub fn of_ranges(ranges: &[LeafRange], levels: u8) -> TilePlan {
        TilePlan::of(ranges.iter().map(|range| range.subtrees()), levels)
    }

    /// For the complete subtrees of `range`, from left to right.
    pub fn of_range(range: LeafRange) -> TilePlan {
        TilePlan::of(range.subtrees().map(|subtree| [subtree]), LEVELS)
    }

    fn of(hashes: impl Iterator<Item: IntoIterator<Item = Subtree>>, levels: u8) -> TilePlan {
        let (mut places, mut parts) = (Vec::new(), Vec::new());
        for subtrees in hashes {
            let before = places.len();
            places.extend(
                subtrees
                    .into_iter()
                    .map(|part| TilePosition::of(part, levels)),
            );
            parts.push(places.len() - before);
        }
        let mut tiles: Vec<TileId> = places.iter().map(|place| place.tile).collect();
        tiles.sort_unstable();
        tiles.dedup();
        TilePlan {
            tiles,
            places,
            parts,
        }
    }

    /// The tiles to be read, each once, in the order of [`TileId`].
    pub fn tiles(&self) -> &[TileId] {
        &self.tiles
    }

    /// The hashes. `fetched` are the [tiles](TilePlan::tiles), in their order;
    /// nothing is believed of them, a path proves itself against a root.
    pub fn hashes(&self, fetched: &[Option<Vec<u8>>]) -> Result<Vec<Hash>, TileError> {
        self.hashes_in::<EpochTree>(fetched)
    }

    /// The same in another tree than an epoch's.
    ///
    /// # Errors
    /// As [`TilePlan::hashes`].
    pub fn hashes_in<T: TiledTree>(
        &self,
        fetched: &[Option<Vec<u8>>],
    ) -> Result<Vec<T::Digest>, TileError> {
        let mut complete = self.complete::<T>(fetched)?.into_iter();
        let mut hashes = Vec::with_capacity(self.parts.len());
        for parts in &self.parts {
            let subtrees: Vec<_> = complete.by_ref().take(*parts).collect();
            // None is made of nothing, so there is always something to fold.
            hashes.extend(fold_range::<T>(&subtrees));
        }
        Ok(hashes)
    }

    fn complete<T: TiledTree>(
        &self,
        fetched: &[Option<Vec<u8>>],
    ) -> Result<Vec<T::Digest>, TileError> {
        let root = |place: &TilePosition| {
            let nodes = nodes_of(*place, self.tile(place.tile, fetched)?)?;
            let tile = place.tile;
            small_root::<T>(nodes).ok_or(TileError::Missing { tile })
        };
        self.places.iter().map(root).collect()
    }

    fn tile<'t>(
        &self,
        tile: TileId,
        fetched: &'t [Option<Vec<u8>>],
    ) -> Result<&'t [u8], TileError> {
        let at = self.tiles.binary_search(&tile).ok();
        let bytes = at.and_then(|at| fetched.get(at)?.as_deref());
        bytes.ok_or(TileError::Missing { tile })
    }
}

/// The root of the small tree whose leaves are `nodes`; `None` of none.
pub(super) fn small_root<T: TiledTree>(nodes: &[[u8; 32]]) -> Option<T::Digest> {
    let tree = MerkleTree::<T>::from_leaves(nodes);
    tree.root().map(T::Digest::from)
}

fn nodes_of(place: TilePosition, bytes: &[u8]) -> Result<&[[u8; 32]], TileError> {
    let (start, end) = (
        place.first * Hash::BYTES,
        (place.first + place.count) * Hash::BYTES,
    );
    let nodes = bytes.get(start..end).ok_or(TileError::Short {
        tile: place.tile,
        bytes: bytes.len(),
        needed: end,
    })?;
    let (hashes, _) = nodes.as_chunks();
    Ok(hashes)
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
                let place = TilePosition::of(Subtree { level, index }, LEVELS);
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
            .map(|index| TilePlan::of_path(index, size).unwrap().tiles().len());
        assert!(most.max().unwrap() <= 9);
        assert_eq!(TilePlan::of_path(0, 1 << 20).unwrap().tiles().len(), 5);
    }
}
