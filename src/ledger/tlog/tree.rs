//! The tree of RFC 6962 over SHA-256, and what proves a leaf or a growth in it.

use crate::ledger::hash::Hash;
use crate::ledger::merkle::{
    ConsistencyError, Frontier, LeafRange, NodeHasher, PathError, check_consistency, root_from_path,
};
use crate::ledger::sha256::{Sha256Digest, sha256};

/// The nodes of the public log: `SHA-256(0x01 ‖ left ‖ right)`.
#[derive(Clone, Debug)]
pub struct LogTree;

impl NodeHasher for LogTree {
    type Digest = Sha256Digest;

    fn node(left: &Sha256Digest, right: &Sha256Digest) -> Sha256Digest {
        let mut bytes = [0x01; 65];
        let (places, _) = bytes.get_mut(1..).unwrap_or_default().as_chunks_mut();
        for (place, half) in places.iter_mut().zip([left, right]) {
            *place = *half.as_bytes();
        }
        Sha256Digest::from_bytes(sha256(&bytes))
    }
}

/// The same nodes, for trees whose leaves are all at hand.
impl rs_merkle::Hasher for LogTree {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        sha256(&[&[0x00], data].concat())
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        let node = |right: &[u8; 32]| *LogTree::node(&(*left).into(), &(*right).into()).as_bytes();
        right.map_or(*left, node)
    }
}

/// The frontier of the public log.
pub type LogFrontier = Frontier<LogTree>;

/// The leaf of an entry, `SHA-256(0x00 ‖ data)`. `data` is the entry's leaf in the tree
/// of its epoch ([`leaf_hash`](crate::ledger::epoch::leaf_hash)).
#[must_use]
pub fn leaf(data: &Hash) -> Sha256Digest {
    let mut bytes = [0x00; 33];
    if let Some((_, place)) = bytes.split_first_mut() {
        place.copy_from_slice(data.as_bytes());
    }
    Sha256Digest::from_bytes(sha256(&bytes))
}

/// The root of a log without entries: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Sha256Digest {
    Sha256Digest::of(&[])
}

/// The root that `path` leads to from the entry `index` with `data`.
///
/// # Errors
/// [`PathError`]. Whether the root is the right one is the caller's to compare.
pub fn root_of_path(
    index: u64,
    size: u64,
    data: &Hash,
    path: &[Sha256Digest],
) -> Result<Sha256Digest, PathError> {
    root_from_path::<LogTree>(index, size, &leaf(data), path)
}

/// Whether a log of size and root `new` begins with the one of `old`.
///
/// # Errors
/// [`ConsistencyError`].
pub fn check_growth(
    old: (u64, Sha256Digest),
    new: (u64, Sha256Digest),
    proof: &[Sha256Digest],
) -> Result<(), ConsistencyError> {
    check_consistency::<LogTree>(old, new, proof)
}

/// All leaves of a tree of `size`.
#[must_use]
pub const fn all(size: u64) -> LeafRange {
    LeafRange {
        start: 0,
        end: size,
    }
}
