//! How a ledger grew from one size to another, out of its leaves.

use std::collections::{BTreeMap, BTreeSet};

use super::PublicError;
use super::leaves;
use crate::ledger::merkle::{LeafRange, consistency_ranges};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::checkpoint::CheckpointText;
use crate::ledger::tlog::tree::{LogFrontier, check_growth, empty_root, leaf};
use crate::store::Store;

/// The root of the ledger's first `old` entries, and the proof that leads from there to
/// `new`. None if its entries do not give the root of `new`. Every leaf is read once, and
/// memory is a frontier a range.
///
/// # Errors
/// [`PublicError`] if the leaves cannot be read.
pub fn root_before(
    store: &dyn Store,
    old: u64,
    new: &CheckpointText,
) -> Result<Option<(Sha256Digest, Vec<Sha256Digest>)>, PublicError> {
    let ranges = consistency_ranges(old, new.size).unwrap_or_default();
    let whole = LeafRange { start: 0, end: old };
    let ranges: Vec<LeafRange> = [whole].into_iter().chain(ranges).collect();
    let mut trees: Vec<LogFrontier> = ranges.iter().map(|_| LogFrontier::new()).collect();
    let mut at = 0;
    leaves::each(store, 0..new.size, |data| {
        let hash = leaf(&data);
        let mut wanted = ranges.iter().zip(&mut trees);
        wanted
            .by_ref()
            .filter(|(range, _)| range.start <= at && at < range.end)
            .for_each(|(_, tree)| tree.push(hash, |_, _| ()));
        at += 1;
        Ok(())
    })?;
    let mut roots = trees
        .iter()
        .map(|tree| tree.root().unwrap_or_else(empty_root));
    let root = roots.next().unwrap_or_else(empty_root);
    let path: Vec<Sha256Digest> = roots.collect();
    let led = check_growth((old, root), (new.size, new.root), &path);
    Ok(led.is_ok().then_some((root, path)))
}

/// The roots over the first entries of a ledger, at each of these sizes. Every leaf is
/// read once.
///
/// # Errors
/// [`PublicError`] if the leaves cannot be read.
pub fn roots_at(
    store: &dyn Store,
    sizes: &BTreeSet<u64>,
) -> Result<BTreeMap<u64, Sha256Digest>, PublicError> {
    let mut roots = BTreeMap::new();
    let mut tree = LogFrontier::new();
    leaves::each(store, 0..sizes.last().copied().unwrap_or(0), |data| {
        tree.push(leaf(&data), |_, _| ());
        if sizes.contains(&tree.size()) {
            roots.extend(tree.root().map(|root| (tree.size(), root)));
        }
        Ok(())
    })?;
    Ok(roots)
}
