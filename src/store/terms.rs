//! The trees of the log's signed index, in the table of tiles.
//!
//! ```text
//! tree of a block    level 0 to 15   tiles of its nodes, as of an epoch's tree
//!                    level 0xf0      its leaves, 64 a row, sorted by place
//!                    level 0xf1      size and root; written last: a tree without it is
//!                                    not whole, and is not there
//! places of an epoch level 0xf2      hidden terms that it was the first to have since
//!                                    the writer began, with their proofs
//! ```
//! They are found under epoch numbers that no epoch has: the highest bit, the block's
//! level, its index. All of it follows from the entries and the key of the index.

use crate::ledger::hash::Hash;
use crate::ledger::index::cover::{Block, Tree, epochs_of, halves};
use crate::ledger::index::leaf::{Leaf, leaf_hash, merged};
use crate::ledger::index::term::{Field, Placed, Term};
use crate::ledger::index::vrf::VrfProof;
use crate::ledger::merkle::LeafRange;
use crate::ledger::position::EpochNumber;
use crate::ledger::tile::{TileId, TreeBuilder};

use super::tree::{TreeError, subtree_hashes};
use super::{Batch, Store, StoreError, TileKey};

/// Leaves in a row.
const ROW: u64 = 64;

const LEAVES: u8 = 0xf0;
const TREE: u8 = 0xf1;
const PLACED: u8 = 0xf2;

/// The level under which hidden terms are found: no block has it, and they stay when
/// the tree of their epoch goes.
const PLACES: u8 = 64;

/// Rows of a tree that are written together.
const STEP: usize = 512;

/// Why a tree of the index cannot be read or made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The nodes of a tree cannot be read.
    #[error("index: {0}")]
    Tree(#[from] TreeError),
    /// A tree is missing, or is not whole.
    #[error("the index of the epochs from {first} on is missing or damaged")]
    Missing {
        /// The first epoch of the tree.
        first: u64,
    },
}

/// Under which number the rows of a tree are found. Beyond 2⁴⁸ epochs there is none.
#[must_use]
pub const fn rows_of(block: &Block) -> EpochNumber {
    let index = block.index & ((1 << 48) - 1);
    EpochNumber((1 << 63) | ((block.level as u64) << 48) | index)
}

fn key(block: &Block, level: u8, index: u64) -> TileKey {
    TileKey {
        epoch: rows_of(block),
        tile: TileId { level, index },
    }
}

fn missing(block: &Block) -> TermsError {
    TermsError::Missing {
        first: epochs_of(block).0.0,
    }
}

/// The tree of a block, written leaf by leaf.
pub struct Writing {
    block: Block,
    tree: TreeBuilder,
    row: Vec<u8>,
    rows: Vec<(TileKey, Vec<u8>)>,
}

impl Writing {
    /// Begins the tree of a block.
    #[must_use]
    pub fn begin(block: Block) -> Writing {
        Writing {
            block,
            tree: TreeBuilder::new(),
            row: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes the next leaf.
    pub fn push(&mut self, leaf: &Leaf) {
        let (rows, block) = (&mut self.rows, &self.block);
        let hash = leaf_hash(&leaf.place, &leaf.count.hidden());
        self.tree.push(hash, |tile, bytes| {
            rows.push((key(block, tile.level, tile.index), bytes));
        });
        self.row.extend_from_slice(&leaf.to_bytes());
        if self.tree.size().is_multiple_of(ROW) {
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        if !self.row.is_empty() {
            let index = (self.tree.size() - 1) / ROW;
            let row = std::mem::take(&mut self.row);
            self.rows.push((key(&self.block, LEAVES, index), row));
        }
    }

    /// The rows that are full, if there are enough of them to be written.
    fn full(&mut self) -> Option<Vec<(TileKey, Vec<u8>)>> {
        (self.rows.len() >= STEP).then(|| std::mem::take(&mut self.rows))
    }

    /// The rows that are left, the one that makes it whole the last; and the tree.
    #[must_use]
    pub fn finish(mut self) -> (Vec<(TileKey, Vec<u8>)>, Tree) {
        self.end_row();
        for (tile, bytes) in self.tree.partial_tiles() {
            self.rows
                .push((key(&self.block, tile.level, tile.index), bytes));
        }
        let tree = Tree {
            size: self.tree.size(),
            root: self.tree.root().unwrap_or(Hash::ZERO),
        };
        let whole = [&tree.size.to_be_bytes()[..], tree.root.as_bytes()].concat();
        self.rows.push((key(&self.block, TREE, 0), whole));
        (self.rows, tree)
    }
}

/// The tree of a block; `None` if it is not there or not whole.
///
/// # Errors
/// [`TermsError`].
pub fn tree(store: &dyn Store, block: &Block) -> Result<Option<Tree>, TermsError> {
    let Some(row) = row(store, key(block, TREE, 0))? else {
        return Ok(None);
    };
    let (size, root) = row.split_first_chunk().ok_or_else(|| missing(block))?;
    let root: &[u8; Hash::BYTES] = root.try_into().map_err(|_| missing(block))?;
    Ok(Some(Tree {
        size: u64::from_be_bytes(*size),
        root: Hash::from_bytes(*root),
    }))
}

/// The tree of a block that must be there.
///
/// # Errors
/// [`TermsError`].
pub fn tree_of(store: &dyn Store, block: &Block) -> Result<Tree, TermsError> {
    tree(store, block)?.ok_or_else(|| missing(block))
}

/// The leaves of a tree, in their order.
pub fn leaves<'s>(
    store: &'s dyn Store,
    block: Block,
) -> impl Iterator<Item = Result<Leaf, TermsError>> + 's {
    let mut at = 0;
    let mut size = None;
    let mut row: Vec<Leaf> = Vec::new();
    std::iter::from_fn(move || {
        let mut next = || {
            let size = match size {
                Some(size) => size,
                None => *size.insert(tree_of(store, &block)?.size),
            };
            if at == size {
                return Ok(None);
            }
            if row.is_empty() {
                row = leaves_in(store, &block, at / ROW, size)?;
                row.reverse();
            }
            at += 1;
            row.pop().map(Some).ok_or_else(|| missing(&block))
        };
        next().transpose()
    })
}

/// The leaves of one row.
fn leaves_in(
    store: &dyn Store,
    block: &Block,
    index: u64,
    size: u64,
) -> Result<Vec<Leaf>, TermsError> {
    let bytes = row(store, key(block, LEAVES, index))?.ok_or_else(|| missing(block))?;
    let (leaves, rest) = bytes.as_chunks();
    let leaves: Vec<_> = leaves.iter().filter_map(Leaf::from_bytes).collect();
    let expected = (size - (index * ROW).min(size)).min(ROW);
    match rest.is_empty() && leaves.len() as u64 == expected {
        true => Ok(leaves),
        false => Err(missing(block)),
    }
}

/// Where a place is or would be in a tree: the number of the first leaf at it or
/// beyond it, and the leaves before and at that number.
///
/// # Errors
/// [`TermsError`].
pub fn seek(
    store: &dyn Store,
    block: &Block,
    size: u64,
    place: &Hash,
) -> Result<(u64, Option<Leaf>, Option<Leaf>), TermsError> {
    // The last row that does not begin beyond the place.
    let (mut low, mut high) = (0, size.div_ceil(ROW));
    let mut found: Option<Vec<Leaf>> = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let row = leaves_in(store, block, middle, size)?;
        if row.first().is_some_and(|leaf| leaf.place <= *place) {
            found = Some(row);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let Some(row) = found else {
        let first = leaves_in(store, block, 0, size)?.into_iter().next();
        return Ok((0, None, first));
    };
    let within = row.partition_point(|leaf| leaf.place < *place);
    let at = (low - 1) * ROW + within as u64;
    let before = within
        .checked_sub(1)
        .and_then(|before| row.get(before))
        .copied();
    let here = match row.get(within) {
        Some(leaf) => Some(*leaf),
        None if at < size => leaves_in(store, block, low, size)?.into_iter().next(),
        None => None,
    };
    Ok((at, before, here))
}

/// The complete subtrees of some leaves of a tree.
///
/// # Errors
/// [`TermsError`].
pub fn subtrees(
    store: &dyn Store,
    block: &Block,
    range: LeafRange,
) -> Result<Vec<Hash>, TermsError> {
    Ok(subtree_hashes(store, rows_of(block), range)?)
}

/// Merges the trees of a block out of those of its halves, or of what they are made
/// of, unless it is there. Written in parts that nobody reads before the last is.
///
/// # Errors
/// [`TermsError`].
pub fn merge(store: &dyn Store, block: &Block) -> Result<Tree, TermsError> {
    if let Some(tree) = tree(store, block)? {
        return Ok(tree);
    }
    let mut writing = Writing::begin(*block);
    for leaf in leaves_made(store, block)? {
        writing.push(&leaf?);
        if let Some(tiles) = writing.full() {
            store.commit(Batch {
                tiles,
                ..Batch::default()
            })?;
        }
    }
    let (tiles, tree) = writing.finish();
    store.commit(Batch {
        tiles,
        ..Batch::default()
    })?;
    Ok(tree)
}

type Leaves<'s> = Box<dyn Iterator<Item = Result<Leaf, TermsError>> + 's>;

/// The leaves of a block: those of its tree, or of its halves, merged.
fn leaves_made<'s>(store: &'s dyn Store, block: &Block) -> Result<Leaves<'s>, TermsError> {
    if tree(store, block)?.is_some() {
        return Ok(Box::new(leaves(store, *block)));
    }
    let (left, right) = halves(block).ok_or_else(|| missing(block))?;
    let (left, right) = (leaves_made(store, &left)?, leaves_made(store, &right)?);
    Ok(Box::new(merged(left, right)))
}

/// The row of the hidden terms of an epoch.
#[must_use]
pub fn placed_row(epoch: EpochNumber, placed: &[Placed]) -> (TileKey, Vec<u8>) {
    let block = places(epoch);
    let mut bytes = Vec::new();
    for Placed { term, proof } in placed {
        bytes.push(term.field as u8);
        bytes.extend_from_slice(&(term.value.len() as u64).to_be_bytes());
        bytes.extend_from_slice(term.value.as_bytes());
        bytes.extend_from_slice(proof.as_bytes());
    }
    (key(&block, PLACED, 0), bytes)
}

/// The hidden terms whose places were first shown with an epoch.
///
/// # Errors
/// [`TermsError`].
pub fn placed(store: &dyn Store, epoch: EpochNumber) -> Result<Vec<Placed>, TermsError> {
    let block = places(epoch);
    let row = row(store, key(&block, PLACED, 0))?.unwrap_or_default();
    let mut rest = row.as_slice();
    let mut placed = Vec::new();
    while !rest.is_empty() {
        let (one, after) = placed_in(rest).ok_or_else(|| missing(&block))?;
        placed.push(one);
        rest = after;
    }
    Ok(placed)
}

const fn places(epoch: EpochNumber) -> Block {
    Block {
        level: PLACES,
        index: epoch.0,
    }
}

fn placed_in(bytes: &[u8]) -> Option<(Placed, &[u8])> {
    let (field, rest) = bytes.split_first()?;
    let field = Field::ALL
        .into_iter()
        .find(|known| *known as u8 == *field)?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let (value, rest) = rest.split_at_checked(length)?;
    let (proof, rest) = rest.split_first_chunk()?;
    let placed = Placed {
        term: Term::new(field, str::from_utf8(value).ok()?),
        proof: VrfProof::from_bytes(*proof),
    };
    Some((placed, rest))
}

fn row(store: &dyn Store, key: TileKey) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(store.tiles(&[key])?.pop().flatten())
}
