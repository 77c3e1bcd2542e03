//! Constants of vacant.core. Those here say what this code does; those in
//! [`tables`] are values for others.

pub mod tables;

use crate::ledger::hash::Hash;
use crate::ledger::key::{PublicKey, Signature};

/// Bytes of a BLAKE2b-256 digest.
pub const HASH_DIGEST_BYTES: usize = Hash::BYTES;

/// Bytes of a raw Ed25519 public key.
pub const ED25519_PUBLIC_KEY_BYTES: usize = PublicKey::BYTES;

/// Bytes of a raw Ed25519 signature.
pub const ED25519_SIGNATURE_BYTES: usize = Signature::BYTES;

/// What the first entry of a logbook names as the one before.
pub const EMPTY_PREV_HASH: Hash = Hash::ZERO;

/// The first version of a capability card (P0 4).
pub const DEFAULT_HALO_VERSION: u64 = 1;

/// Seconds between seals of a Merkle epoch (Registry, P4 3): an epoch of the
/// ledger covers entries of one hour.
pub const MERKLE_SNAPSHOT_INTERVAL_S: u64 = 3_600;
