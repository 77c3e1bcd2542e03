//! The tree of an open epoch: its frontier, and the tiles that are not full.

use std::collections::BTreeMap;

use super::{
    EpochFrontier, EpochTree, Hash, LEVELS, TileError, TileId, TilePosition, WIDTH, nodes_of,
    small_root,
};

/// A growing epoch tree that hands out its tiles.
///
/// It holds at most one node a level for the root and fifteen hashes a fourth
/// level for the tiles, however many leaves there are.
#[derive(Clone, Debug, Default)]
pub struct TreeBuilder {
    frontier: EpochFrontier,
    /// For each tile level the hashes of its last tile, fewer than [`WIDTH`].
    edge: BTreeMap<u8, Vec<Hash>>,
}

impl TreeBuilder {
    /// The tree of no leaves.
    pub fn new() -> TreeBuilder {
        TreeBuilder::default()
    }

    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root, or `None` of no leaves.
    pub fn root(&self) -> Option<Hash> {
        self.frontier.root()
    }

    /// Takes the next leaf, and hands every tile that it fills to `full`.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(TileId, Vec<u8>)) {
        let edge = &mut self.edge;
        self.frontier.push(leaf, |node, hash| {
            if node.level.is_multiple_of(LEVELS) {
                let level = node.level / LEVELS;
                let row = edge.entry(level).or_default();
                row.push(*hash);
                if row.len() as u64 == WIDTH {
                    let index = node.index / WIDTH;
                    full(TileId { level, index }, bytes_of(row));
                    row.clear();
                }
            }
        });
    }

    /// The tiles at the right edge that are not full, for the epoch's sealing.
    /// With those that [`TreeBuilder::push`] handed out they are all of them.
    pub fn partial_tiles(&self) -> Vec<(TileId, Vec<u8>)> {
        let rows = self.edge.iter().filter(|(_, row)| !row.is_empty());
        rows.map(|(&level, row)| {
            let index = nodes_at(self.size(), level) / WIDTH;
            (TileId { level, index }, bytes_of(row))
        })
        .collect()
    }

    /// The tree of `size` leaves as it stood before the process ended, from
    /// the tiles of [`restore_tiles`] in its order and the last
    /// [`restore_leaves`] leaves.
    ///
    /// # Errors
    /// [`TileError`] if a tile is missing or not full, or there are more or
    /// fewer leaves. The hashes themselves are believed: they are the
    /// writer's own, and a wrong one shows when the epoch's root is verified.
    pub fn restore(
        size: u64,
        fetched: &[Option<Vec<u8>>],
        leaves: &[Hash],
    ) -> Result<TreeBuilder, TileError> {
        if leaves.len() as u64 != restore_leaves(size) {
            return Err(TileError::Leaves {
                found: leaves.len(),
                needed: restore_leaves(size),
            });
        }
        let mut edge = BTreeMap::from([(0, leaves.to_vec())]);
        for (at, tile) in restore_tiles(size).into_iter().enumerate() {
            let missing = TileError::Missing { tile };
            let bytes = fetched.get(at).and_then(Option::as_ref).ok_or(missing)?;
            let whole = TilePosition {
                tile,
                first: 0,
                count: WIDTH as usize,
            };
            let root = small_root::<EpochTree>(nodes_of(whole, bytes)?).ok_or(missing)?;
            edge.entry(tile.level + 1)
                .or_insert_with(Vec::new)
                .push(root);
        }
        let mut frontier = EpochFrontier::new();
        // The edge from the top down is the tree from left to right, so each
        // node stands where the ones before it end.
        for (level, row) in edge.iter().rev() {
            for hash in row {
                frontier.push_subtree(level * LEVELS, *hash)?;
            }
        }
        Ok(TreeBuilder { frontier, edge })
    }
}

/// The full tiles whose roots are the edge of a tree of `size` leaves above the
/// leaves themselves: at most fifteen a level.
pub fn restore_tiles(size: u64) -> Vec<TileId> {
    let rows = 1..tile_levels(size);
    rows.flat_map(|level| {
        let end = nodes_at(size, level);
        let nodes = end - end % WIDTH..end;
        nodes.map(move |index| TileId {
            level: level - 1,
            index,
        })
    })
    .collect()
}

/// How many leaves stand behind the last full tile of a tree of `size`.
pub const fn restore_leaves(size: u64) -> u64 {
    size % WIDTH
}

/// How many tile levels have a node in a tree of `size` leaves.
fn tile_levels(size: u64) -> u8 {
    let used = (0..).take_while(|level| nodes_at(size, *level) > 0);
    used.fold(0, |count, _| count + 1)
}

/// How many complete nodes a tree of `size` leaves has at a tile level.
fn nodes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(LEVELS))
        .unwrap_or(0)
}

fn bytes_of(row: &[Hash]) -> Vec<u8> {
    row.iter()
        .flat_map(|hash| hash.as_bytes())
        .copied()
        .collect()
}
