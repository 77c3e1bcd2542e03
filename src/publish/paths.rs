//! Paths of entries to the roots of checkpoints, out of the ledger's leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::PublicError;
use super::leaves;
use crate::ledger::hash::Hash;
use crate::ledger::merkle::path_ranges;
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tile::{TileId, TilePlan};
use crate::ledger::tlog::builder::LogBuilder;
use crate::ledger::tlog::checkpoint::CheckpointText;
use crate::ledger::tlog::resource::{LEVELS, Resource};
use crate::ledger::tlog::source::{TileReadError, TileSource, prove_inclusion};
use crate::store::Store;

/// The tiles that some paths are read from.
struct Tiles(BTreeMap<Resource, Vec<u8>>);

impl TileSource for &Tiles {
    type Error = Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.get(&resource).cloned())
    }
}

/// The path of each of the entries to the root of its checkpoint, in their order. The
/// leaves are read once, and of the tree what the paths need is kept.
///
/// # Errors
/// [`PublicError::Unproven`] where the ledger's entries do not give a checkpoint's root.
pub fn paths_of(
    store: &dyn Store,
    wanted: &[(&CheckpointText, Seq)],
) -> Result<Vec<Vec<Sha256Digest>>, PublicError> {
    let mut needed: BTreeSet<TileId> = BTreeSet::new();
    let mut sizes: BTreeSet<u64> = BTreeSet::new();
    for (checkpoint, seq) in wanted {
        let ranges = path_ranges(seq.0, checkpoint.size).unwrap_or_default();
        needed.extend(TilePlan::of_ranges(&ranges, LEVELS).tiles());
        sizes.insert(checkpoint.size);
    }
    let (mut tiles, mut data) = (Tiles(BTreeMap::new()), BTreeMap::new());
    let entries: BTreeSet<u64> = wanted.iter().map(|(_, seq)| seq.0).collect();
    let mut builder = LogBuilder::new();
    leaves::each(
        store,
        0..sizes.last().copied().unwrap_or(0),
        |leaf: Hash| {
            if entries.contains(&builder.size()) {
                data.insert(builder.size(), leaf);
            }
            builder.push(leaf, |resource, bytes| {
                if is_needed(&resource, &needed) {
                    tiles.0.insert(resource, bytes);
                }
                Ok::<_, PublicError>(())
            })?;
            if sizes.contains(&builder.size()) {
                tiles.0.extend(builder.partial());
            }
            Ok(())
        },
    )?;
    let path = |(checkpoint, seq): &(&CheckpointText, Seq)| {
        let of = data.get(&seq.0).copied().unwrap_or(Hash::ZERO);
        prove_inclusion(&&tiles, checkpoint, seq.0, &of).map_err(|error| unproven(*seq, &error))
    };
    wanted.iter().map(path).collect()
}

fn is_needed(resource: &Resource, needed: &BTreeSet<TileId>) -> bool {
    match resource {
        Resource::Tile { level, at } => needed.contains(&TileId {
            level: *level,
            index: at.index,
        }),
        _ => false,
    }
}

fn unproven(seq: Seq, error: &TileReadError<Infallible>) -> PublicError {
    PublicError::Unproven {
        seq,
        detail: error.to_string(),
    }
}
