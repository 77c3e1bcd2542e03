//! Tiles and entry bundles, made as the log grows.

use thiserror::Error;

use super::resource::{self, LEVELS, Resource, Slot, WIDTH, nodes_at};
use super::tree::{LogFrontier, LogTree, empty_root, leaf};
use super::{MOST_LEAVES, bundle};
use crate::ledger::hash::Hash;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tile::small_root;

/// The right edge of a growing log: at most 255 hashes on each of eight tile levels,
/// and the entries of the bundle that is not full, however many leaves there are.
#[derive(Clone, Debug, Default)]
pub struct LogBuilder {
    size: u64,
    /// The entries of the last bundle.
    entries: Vec<Hash>,
    /// Of each tile level the hashes of its last tile, fewer than 256.
    rows: [Vec<[u8; 32]>; LEVELS as usize],
}

/// Why a log does not go on from where it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TreeBuildError {
    /// A tile of the right edge is missing or has another length.
    #[error("{tile} is missing or has another length than its name says")]
    Edge {
        /// The tile.
        tile: Resource,
    },
    /// More leaves than a log can have.
    #[error("a log has at most 2^63 - 1 entries")]
    Full,
}

impl LogBuilder {
    /// The log of no entries.
    #[must_use]
    pub fn new() -> LogBuilder {
        LogBuilder::default()
    }

    /// The log as it stood at its last full bundle before `size`, from the tiles of
    /// [`LogBuilder::needed`] in their order. The entries behind that bundle are to be
    /// pushed again, and then the root is to be compared: nothing is believed here.
    ///
    /// # Errors
    /// [`TreeBuildError::Edge`].
    pub fn resume(size: u64, tiles: &[Option<Vec<u8>>]) -> Result<LogBuilder, TreeBuildError> {
        let mut builder = LogBuilder {
            size: size - size % WIDTH,
            ..LogBuilder::default()
        };
        for (at, tile) in LogBuilder::needed(size).into_iter().enumerate() {
            let bytes = tiles.get(at).and_then(Option::as_ref);
            let Resource::Tile { level, at: slot } = tile else {
                continue;
            };
            let hashes = bytes.map(|bytes| bytes.as_chunks::<32>());
            let row = builder.rows.get_mut(usize::from(level));
            match (hashes, row) {
                (Some((hashes, [])), Some(row)) if hashes.len() == usize::from(slot.width) => {
                    row.extend_from_slice(hashes);
                }
                _ => return Err(TreeBuildError::Edge { tile }),
            }
        }
        Ok(builder)
    }

    /// The tiles that [`LogBuilder::resume`] goes on from: those above level 0 that are
    /// not full.
    #[must_use]
    pub fn needed(size: u64) -> Vec<Resource> {
        let above = |part: &Resource| matches!(part, Resource::Tile { level: 1.., .. });
        resource::partial(size).into_iter().filter(above).collect()
    }

    /// How many entries were taken.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry, and hands every tile and bundle that it fills to `full`.
    ///
    /// # Errors
    /// [`TreeBuildError::Full`], and what `full` answers.
    pub fn push<E: From<TreeBuildError>>(
        &mut self,
        data: Hash,
        mut full: impl FnMut(Resource, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.size >= MOST_LEAVES {
            return Err(TreeBuildError::Full.into());
        }
        self.size += 1;
        self.entries.push(data);
        let index = (self.size - 1) / WIDTH;
        let mut hash = *leaf(&data).as_bytes();
        for (level, row) in (0_u8..).zip(&mut self.rows) {
            row.push(hash);
            if (row.len() as u64) < WIDTH {
                return Ok(());
            }
            let at = Slot {
                index: (nodes_at(self.size, level) - 1) / WIDTH,
                width: 256,
            };
            full(Resource::Tile { level, at }, row.as_flattened().to_vec())?;
            if level == 0 {
                let at = Slot { index, width: 256 };
                full(Resource::Entries(at), bundle::format(&self.entries))?;
                self.entries.clear();
            }
            let Some(root) = small_root::<LogTree>(row) else {
                return Ok(());
            };
            hash = *root.as_bytes();
            row.clear();
        }
        Ok(())
    }

    /// The tiles and the bundle at the right edge that are not full.
    #[must_use]
    pub fn partial(&self) -> Vec<(Resource, Vec<u8>)> {
        let bytes = |part: Resource| {
            let bytes = match part {
                Resource::Tile { level, .. } => {
                    let row = self.rows.get(usize::from(level))?;
                    row.as_flattened().to_vec()
                }
                _ => bundle::format(&self.entries),
            };
            Some((part, bytes))
        };
        let parts = resource::partial(self.size);
        parts.into_iter().filter_map(bytes).collect()
    }

    /// The root over all entries so far.
    #[must_use]
    pub fn root(&self) -> Sha256Digest {
        let mut frontier = LogFrontier::new();
        // The rows from the top down are the tree from left to right.
        for (level, row) in (0_u8..LEVELS).zip(&self.rows).rev() {
            for hash in row {
                // A row's hashes stand where those above it end, so each fits.
                let _ = frontier.push_subtree(level * LEVELS, (*hash).into());
            }
        }
        frontier.root().unwrap_or_else(empty_root)
    }
}
