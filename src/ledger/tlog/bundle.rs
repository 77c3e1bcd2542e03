//! Entry bundles: the data of up to 256 entries, each after its length in two bytes.

use thiserror::Error;

use crate::ledger::hash::Hash;

/// Before each entry: 32, big-endian.
const LENGTH: [u8; 2] = [0, 32];

/// Bytes of an entry in a bundle.
const RECORD: usize = 2 + Hash::BYTES;

/// Why bytes are no bundle of a log of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryBundleError {
    /// Cut short, or longer than its name says.
    #[error("an entry bundle of {expected} entries has {bytes} bytes, not {}", expected * RECORD)]
    Length {
        /// How many entries it should have.
        expected: usize,
        /// How many bytes it has.
        bytes: usize,
    },
    /// An entry that does not have 32 bytes.
    #[error("entry {at} of the bundle does not have 32 bytes")]
    Entry {
        /// Which of the bundle, from 0.
        at: usize,
    },
}

/// The bundle of entries.
#[must_use]
pub fn format(entries: &[Hash]) -> Vec<u8> {
    let record = |entry: &Hash| LENGTH.into_iter().chain(*entry.as_bytes());
    entries.iter().flat_map(record).collect()
}

/// The `expected` entries of a bundle.
///
/// # Errors
/// [`EntryBundleError`].
pub fn parse(bytes: &[u8], expected: usize) -> Result<Vec<Hash>, EntryBundleError> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if records.len() != expected || !rest.is_empty() {
        let bytes = bytes.len();
        return Err(EntryBundleError::Length { expected, bytes });
    }
    let entry = |(at, record): (usize, &[u8; RECORD])| {
        let data = record
            .strip_prefix(&LENGTH)
            .and_then(|data| data.try_into().ok());
        data.map(Hash::from_bytes)
            .ok_or(EntryBundleError::Entry { at })
    };
    records.iter().enumerate().map(entry).collect()
}
