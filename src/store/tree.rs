//! Epoch trees out of the store: list the tiles, read them together, compute.

use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::epoch::leaf_hash;
use crate::ledger::hash::Hash;
use crate::ledger::merkle::LeafRange;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::tile::{self, TileError, TileId, TilePlan, TreeBuilder};

use super::{Store, StoreError, TileKey};

/// Why a tree cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TreeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("epoch {epoch}: {error}")]
    Tile {
        epoch: EpochNumber,
        error: TileError,
    },
    #[error("entry {seq} is missing")]
    Gap { seq: Seq },
    #[error("entry {seq}: {error}")]
    Entry { seq: Seq, error: EntryError },
}

/// Paths in the tree of one sealed epoch of one store. Leaves that stand near
/// each other share most of their tiles, and all share some: those of the last
/// path are kept, and only what is new is read.
#[derive(Debug)]
pub struct PathReader {
    epoch: EpochNumber,
    size: u64,
    /// Sorted.
    kept: Vec<(TileId, Option<Vec<u8>>)>,
}

impl PathReader {
    pub const fn new(epoch: EpochNumber, size: u64) -> PathReader {
        PathReader {
            epoch,
            size,
            kept: Vec::new(),
        }
    }

    /// The siblings of leaf `index`, from the leaf up. One batched read of
    /// O(log `size`) tiles; check the path against the header's root before it is
    /// handed out.
    pub fn path(&mut self, store: &dyn Store, index: u64) -> Result<Vec<Hash>, TreeError> {
        let epoch = self.epoch;
        let fault = |error| TreeError::Tile { epoch, error };
        let plan = TilePlan::of_path(index, self.size).map_err(fault)?;
        let tiles = plan.tiles();
        let mut kept = std::mem::take(&mut self.kept);
        let place = |tile: &TileId| kept.binary_search_by_key(tile, |(known, _)| *known);
        let places: Vec<_> = tiles.iter().map(|tile| place(tile).ok()).collect();
        let new = tiles.iter().zip(&places);
        let new: Vec<_> = new
            .filter(|(_, at)| at.is_none())
            .map(|(t, _)| *t)
            .collect();
        let mut read = store.tiles(&keys(epoch, &new))?.into_iter();
        let fetched: Vec<_> = places
            .into_iter()
            .map(|at| match at.and_then(|at| kept.get_mut(at)) {
                Some((_, bytes)) => bytes.take(),
                None => read.next().flatten(),
            })
            .collect();
        let path = plan.hashes(&fetched).map_err(fault);
        self.kept = tiles.iter().copied().zip(fetched).collect();
        path
    }
}

/// The hashes of the complete subtrees of `range` in a sealed epoch, from left
/// to right.
pub fn subtree_hashes(
    store: &dyn Store,
    epoch: EpochNumber,
    range: LeafRange,
) -> Result<Vec<Hash>, TreeError> {
    let plan = TilePlan::of_range(range);
    let fetched = store.tiles(&keys(epoch, plan.tiles()))?;
    plan.hashes(&fetched)
        .map_err(|error| TreeError::Tile { epoch, error })
}

/// The tree of the open epoch, whose first entry is `first` and whose last one
/// is the store's last. Reads at most fifteen tiles a level and fifteen entries.
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
