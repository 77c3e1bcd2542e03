//! How rows of imported evidence are spelt.
//!
//! ```text
//! c  file                        complete: the number of our entry on it
//! e  key, genesis, seq           file, record
//! f  file, piece                 bytes of the file
//! h  key, genesis, entry hash    seq
//! i  key, genesis, file          the number of our entry on it
//! n  key, genesis, epoch         file, signed header
//! p  key, prev_hash              file, hash of the entry after it
//! x  file                        the file, refused, that it conflicts with
//! ```
//! A file is its BLAKE2b-256 digest. Numbers are big-endian.

use std::ops::Range;

use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::position::{EpochNumber, Seq};
use crate::store::{Corruption, StoreError};

use super::LogId;

/// Bytes of a file in a row.
pub(super) const PIECE_BYTES: usize = 1 << 20;

fn key(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![tag];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn complete(file: &Hash) -> Vec<u8> {
    key(b'c', &[file.as_bytes()])
}

pub(super) fn entry(log: &LogId, seq: Seq) -> Vec<u8> {
    let (owner, genesis) = (log.key.as_bytes(), log.genesis.as_bytes());
    key(b'e', &[owner, genesis, &seq.0.to_be_bytes()])
}

pub(super) fn piece(file: &Hash, number: u64) -> Vec<u8> {
    key(b'f', &[file.as_bytes(), &number.to_be_bytes()])
}

pub(super) fn hash(log: &LogId, hash: &Hash) -> Vec<u8> {
    let (owner, genesis) = (log.key.as_bytes(), log.genesis.as_bytes());
    key(b'h', &[owner, genesis, hash.as_bytes()])
}

pub(super) fn import(log: &LogId, file: &Hash) -> Vec<u8> {
    let (owner, genesis) = (log.key.as_bytes(), log.genesis.as_bytes());
    key(b'i', &[owner, genesis, file.as_bytes()])
}

pub(super) fn epoch(log: &LogId, number: EpochNumber) -> Vec<u8> {
    let (owner, genesis) = (log.key.as_bytes(), log.genesis.as_bytes());
    key(b'n', &[owner, genesis, &number.0.to_be_bytes()])
}

pub(super) fn link(owner: &PublicKey, prev: &Hash) -> Vec<u8> {
    key(b'p', &[owner.as_bytes(), prev.as_bytes()])
}

pub(super) fn conflict(file: &Hash) -> Vec<u8> {
    key(b'x', &[file.as_bytes()])
}

/// The keys that begin with `prefix`, none of which ends in 32 bytes of 0xff.
pub(super) fn beginning(prefix: Vec<u8>) -> Range<Vec<u8>> {
    let mut end = prefix.clone();
    end.extend_from_slice(&[0xff; 40]);
    prefix..end
}

pub(super) fn imports(of: Option<&PublicKey>) -> Range<Vec<u8>> {
    beginning(key(b'i', &[of.map_or(&[][..], |key| key.as_bytes())]))
}

pub(super) fn conflicts() -> Range<Vec<u8>> {
    beginning(key(b'x', &[]))
}

/// What a key has after its tag, cut into parts of 32 bytes.
pub(super) fn parts<const N: usize>(key: &[u8]) -> Result<[[u8; 32]; N], StoreError> {
    let mut parts = [[0; 32]; N];
    let mut rest = key.get(1..).unwrap_or_default();
    for part in &mut parts {
        let (head, after) = rest.split_first_chunk().ok_or_else(wrong)?;
        *part = *head;
        rest = after;
    }
    if rest.is_empty() {
        Ok(parts)
    } else {
        Err(wrong())
    }
}

pub(super) fn with_hash(value: &[u8]) -> Result<(Hash, &[u8]), StoreError> {
    let (hash, rest) = value.split_first_chunk().ok_or_else(wrong)?;
    Ok((Hash::from_bytes(*hash), rest))
}

pub(super) fn a_hash(value: &[u8]) -> Result<Hash, StoreError> {
    let bytes = value.try_into().map_err(|_| wrong())?;
    Ok(Hash::from_bytes(bytes))
}

pub(super) fn a_number(value: &[u8]) -> Result<u64, StoreError> {
    let bytes = value.try_into().map_err(|_| wrong())?;
    Ok(u64::from_be_bytes(bytes))
}

pub(super) fn last_number(key: &[u8]) -> Result<u64, StoreError> {
    let bytes = key.last_chunk().ok_or_else(wrong)?;
    Ok(u64::from_be_bytes(*bytes))
}

pub(super) fn wrong() -> StoreError {
    StoreError::corrupt(Corruption::Row { table: "imports" })
}
