//! Records taken apart and not hashed yet: of many, the hashes are made together.

use super::super::hash::Hash;
use super::super::key::Signature;
use super::super::limits;
use super::super::time::Timestamp;
use super::{Entry, EntryError, SEPARATOR, TAIL_BYTES, check_kind, text};

/// A record that was found to be well-formed, before it is hashed.
pub(crate) struct Unhashed<R> {
    record: R,
    kind_end: usize,
    ts_end: usize,
    ts: Timestamp,
}

impl<R: AsRef<[u8]>> Unhashed<R> {
    /// Takes a record apart, as [`Entry::from_record`] does.
    pub(crate) fn from_record(record: R) -> Result<Unhashed<R>, EntryError> {
        let all = record.as_ref();
        let head = all
            .len()
            .checked_sub(TAIL_BYTES)
            .and_then(|end| all.get(..end))
            .ok_or(EntryError::Record)?;
        let mut parts = head.splitn(3, |byte| *byte == SEPARATOR);
        let (Some(kind), Some(ts), Some(payload)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(EntryError::Record);
        };
        if payload.contains(&SEPARATOR) || all.get(head.len()) != Some(&SEPARATOR) {
            return Err(EntryError::Record);
        }
        let bytes = all.len() - Signature::BYTES;
        if bytes > limits::SIGNING_PAYLOAD_BYTES {
            return Err(EntryError::TooLarge { bytes });
        }
        let (kind_end, ts_end) = (kind.len(), kind.len() + 1 + ts.len());
        check_kind(text(Some(kind))?)?;
        let ts = Timestamp::parse_canonical(text(Some(ts))?)?;
        Ok(Unhashed {
            record,
            kind_end,
            ts_end,
            ts,
        })
    }

    pub(crate) fn hashed(self) -> Entry<R> {
        let hash = Hash::of(self.signing_payload());
        self.with_hash(hash)
    }

    /// The entries, in their order, their hashes made together.
    pub(crate) fn hashed_all(all: Vec<Unhashed<R>>) -> impl Iterator<Item = Entry<R>> {
        let hashes = Hash::of_each(all.iter().map(Unhashed::signing_payload));
        all.into_iter()
            .zip(hashes)
            .map(|(one, hash)| one.with_hash(hash))
    }

    fn signing_payload(&self) -> &[u8] {
        let all = self.record.as_ref();
        all.get(..all.len() - Signature::BYTES).unwrap_or_default()
    }

    fn with_hash(self, hash: Hash) -> Entry<R> {
        Entry {
            record: self.record,
            kind_end: self.kind_end,
            ts_end: self.ts_end,
            ts: self.ts,
            hash,
        }
    }
}

/// What the index of a store is made from.
#[cfg(feature = "store")]
impl<R: AsRef<[u8]>> Unhashed<R> {
    pub(crate) fn kind(&self) -> &str {
        text(self.record.as_ref().get(..self.kind_end)).unwrap_or_default()
    }

    /// The time.
    #[cfg(feature = "bucket")]
    pub(crate) const fn ts(&self) -> Timestamp {
        self.ts
    }

    /// The payload's bytes: the canonical JSON of an object, if nobody tampered.
    pub(crate) fn payload_bytes(&self) -> &[u8] {
        let all = self.record.as_ref();
        let end = all.len() - TAIL_BYTES;
        all.get(self.ts_end + 1..end).unwrap_or_default()
    }
}
