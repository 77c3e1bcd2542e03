//! What opens redacted members, in objects beside the log's own, so that it can be
//! erased.
//!
//! ```text
//! open/<generation>-<n>-<first>-<last>   openings of the entries of the batch at that place,
//!                                        a line each, as a bundle has them
//! ```
//! The object is written before the batch: what an entry commits to is there when the
//! entry is. A batch that lost its place takes its openings away again.
//!
//! Erasing has its commit point in the log, as all else: `sealbook:erasure` is committed
//! with the names of what goes. Then each object is written without that, or removed, and
//! every version of it before. Until that is done the cache says that it is to do, and the
//! next opening goes on. A replay applies what the log says was erased, whatever an object
//! still holds.

use std::collections::HashSet;

use bytes::Bytes;

use super::BucketError;
use super::objects::Objects;
use super::store::internal;
use crate::ledger::hash::Hash;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::opened::Opened;
use crate::ledger::redact::{Opening, redacted_in};
use crate::ledger::wal::WalPosition;
use crate::logbook::erasures::erasures;
use crate::store::{Batch, NewEntry, OpeningKey, RocksStore, Store as _, StoreError};

const FOLDER: &str = "open";

/// Bytes of an object at most.
const OBJECT_BYTES: usize = 96 << 20;

/// What an object is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) place: WalPosition,
    first: Seq,
    last: Seq,
}

impl Span {
    /// That of a batch of entries at a place.
    pub(super) fn of(place: WalPosition, entries: &[NewEntry]) -> Option<Span> {
        Some(Span {
            place,
            first: entries.first()?.seq,
            last: entries.last()?.seq,
        })
    }

    pub(super) fn key(&self) -> String {
        let WalPosition { generation, n } = self.place;
        format!("{FOLDER}/{generation}-{n}-{}-{}", self.first, self.last)
    }

    /// The span of a key, if it is one, in the only spelling.
    fn of_key(key: &str) -> Option<Span> {
        let mut numbers = key.strip_prefix("open/")?.split('-').map(str::parse);
        let mut next = || numbers.next()?.ok();
        let span = Span {
            place: WalPosition {
                generation: next()?,
                n: next()?,
            },
            first: Seq(next()?),
            last: Seq(next()?),
        };
        (span.key() == key).then_some(span)
    }

    const fn meets(&self, first: u64, last: u64) -> bool {
        self.first.0 <= last && first <= self.last.0
    }
}

/// Writes what opens the members of a batch that is not committed yet.
pub(super) fn put(
    objects: &Objects,
    span: &Span,
    openings: &[(OpeningKey, Vec<u8>)],
) -> Result<(), BucketError> {
    let mut text = Vec::new();
    for (key, row) in openings {
        // It is a row of our own.
        if let Some(opening) = Opening::from_row(row) {
            let seq = key.seq;
            text.extend(Opened { seq, opening }.to_line());
            text.push(b'\n');
        }
    }
    objects.replace(&span.key(), Bytes::from(text))
}

/// What opens the members of entries that were replayed; an object that is not there
/// opens none. What no entry commits to is not taken.
pub(super) fn of_entries(
    objects: &Objects,
    genesis: &Hash,
    place: WalPosition,
    entries: &[NewEntry],
) -> Result<Vec<(OpeningKey, Vec<u8>)>, BucketError> {
    let redacted: Vec<_> = entries.iter().filter_map(redacted).collect();
    let (Some(span), false) = (Span::of(place, entries), redacted.is_empty()) else {
        return Ok(Vec::new());
    };
    let Some(bytes) = objects.read(&span.key())? else {
        return Ok(Vec::new());
    };
    let found = lines(&bytes).filter_map(|(_, opened)| {
        let opened = opened?;
        let commitment = opened.opening.commitment(genesis);
        let key = OpeningKey {
            seq: opened.seq,
            commitment,
        };
        redacted
            .iter()
            .any(|(seq, of)| *seq == opened.seq && of.contains(&commitment))
            .then(|| (key, opened.opening.to_row()))
    });
    Ok(found.collect())
}

fn redacted(entry: &NewEntry) -> Option<(Seq, Vec<Hash>)> {
    let read = crate::ledger::entry::Unhashed::from_record(entry.record.as_slice()).ok()?;
    let commitments: Vec<_> = redacted_in(read.payload_bytes())
        .into_iter()
        .map(|(_, commitment)| commitment)
        .collect();
    (!commitments.is_empty()).then_some((entry.seq, commitments))
}

/// The lines of an object, each with what it says.
fn lines(bytes: &Bytes) -> impl Iterator<Item = (&[u8], Option<Opened>)> {
    let text = bytes.get(..bytes.len().min(OBJECT_BYTES)).unwrap_or(bytes);
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let value = parse::parse(line).ok();
            (
                line,
                value.and_then(|value| Opened::from_value(&value).ok()),
            )
        })
}

/// The objects that have openings of some of these entries.
fn with_entries(objects: &Objects, first: u64, last: u64) -> Result<Vec<Span>, BucketError> {
    let listed = objects.list(FOLDER)?.into_iter();
    let spans = listed.filter_map(|listed| Span::of_key(&listed.key));
    Ok(spans.filter(|span| span.meets(first, last)).collect())
}

/// That nothing keeps the objects of these openings from being removed.
///
/// # Errors
/// [`BucketError::Locked`] names one that is held, [`BucketError::VersionsUnknown`] one of
/// which versions may stay.
pub(super) fn check_erasable(objects: &Objects, keys: &[OpeningKey]) -> Result<(), BucketError> {
    let Some((first, last)) = extent(keys.iter().map(|key| key.seq.0)) else {
        return Ok(());
    };
    for span in with_entries(objects, first, last)? {
        if keys.iter().any(|key| span.meets(key.seq.0, key.seq.0)) {
            objects.check_removable(&span.key())?;
        }
    }
    Ok(())
}

/// The least and the greatest.
fn extent(seqs: impl Iterator<Item = u64> + Clone) -> Option<(u64, u64)> {
    seqs.clone().min().zip(seqs.max())
}

/// Takes what was erased of entries between these out of every object, and removes the
/// versions before.
fn erase(
    objects: &Objects,
    genesis: &Hash,
    (first, last): (u64, u64),
    is_erased: impl Fn(Seq, &Hash) -> bool,
) -> Result<(), BucketError> {
    for span in with_entries(objects, first, last)? {
        let key = span.key();
        let Some(bytes) = objects.read(&key)? else {
            objects.remove_versions(&key, false)?;
            continue;
        };
        let mut left = Vec::new();
        for (line, opened) in lines(&bytes) {
            let gone = opened
                .as_ref()
                .is_some_and(|opened| is_erased(opened.seq, &opened.opening.commitment(genesis)));
            if !gone {
                left.extend(line);
                left.push(b'\n');
            }
        }
        if left.is_empty() {
            objects.remove(&key)?;
        } else if left.len() < bytes.len() {
            objects.replace(&key, Bytes::from(left.clone()))?;
        }
        objects.remove_versions(&key, !left.is_empty())?;
    }
    Ok(())
}

/// Takes the openings of a batch away that was not committed at this place.
pub(super) fn remove_uncommitted(objects: &Objects, place: WalPosition) -> Result<(), BucketError> {
    let listed = objects.list(FOLDER)?.into_iter();
    let spans = listed.filter_map(|listed| Span::of_key(&listed.key));
    for span in spans.filter(|span| span.place == place) {
        objects.remove(&span.key())?;
        objects.remove_versions(&span.key(), false)?;
    }
    Ok(())
}

/// The name under which the cache keeps between which entries openings were erased that
/// may be in objects still.
const ERASING: &str = "bucket erasing";

fn erasing(cache: &RocksStore) -> Result<Option<(u64, u64)>, StoreError> {
    let Some(note) = cache.meta(ERASING)? else {
        return Ok(None);
    };
    let numbers = note.split_first_chunk::<8>().and_then(|(first, last)| {
        let last = <[u8; 8]>::try_from(last).ok()?;
        Some((u64::from_be_bytes(*first), u64::from_be_bytes(last)))
    });
    Ok(numbers)
}

/// What is noted with a commit that erases: it is to do until [`Store::purge`] did it.
pub(super) fn to_erase(
    cache: &RocksStore,
    erased: &[OpeningKey],
) -> Result<Option<(&'static str, Vec<u8>)>, StoreError> {
    let Some((first, last)) = extent(erased.iter().map(|key| key.seq.0)) else {
        return Ok(None);
    };
    let (first, last) = match erasing(cache)? {
        Some((from, to)) => (from.min(first), to.max(last)),
        None => (first, last),
    };
    let note = [first.to_be_bytes(), last.to_be_bytes()].concat();
    Ok(Some((ERASING, note)))
}

/// Takes what was erased out of the objects, if anything was and it is not done.
pub(super) fn purge(
    cache: &RocksStore,
    objects: &Objects,
    genesis: &Hash,
) -> Result<(), StoreError> {
    let Some(between) = erasing(cache)? else {
        return Ok(());
    };
    let said = erasures(cache, Seq(between.0))
        .map_err(internal)?
        .into_iter();
    let said: HashSet<_> = said.map(|(_, it)| (it.seq, it.commitment)).collect();
    let is_erased = |seq, commitment: &Hash| said.contains(&(seq, *commitment));
    erase(objects, genesis, between, is_erased).map_err(BucketError::into_store)?;
    cache.commit(Batch {
        meta: vec![(ERASING, Vec::new())],
        ..Batch::default()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::bucket::versions::Kept;

    #[test]
    fn nothing_is_erased_where_older_versions_cannot_be_removed() {
        let (store, url) = (Arc::new(InMemory::new()), "gs://logs/one".to_owned());
        let objects = Objects::over(store, Path::default(), url).unwrap();
        objects
            .replace("open/0-3-5-7", Bytes::from_static(b"{}\n"))
            .unwrap();
        let key = |seq| OpeningKey {
            seq: Seq(seq),
            commitment: Hash::ZERO,
        };
        check_erasable(&objects, &[key(6)]).unwrap();
        let unknown = objects.keeping(Kept::Unknown);
        assert!(!unknown.removes_for_good());
        check_erasable(&unknown, &[key(8)]).unwrap();
        let refused = check_erasable(&unknown, &[key(6)]);
        assert!(
            matches!(&refused, Err(BucketError::VersionsUnknown { key })
                if key == "gs://logs/one/open/0-3-5-7"),
            "{refused:?}"
        );
        assert!(objects_of(&unknown).contains(&"open/0-3-5-7".to_owned()));
    }

    fn objects_of(objects: &Objects) -> Vec<String> {
        let listed = objects.list(FOLDER).unwrap().into_iter();
        listed.map(|one| one.key).collect()
    }
}
