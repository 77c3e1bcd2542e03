//! A log folder, read by someone who believes nothing of it.
//!
//! What is fetched is held against a checkpoint: a path against its root, an entry
//! against its leaf, a whole folder against all of it. Whether the checkpoint itself
//! is to be believed, its signatures say.

use thiserror::Error;

use super::builder::{LogBuilder, TreeBuildError};
use super::bundle::{self, EntryBundleError};
use super::checkpoint::CheckpointText;
use super::resource::{LEVELS, Resource, Slot, WIDTH};
use super::tree::{LogTree, check_growth, empty_root, leaf, root_of_path};
use crate::ledger::hash::Hash;
use crate::ledger::merkle::{
    ConsistencyError, LeafRange, PathError, consistency_ranges, path_ranges,
};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tile::{TileError, TileId, TilePlan};

/// Where the files of a log are read: a folder, a server, memory.
pub trait TileSource {
    /// Why a file could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The bytes of a file, or `None` if there is none. A tile has at most 8 192 bytes
    /// and a bundle 8 704: more are not to be read.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Why a folder does not show what its checkpoint says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TileReadError<E: std::error::Error + 'static> {
    /// It could not be read.
    #[error(transparent)]
    Source(E),
    /// A file that the checkpoint needs is not there.
    #[error("{resource} is missing, and the checkpoint of {size} entries needs it")]
    Missing {
        /// The file.
        resource: Resource,
        /// The checkpoint's size.
        size: u64,
    },
    /// A tile of another length than its name says.
    #[error("{resource} has {bytes} bytes, not {expected}")]
    Length {
        /// The tile.
        resource: Resource,
        /// How many it has.
        bytes: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A bundle that is none.
    #[error("{resource}: {error}")]
    Bundle {
        /// The bundle.
        resource: Resource,
        /// Why.
        error: EntryBundleError,
    },
    /// A tile that is not what the entries give.
    #[error("{resource} is not what the entries give")]
    Tile {
        /// The tile.
        resource: Resource,
    },
    /// The entries do not give the checkpoint's root.
    #[error("the first {size} entries do not give the root of the checkpoint")]
    Root {
        /// The checkpoint's size.
        size: u64,
    },
    /// The tiles do not lead from an entry to the checkpoint's root.
    #[error(
        "the tiles do not lead from entry {index} to the root of the checkpoint of {size} entries"
    )]
    Path {
        /// The entry.
        index: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// There is no such entry.
    #[error(transparent)]
    Outside(#[from] PathError),
    /// The log did not grow from the older checkpoint to the newer.
    #[error(transparent)]
    Growth(#[from] ConsistencyError),
    /// Tiles that do not fit together.
    #[error(transparent)]
    Plan(#[from] TileError),
    /// The log cannot be built.
    #[error(transparent)]
    Build(#[from] TreeBuildError),
}

/// Reads a tile or bundle as a tree of `size` leaves has it: the partial one, or what
/// it has become since, cut to that width.
fn fetch<S: TileSource>(
    source: &S,
    resource: Resource,
    size: u64,
) -> Result<Vec<u8>, TileReadError<S::Error>> {
    let record = match resource {
        Resource::Entries(_) => 2 + Hash::BYTES,
        _ => Hash::BYTES,
    };
    let width = resource.slot().map_or(0, |slot| usize::from(slot.width));
    let expected = record * width;
    if let Some(bytes) = source.read(resource).map_err(TileReadError::Source)? {
        return exactly(resource, bytes, expected);
    }
    let full = resource.full();
    let whole = match full == resource {
        true => None,
        false => source.read(full).map_err(TileReadError::Source)?,
    };
    let whole = whole.ok_or(TileReadError::Missing { resource, size })?;
    let mut bytes = exactly(
        full,
        whole,
        record * usize::from(full.slot().map_or(0, |s| s.width)),
    )?;
    bytes.truncate(expected);
    Ok(bytes)
}

fn exactly<E: std::error::Error + 'static>(
    resource: Resource,
    bytes: Vec<u8>,
    expected: usize,
) -> Result<Vec<u8>, TileReadError<E>> {
    match bytes.len() == expected {
        true => Ok(bytes),
        false => Err(TileReadError::Length {
            resource,
            bytes: bytes.len(),
            expected,
        }),
    }
}

/// The hashes of `ranges` in a tree of `size` leaves: one read for each tile but
/// `known`, which was read before.
fn hashes<S: TileSource>(
    source: &S,
    ranges: &[LeafRange],
    size: u64,
    known: Option<(Resource, &[u8])>,
) -> Result<Vec<Sha256Digest>, TileReadError<S::Error>> {
    let plan = TilePlan::of_ranges(ranges, LEVELS);
    let read = |tile: &TileId| {
        let at = Slot::in_tree(tile.level, tile.index, size);
        let at = at.ok_or(TileError::Missing { tile: *tile })?;
        let level = tile.level;
        let tile = Resource::Tile { level, at };
        match known.filter(|(known, _)| *known == tile) {
            Some((_, bytes)) => Ok(Some(bytes.to_vec())),
            None => fetch(source, tile, size).map(Some),
        }
    };
    let tiles: Result<Vec<_>, TileReadError<S::Error>> = plan.tiles().iter().map(read).collect();
    Ok(plan.hashes_in::<LogTree>(&tiles?)?)
}

/// The siblings of entry `index` with `data`, from the leaf up, proven against
/// `checkpoint`.
///
/// # Errors
/// [`TileReadError`].
pub fn prove_inclusion<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    index: u64,
    data: &Hash,
) -> Result<Vec<Sha256Digest>, TileReadError<S::Error>> {
    path_of(source, checkpoint, index, data, None)
}

fn path_of<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    index: u64,
    data: &Hash,
    known: Option<(Resource, &[u8])>,
) -> Result<Vec<Sha256Digest>, TileReadError<S::Error>> {
    let size = checkpoint.size;
    let ranges = path_ranges(index, size).ok_or(PathError::OutsideTree { index, size })?;
    let path = hashes(source, &ranges, size, known)?;
    match root_of_path(index, size, data, &path)? == checkpoint.root {
        true => Ok(path),
        false => Err(TileReadError::Path { index, size }),
    }
}

/// The proof that the log of `new` begins with that of `old`, proven against both.
///
/// # Errors
/// [`TileReadError`]; [`TileReadError::Growth`] if it does not.
pub fn prove_growth<S: TileSource>(
    source: &S,
    old: &CheckpointText,
    new: &CheckpointText,
) -> Result<Vec<Sha256Digest>, TileReadError<S::Error>> {
    let proof = match consistency_ranges(old.size, new.size) {
        Some(ranges) => hashes(source, &ranges, new.size, None)?,
        None => Vec::new(),
    };
    check_growth((old.size, old.root), (new.size, new.root), &proof)?;
    Ok(proof)
}

/// The root of the first `old` entries as the tiles of the log of `new` give it, and the
/// proof that `new` begins with it, both proven against `new` alone. A checkpoint of
/// `old` entries under the same key with another root convicts the log.
///
/// # Errors
/// [`TileReadError`]; [`TileReadError::Growth`] where the tiles are not those of `new`.
pub fn root_before<S: TileSource>(
    source: &S,
    old: u64,
    new: &CheckpointText,
) -> Result<(Sha256Digest, Vec<Sha256Digest>), TileReadError<S::Error>> {
    let Some(ranges) = consistency_ranges(old, new.size).filter(|_| old > 0) else {
        check_growth((old, empty_root()), (new.size, new.root), &[])?;
        return Ok((empty_root(), Vec::new()));
    };
    let proof = hashes(source, &ranges, new.size, None)?;
    let whole = LeafRange { start: 0, end: old };
    let root = hashes(source, &[whole], new.size, None)?;
    let root = root.first().copied().unwrap_or_else(empty_root);
    check_growth((old, root), (new.size, new.root), &proof)?;
    Ok((root, proof))
}

/// The data of the entries of one bundle, from `256 × index` on, as many as the log of
/// `checkpoint` has of them; each proven against it.
///
/// # Errors
/// [`TileReadError`].
pub fn entries<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    index: u64,
) -> Result<Vec<Hash>, TileReadError<S::Error>> {
    let size = checkpoint.size;
    let first = index.saturating_mul(WIDTH);
    let outside = PathError::OutsideTree { index: first, size };
    let at = Slot::in_tree(0, index, size).ok_or(outside)?;
    let entries = bundle_at(source, at, size)?;
    let tile = Resource::Tile { level: 0, at };
    let leaves = fetch(source, tile, size)?;
    let own: Vec<u8> = entries
        .iter()
        .flat_map(|data| *leaf(data).as_bytes())
        .collect();
    if leaves != own {
        return Err(TileReadError::Tile { resource: tile });
    }
    // The path of a leaf is made of every other hash of its tile, so that the first
    // one's proves them all. The tile is not read again: it might be another then.
    let data = entries.first().ok_or(outside)?;
    path_of(source, checkpoint, first, data, Some((tile, &own)))?;
    Ok(entries)
}

fn bundle_at<S: TileSource>(
    source: &S,
    at: Slot,
    size: u64,
) -> Result<Vec<Hash>, TileReadError<S::Error>> {
    let resource = Resource::Entries(at);
    let bytes = fetch(source, resource, size)?;
    bundle::parse(&bytes, at.width.into())
        .map_err(|error| TileReadError::Bundle { resource, error })
}

/// Reads every file that `checkpoint` needs and builds the log again: each tile must be
/// what the entries give, and all of them the checkpoint's root. Hands each entry's
/// data to `entry`, in order. Memory is flat.
///
/// # Errors
/// [`TileReadError`] names the first file at fault.
pub fn check_all<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    mut entry: impl FnMut(u64, &Hash),
) -> Result<(), TileReadError<S::Error>> {
    let size = checkpoint.size;
    let mut builder = LogBuilder::new();
    let same = |resource: Resource, made: Vec<u8>| match resource {
        Resource::Tile { .. } if fetch(source, resource, size)? != made => {
            Err(TileReadError::Tile { resource })
        }
        // The bundles are what the tiles are made of.
        _ => Ok(()),
    };
    let bundles = (0..).map_while(|index| Slot::in_tree(0, index, size));
    for at in bundles {
        for (seq, data) in (at.index * WIDTH..).zip(bundle_at(source, at, size)?) {
            entry(seq, &data);
            builder.push(data, same)?;
        }
    }
    for (resource, made) in builder.partial() {
        same(resource, made)?;
    }
    match builder.root() == checkpoint.root {
        true => Ok(()),
        false => Err(TileReadError::Root { size }),
    }
}
