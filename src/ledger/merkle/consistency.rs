//! That a tree grew out of an older one (RFC 6962 §2.1.2).

use thiserror::Error;

use super::{LeafRange, NodeHasher};

/// The ranges of leaves whose hashes show that the tree of `new` leaves begins with
/// the tree of `old`, in the order of RFC 6962: from the old edge up. `None` if `old`
/// is 0 or greater than `new`; none are needed where both are equal.
#[must_use]
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<LeafRange>> {
    if old == 0 || old > new {
        return None;
    }
    // SUBPROOF(old, D[start:end], whole): down to the subtree that the old tree ends
    // with, keeping at each split the half that is not gone into.
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, new);
    while old < end {
        let split = start + (1 << (end - start - 1).ilog2());
        if old <= split {
            ranges.push(LeafRange { start: split, end });
            end = split;
        } else {
            ranges.push(LeafRange { start, end: split });
            start = split;
        }
    }
    // If it is the whole old tree, its hash is the old root, which the verifier has.
    if start > 0 {
        ranges.push(LeafRange { start, end });
    }
    ranges.reverse();
    Some(ranges)
}

/// Why two trees are not shown to be one that grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConsistencyError {
    /// A tree does not shrink.
    #[error("a tree of {new} leaves cannot have grown out of one of {old}")]
    Shrunk {
        /// The leaves of the older.
        old: u64,
        /// The leaves of the newer.
        new: u64,
    },
    /// The proof is longer or shorter than the sizes demand.
    #[error("the proof has {actual} hashes where the sizes demand {expected}")]
    Length {
        /// What the sizes demand.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// The hashes do not give the older root.
    #[error("the proof does not lead to the root of {old} leaves")]
    Old {
        /// The leaves of the older.
        old: u64,
    },
    /// The hashes do not give the newer root.
    #[error("the proof does not lead to the root of {new} leaves")]
    New {
        /// The leaves of the newer.
        new: u64,
    },
}

/// Whether `proof` shows that the tree `new` (leaves and root) begins with the tree
/// `old`. Of an older tree without leaves nothing is to be shown.
///
/// # Errors
/// [`ConsistencyError`]. The length is checked before anything is hashed.
pub fn check_consistency<H: NodeHasher>(
    old: (u64, H::Digest),
    new: (u64, H::Digest),
    proof: &[H::Digest],
) -> Result<(), ConsistencyError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    let ranges = match old_size {
        0 => Vec::new(),
        _ => consistency_ranges(old_size, new_size).ok_or(ConsistencyError::Shrunk {
            old: old_size,
            new: new_size,
        })?,
    };
    let (expected, actual) = (ranges.len(), proof.len());
    if expected != actual {
        return Err(ConsistencyError::Length { expected, actual });
    }
    if old_size == new_size && old_root != new_root {
        return Err(ConsistencyError::New { new: new_size });
    }
    if old_size == 0 {
        return Ok(());
    }
    // The subtree that the old tree ends with: the first hash, or the old root itself
    // where it is the whole of it.
    let mut steps = ranges.iter().zip(proof);
    let edge = match ranges.first() {
        Some(range) if range.end == old_size => steps.next().map(|(_, hash)| *hash),
        _ => None,
    };
    let edge = edge.unwrap_or(old_root);
    let (mut before, mut after) = (edge, edge);
    for (range, sibling) in steps {
        if range.start >= old_size {
            after = H::node(&after, sibling);
        } else {
            before = H::node(sibling, &before);
            after = H::node(sibling, &after);
        }
    }
    if before != old_root {
        return Err(ConsistencyError::Old { old: old_size });
    }
    match after == new_root {
        true => Ok(()),
        false => Err(ConsistencyError::New { new: new_size }),
    }
}
