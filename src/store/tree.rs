//! Epoch trees out of the store: list the tiles, read them together, compute.

use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::epoch::leaf_hash;
use crate::ledger::hash::Hash;
use crate::ledger::merkle::LeafRange;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::tile::{self, TileError, TileId, TreeBuilder};

use super::{Store, StoreError, TileKey};

/// Why a tree cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tiles do not give what was asked for.
    #[error("epoch {epoch}: {error}")]
    Tile {
        /// The tree.
        epoch: EpochNumber,
        /// What is wrong.
        error: TileError,
    },
    /// An entry of the tree is missing.
    #[error("entry {seq} is missing")]
    Gap {
        /// The entry.
        seq: Seq,
    },
    /// What is stored is not an entry.
    #[error("entry {seq}: {error}")]
    Entry {
        /// Where it is stored.
        seq: Seq,
        /// What is wrong with it.
        error: EntryError,
    },
}

/// The siblings of leaf `index` of a sealed epoch of `size` entries, from the
/// leaf up. One batched read of O(log `size`) tiles; check the path against the
/// header's root before it is handed out.
///
/// # Errors
/// [`TreeError`].
pub fn inclusion_path(
    store: &dyn Store,
    epoch: EpochNumber,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, TreeError> {
    let fault = |error| TreeError::Tile { epoch, error };
    let tiles = tile::path_tiles(index, size).map_err(fault)?;
    let fetched = store.tiles(&keys(epoch, &tiles))?;
    tile::path_from_tiles(index, size, &fetched).map_err(fault)
}

/// The hashes of the complete subtrees of `range` in a sealed epoch, from left
/// to right.
///
/// # Errors
/// [`TreeError`].
pub fn subtree_hashes(
    store: &dyn Store,
    epoch: EpochNumber,
    range: LeafRange,
) -> Result<Vec<Hash>, TreeError> {
    let tiles = tile::range_tiles(range);
    let fetched = store.tiles(&keys(epoch, &tiles))?;
    tile::range_from_tiles(range, &fetched).map_err(|error| TreeError::Tile { epoch, error })
}

/// The tree of the open epoch, whose first entry is `first` and whose last one
/// is the store's last. Reads at most fifteen tiles a level and fifteen entries.
///
/// # Errors
/// [`TreeError`].
pub fn open_tree(
    store: &dyn Store,
    epoch: EpochNumber,
    first: Seq,
) -> Result<TreeBuilder, TreeError> {
    let fault = |error| TreeError::Tile { epoch, error };
    let count = store.count()?;
    let size = count.saturating_sub(first.0);
    let tiles = tile::restore_tiles(size);
    let fetched = store.tiles(&keys(epoch, &tiles))?;
    let leaves = leaves(store, count - tile::restore_leaves(size), count)?;
    TreeBuilder::restore(size, &fetched, &leaves).map_err(fault)
}

/// The leaves of the entries from `start` up to but without `end`.
fn leaves(store: &dyn Store, start: u64, end: u64) -> Result<Vec<Hash>, TreeError> {
    let leaf = |seq| {
        let record = store.entry(seq)?.ok_or(TreeError::Gap { seq })?;
        let entry = Entry::from_record(record).map_err(|error| TreeError::Entry { seq, error })?;
        Ok(leaf_hash(&entry.hash(), &entry.signature()))
    };
    (start..end).map(Seq).map(leaf).collect()
}

fn keys(epoch: EpochNumber, tiles: &[TileId]) -> Vec<TileKey> {
    tiles
        .iter()
        .map(|tile| TileKey { epoch, tile: *tile })
        .collect()
}
