//! Epoch headers, and what must hold from one to the next (SPEC §3).

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::envelope::{Purpose, signed_bytes};
use super::hash::Hash;
use super::key::{PublicKey, Signature};
use super::limits;
use super::merkle::{Frontier, NodeHasher};
use super::position::{EpochNumber, Seq};
use super::shape::{self, MemberError, MemberProblem};
use super::statement::{Content, Statement};
use super::time::Timestamp;
use super::version::Version;

/// Microseconds in an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;

/// The nodes of an epoch tree: `node = H(0x01 ‖ left ‖ right)`.
#[derive(Clone, Debug)]
pub struct EpochTree;

impl NodeHasher for EpochTree {
    type Digest = Hash;

    fn node(left: &Hash, right: &Hash) -> Hash {
        Hash::of(&node_bytes(left, right))
    }

    fn nodes(pairs: &[[Hash; 2]]) -> Vec<Hash> {
        // One alone is made sooner than it is made ready to be one of several.
        if let [[left, right]] = pairs {
            return vec![EpochTree::node(left, right)];
        }
        let bytes: Vec<_> = pairs.iter().map(|[l, r]| node_bytes(l, r)).collect();
        Hash::of_each(bytes.iter().map(<[u8; NODE_BYTES]>::as_slice))
    }
}

/// The same nodes, for trees whose leaves are all at hand.
impl rs_merkle::Hasher for EpochTree {
    type Hash = [u8; Hash::BYTES];

    fn hash(children: &[u8]) -> Self::Hash {
        *Hash::of_parts(&[&[0x01], children]).as_bytes()
    }

    fn concat_and_hash(left: &Self::Hash, right: Option<&Self::Hash>) -> Self::Hash {
        let node = |right: &Self::Hash| {
            *EpochTree::node(&Hash::from_bytes(*left), &Hash::from_bytes(*right)).as_bytes()
        };
        right.map_or(*left, node)
    }
}

/// Of what a node is the hash: `0x01 ‖ left ‖ right`.
const NODE_BYTES: usize = 1 + 2 * Hash::BYTES;

fn node_bytes(left: &Hash, right: &Hash) -> [u8; NODE_BYTES] {
    let mut bytes = [0x01; NODE_BYTES];
    put(&mut bytes, [left.as_bytes(), right.as_bytes()]);
    bytes
}

pub type EpochFrontier = Frontier<EpochTree>;

/// `leaf = H(0x00 ‖ entry_hash ‖ signature)`: the tree covers the signature
/// that the entry hash leaves out.
pub fn leaf_hash(entry_hash: &Hash, signature: &Signature) -> Hash {
    Hash::of(&leaf_bytes(entry_hash, signature))
}

/// [`leaf_hash`] of many, made together.
pub fn leaf_hashes(leaves: impl IntoIterator<Item = (Hash, Signature)>) -> Vec<Hash> {
    let leaves = leaves.into_iter();
    let bytes: Vec<_> = leaves.map(|(hash, sig)| leaf_bytes(&hash, &sig)).collect();
    Hash::of_each(bytes.iter().map(<[u8; LEAF_BYTES]>::as_slice))
}

/// Of what a leaf is the hash: `0x00 ‖ entry_hash ‖ signature`.
const LEAF_BYTES: usize = 1 + Hash::BYTES + Signature::BYTES;

fn leaf_bytes(entry_hash: &Hash, signature: &Signature) -> [u8; LEAF_BYTES] {
    let mut bytes = [0x00; LEAF_BYTES];
    let (halves, _) = signature.as_bytes().as_chunks();
    put(
        &mut bytes,
        [entry_hash.as_bytes()].into_iter().chain(halves),
    );
    bytes
}

/// Puts parts behind the first byte.
fn put<'p>(bytes: &mut [u8], parts: impl IntoIterator<Item = &'p [u8; Hash::BYTES]>) {
    let (places, _) = bytes.get_mut(1..).unwrap_or_default().as_chunks_mut();
    for (place, part) in places.iter_mut().zip(parts) {
        *place = *part;
    }
}

/// What a log states when it seals an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochHeader {
    pub epoch: EpochNumber,
    pub first_seq: Seq,
    pub last_seq: Seq,
    /// How many entries, `last_seq − first_seq + 1`.
    pub tree_size: u64,
    pub root: Hash,
    /// The hash of entry `last_seq`.
    pub head: Hash,
    /// The [`EpochHeader::hash`] of the header before; zeros for epoch 0.
    pub prev: Hash,
    /// The start of the UTC hour in which every entry lies.
    pub hour: Timestamp,
    /// When it was sealed, not before the last entry.
    pub sealed_at: Timestamp,
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    /// Version 2, of a header that commits to an index.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub format: Option<Version>,
    /// What it commits to as the [`index`](super::index) of the log.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub index: Option<Hash>,
}

/// What stands there, which is not `null`.
fn given<'v, T: Deserialize<'v>, D: Deserializer<'v>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A header with its signature, not judged.
pub type SignedEpoch = Statement<EpochHeader>;

impl EpochHeader {
    /// BLAKE2b-256 of the signed bytes, to which the next header's `prev` ties.
    pub fn hash(&self) -> Hash {
        Hash::of(&signed_bytes(Purpose::Epoch, &shape::write_object(self)))
    }
}

impl Content for EpochHeader {
    const PURPOSE: Purpose = Purpose::Epoch;

    fn log(&self) -> PublicKey {
        self.log
    }

    fn check(&self) -> Result<(), MemberError> {
        match (self.format, self.index) {
            (None, None) | (Some(Version::Two), Some(_)) => Ok(()),
            (None, Some(_)) => Err(MemberError::from(MemberProblem::Unknown).inside("index")),
            (Some(Version::One), _) => {
                Err(MemberError::from(MemberProblem::Unknown).inside("format"))
            }
            (Some(Version::Two), None) => {
                Err(MemberError::from(MemberProblem::Missing).inside("index"))
            }
        }
    }
}

/// An invariant of SPEC §3 that a header breaks, by itself or after another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EpochFault {
    #[error("epoch {actual} stands where {expected} must")]
    Number {
        expected: EpochNumber,
        actual: EpochNumber,
    },
    #[error("first_seq is {actual} where {expected} must follow")]
    FirstSeq { expected: Seq, actual: Seq },
    #[error("tree_size is {tree_size} for entries {first_seq} to {last_seq}")]
    TreeSize {
        first_seq: Seq,
        last_seq: Seq,
        tree_size: u64,
    },
    #[error(
        "{tree_size} entries, where an epoch has at most {}",
        limits::EPOCH_ENTRIES
    )]
    TooLarge { tree_size: u64 },
    #[error("hour {0} is not the start of an hour")]
    Hour(Timestamp),
    #[error("time goes back from {before} to {after}")]
    Backwards { before: Timestamp, after: Timestamp },
    #[error("sealed at {sealed_at}, before its own hour {hour}")]
    SealedBeforeHour {
        hour: Timestamp,
        sealed_at: Timestamp,
    },
    #[error("it commits to no index, and the header of epoch {before} does")]
    Index { before: EpochNumber },
    #[error("prev is {actual}, the header before hashes to {expected}")]
    Prev { expected: Hash, actual: Hash },
}

impl EpochHeader {
    /// The invariants that a header must keep by itself.
    pub fn faults_alone(&self) -> Vec<EpochFault> {
        let mut faults = Vec::new();
        let size = self.last_seq.0.checked_sub(self.first_seq.0);
        if size.and_then(|n| n.checked_add(1)) != Some(self.tree_size) {
            faults.push(EpochFault::TreeSize {
                first_seq: self.first_seq,
                last_seq: self.last_seq,
                tree_size: self.tree_size,
            });
        }
        if self.tree_size > limits::EPOCH_ENTRIES {
            faults.push(EpochFault::TooLarge {
                tree_size: self.tree_size,
            });
        }
        if self.hour.hour_start() != self.hour {
            faults.push(EpochFault::Hour(self.hour));
        }
        if self.sealed_at < self.hour {
            faults.push(EpochFault::SealedBeforeHour {
                hour: self.hour,
                sealed_at: self.sealed_at,
            });
        }
        faults
    }

    /// The invariants that tie a header to one that is before it and not next to
    /// it.
    #[must_use]
    pub fn faults_beyond(&self, before: &EpochHeader) -> Vec<EpochFault> {
        let mut faults = Vec::new();
        if self.first_seq <= before.last_seq {
            faults.push(EpochFault::FirstSeq {
                expected: before.last_seq.next().unwrap_or(before.last_seq),
                actual: self.first_seq,
            });
        }
        faults.extend(self.lacks_index(before));
        faults
    }

    /// From where on headers commit to an index, all do.
    fn lacks_index(&self, before: &EpochHeader) -> Option<EpochFault> {
        let lacks = before.index.is_some() && self.index.is_none();
        lacks.then_some(EpochFault::Index {
            before: before.epoch,
        })
    }

    /// The invariants that tie a header to the one before it; `None` for the
    /// first of the log.
    pub fn faults_after(&self, before: Option<&EpochHeader>) -> Vec<EpochFault> {
        let mut faults = Vec::new();
        // Nothing follows the last number there is.
        let number = before.map_or(Some(EpochNumber::FIRST), |b| b.epoch.next());
        if number != Some(self.epoch) {
            faults.push(EpochFault::Number {
                expected: number.unwrap_or(EpochNumber(u64::MAX)),
                actual: self.epoch,
            });
        }
        let first = before.map_or(Some(Seq::FIRST), |b| b.last_seq.next());
        if first != Some(self.first_seq) {
            faults.push(EpochFault::FirstSeq {
                expected: first.unwrap_or(Seq(u64::MAX)),
                actual: self.first_seq,
            });
        }
        let expected = before.map_or(Hash::ZERO, EpochHeader::hash);
        if expected != self.prev {
            faults.push(EpochFault::Prev {
                expected,
                actual: self.prev,
            });
        }
        if let Some(before) = before {
            for (before, after) in [(before.hour, self.hour), (before.sealed_at, self.sealed_at)] {
                if after < before {
                    faults.push(EpochFault::Backwards { before, after });
                }
            }
            faults.extend(self.lacks_index(before));
        }
        faults
    }

    /// Whether an entry of time `ts` may lie in this epoch.
    pub fn holds(&self, ts: Timestamp) -> bool {
        self.hour <= ts && ts.micros_since(self.hour) < HOUR_MICROS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_the_last_number_there_is() {
        let last = EpochHeader {
            epoch: EpochNumber(u64::MAX),
            first_seq: Seq(u64::MAX),
            last_seq: Seq(u64::MAX),
            tree_size: 1,
            root: Hash::ZERO,
            head: Hash::ZERO,
            prev: Hash::ZERO,
            hour: Timestamp::MIN,
            sealed_at: Timestamp::MIN,
            log: PublicKey::from_bytes([0; PublicKey::BYTES]),
            genesis: Hash::ZERO,
            format: None,
            index: None,
        };
        for number in [0, 3, u64::MAX] {
            let after = EpochHeader {
                epoch: EpochNumber(number),
                first_seq: Seq(number),
                last_seq: Seq(number),
                prev: last.hash(),
                ..last.clone()
            };
            let expected = [
                EpochFault::Number {
                    expected: EpochNumber(u64::MAX),
                    actual: EpochNumber(number),
                },
                EpochFault::FirstSeq {
                    expected: Seq(u64::MAX),
                    actual: Seq(number),
                },
            ];
            assert_eq!(after.faults_after(Some(&last)), expected);
        }
    }
}
