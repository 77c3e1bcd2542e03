//! The leaves of a ledger, in order: out of the epochs' tiles, and at the open end out
//! of the entries.

use std::ops::Range;

use super::PublicError;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochFrontier, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::tile::{TileError, TileId, WIDTH};
use crate::logbook::epoch_at;
use crate::store::tree::TreeError;
use crate::store::{Store, TileKey};

/// Tiles that are read together: 4 MiB.
const TILES: u64 = 512;

/// Hands over the leaves of the entries of `range`. Of an epoch that is read from its
/// first entry to its last, the root is compared with its header's.
pub(super) fn each(
    store: &dyn Store,
    range: Range<u64>,
    mut leaf: impl FnMut(Hash) -> Result<(), PublicError>,
) -> Result<(), PublicError> {
    let mut at = range.start;
    while at < range.end {
        let Some(number) = store.epoch_of(Seq(at)).map_err(TreeError::from)? else {
            return open_end(store, at..range.end, &mut leaf);
        };
        let header = epoch_at(store, number)?.content;
        let end = header.last_seq.0.saturating_add(1).min(range.end);
        let mut tree = EpochFrontier::new();
        let first = header.first_seq.0;
        while at < end {
            let leaves = of_tiles(store, number, at - first, end - first)?;
            tree.extend(&leaves);
            at += leaves.len() as u64;
            leaves.into_iter().try_for_each(&mut leaf)?;
        }
        let whole = tree.size() == header.tree_size;
        if whole && tree.root() != Some(header.root) {
            return Err(PublicError::Tree { epoch: number.0 });
        }
    }
    Ok(())
}

/// Some leaves of a sealed epoch, from leaf `from` on, before leaf `to`: at least one.
fn of_tiles(
    store: &dyn Store,
    epoch: EpochNumber,
    from: u64,
    to: u64,
) -> Result<Vec<Hash>, PublicError> {
    let tiles = from / WIDTH..to.div_ceil(WIDTH).min(from / WIDTH + TILES);
    let tile = |index| TileId { level: 0, index };
    let keys = tiles.clone().map(|index| TileKey {
        epoch,
        tile: tile(index),
    });
    let keys: Vec<TileKey> = keys.collect();
    let read = store.tiles(&keys).map_err(TreeError::from)?;
    let mut leaves = Vec::new();
    for (index, bytes) in tiles.zip(read) {
        let tile = tile(index);
        let fault = |error| PublicError::from(TreeError::Tile { epoch, error });
        let bytes = bytes.ok_or_else(|| fault(TileError::Missing { tile }))?;
        let (hashes, _) = bytes.as_chunks();
        let start = usize::try_from(from.saturating_sub(index * WIDTH)).unwrap_or(usize::MAX);
        let end = usize::try_from((to - index * WIDTH).min(WIDTH)).unwrap_or(usize::MAX);
        let wanted = hashes.get(start..end).ok_or_else(|| {
            fault(TileError::Short {
                tile,
                bytes: bytes.len(),
                needed: end * Hash::BYTES,
            })
        })?;
        leaves.extend(wanted.iter().map(|hash| Hash::from_bytes(*hash)));
    }
    Ok(leaves)
}

/// Of entries that no epoch seals yet.
fn open_end(
    store: &dyn Store,
    range: Range<u64>,
    leaf: &mut impl FnMut(Hash) -> Result<(), PublicError>,
) -> Result<(), PublicError> {
    let mut next = range.start;
    for row in store.entries(range.clone()) {
        let (seq, record) = row.map_err(TreeError::from)?;
        if seq.0 != next {
            break;
        }
        next += 1;
        let entry = Entry::from_record(record).map_err(|error| TreeError::Entry { seq, error })?;
        leaf(leaf_hash(&entry.hash(), &entry.signature()))?;
    }
    match next == range.end {
        true => Ok(()),
        false => Err(TreeError::Gap { seq: Seq(next) }.into()),
    }
}
