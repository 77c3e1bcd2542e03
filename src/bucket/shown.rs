//! What the objects of a log show to who has no key of it and no copy: whose log it is,
//! and how far it went. A few requests, however long the log is.

use super::opening::damaged;
use super::{BucketError, Objects};
use crate::ledger::entry::Draft;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::opening::Opening;
use crate::ledger::parse::parse;
use crate::ledger::time::Timestamp;
use crate::ledger::wal::{
    Bare, Says, UnsignedBatch, WalError, WalObject, WalPosition, WalStatement,
};

/// Objects that are read back from the last one to find an entry: a writer that only took
/// over leaves a fence alone.
const BACK: usize = 64;

/// A log, as its objects show it. Its key is the one that they name: whether that is to be
/// believed is for the caller to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The key that signed what was read.
    pub log: PublicKey,
    /// What entry 0 says.
    pub opening: Opening,
    /// The newest entry that was found, under the key's statement over its object.
    pub newest: Option<Newest>,
}

/// An entry whose object the log signed. Its own signature is not in the bucket before it
/// is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time.
    pub ts: Timestamp,
}

/// Reads what the objects of the log of this genesis show.
///
/// # Errors
/// [`BucketError::Object`] names an object that is none of this log at its place;
/// [`BucketError::Store`].
pub fn shown(objects: &Objects, genesis: Hash) -> Result<Shown, BucketError> {
    let place = WalPosition::FIRST;
    let Some(bytes) = objects.read(&place.key())? else {
        return Err(BucketError::OlderCopy { place });
    };
    let said = WalStatement::read(&bytes).map_err(|error| damaged(place, error))?;
    let log = said.0.content.log;
    let wrong = || damaged(place, WalError::Lines);
    let first = batch_of(&bytes, place, log, genesis)?.ok_or_else(wrong)?;
    let (opened, hash) = match (first.entries.first(), first.first_seq) {
        (Some(entry), 0) => (entry, hash_of(place, entry, &Hash::ZERO)?),
        _ => return Err(wrong()),
    };
    if hash != genesis || first.prev_hash != Hash::ZERO {
        return Err(damaged(place, WalError::Digest));
    }
    let payload = parse(&opened.payload).ok();
    let payload = payload.as_ref().and_then(|payload| payload.as_object());
    let opening = payload.and_then(|payload| Opening::from_object(payload).ok());
    let opening = opening.filter(|opening| opening.log == log);
    Ok(Shown {
        log,
        opening: opening.ok_or_else(wrong)?,
        newest: newest(objects, log, genesis)?,
    })
}

/// The last entry of the last object that has one.
fn newest(objects: &Objects, log: PublicKey, genesis: Hash) -> Result<Option<Newest>, BucketError> {
    let mut at = last_place(objects)?;
    for _ in 0..BACK {
        let Some(place) = at else { break };
        let Some(bytes) = objects.read(&place.key())? else {
            return Err(BucketError::OlderCopy { place });
        };
        if let Some(batch) = batch_of(&bytes, place, log, genesis)?
            && let Some(newest) = last_of(place, &batch)?
        {
            return Ok(Some(newest));
        }
        at = before(objects, place)?;
    }
    Ok(None)
}

fn batch_of(
    bytes: &[u8],
    place: WalPosition,
    log: PublicKey,
    genesis: Hash,
) -> Result<Option<Box<UnsignedBatch>>, BucketError> {
    let opened = WalObject::open(bytes, place, log, Some(genesis));
    let (object, _) = opened.map_err(|error| damaged(place, error))?;
    Ok(match object.says {
        Says::Batch(batch) => Some(batch),
        Says::Fence => None,
    })
}

fn last_of(place: WalPosition, batch: &UnsignedBatch) -> Result<Option<Newest>, BucketError> {
    let mut hash = batch.prev_hash;
    let mut newest = None;
    for (seq, entry) in (batch.first_seq..).zip(&batch.entries) {
        hash = hash_of(place, entry, &hash)?;
        let ts = entry.ts;
        newest = Some(Newest { seq, hash, ts });
    }
    Ok(newest)
}

fn hash_of(place: WalPosition, entry: &Bare, prev: &Hash) -> Result<Hash, BucketError> {
    let draft = Draft::new(&entry.kind, entry.ts, &entry.payload, prev);
    let draft = draft.map_err(|_| damaged(place, WalError::Lines))?;
    Ok(draft.hash())
}

/// The place of the last object. Generations and places follow each other without a gap
/// in a log that is whole, so both are found by halving.
fn last_place(objects: &Objects) -> Result<Option<WalPosition>, BucketError> {
    let in_generation = |generation: u64| {
        let mut found = None;
        objects.each(&format!("wal/{generation}"), |listed| {
            found = WalPosition::of_key(&listed.key);
            // What is not an object of a log is passed over: `verify` and the writer name it.
            found.is_none()
        })?;
        Ok::<_, BucketError>(found)
    };
    let has_any = |generation| Ok::<_, BucketError>(in_generation(generation)?.is_some());
    let Some(generation) = last(0, has_any)? else {
        return Ok(None);
    };
    let Some(one) = in_generation(generation)? else {
        return Ok(None);
    };
    let there = |n| is_there(objects, WalPosition { generation, n });
    Ok(last(one.n, there)?.map(|n| WalPosition { generation, n }))
}

/// The place of the object before: of the same generation, or the fence that began it.
fn before(objects: &Objects, place: WalPosition) -> Result<Option<WalPosition>, BucketError> {
    let Some(n) = place.n.checked_sub(1) else {
        return Ok(None);
    };
    let same = WalPosition { n, ..place };
    if is_there(objects, same)? {
        return Ok(Some(same));
    }
    let generation = place.generation.checked_sub(1);
    Ok(generation.map(|generation| WalPosition { generation, n }))
}

fn is_there(objects: &Objects, place: WalPosition) -> Result<bool, BucketError> {
    Ok(!objects.existing(&[place.key()])?.is_empty())
}

/// The last number of a row of those that hold, which has `first`; `None` if it does not
/// hold itself.
fn last<E>(first: u64, mut holds: impl FnMut(u64) -> Result<bool, E>) -> Result<Option<u64>, E> {
    if !holds(first)? {
        return Ok(None);
    }
    let (mut at, mut step) = (first, 1_u64);
    while let Some(next) = at.checked_add(step) {
        if !holds(next)? {
            break;
        }
        at = next;
        step = step.saturating_mul(2);
    }
    while step > 1 {
        step /= 2;
        if let Some(next) = at.checked_add(step)
            && holds(next)?
        {
            at = next;
        }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn the_last_of_a_row_is_found_with_few_questions() {
        for end in (0..300).chain([4_095, 4_096, 4_097, u64::MAX - 1, u64::MAX]) {
            for first in [0, end / 3, end] {
                let mut asked = 0;
                let found = last(first, |n| {
                    asked += 1;
                    Ok::<_, ()>(n <= end)
                });
                assert_eq!(found, Ok(Some(end)), "from {first}");
                assert!(asked <= 130, "{asked} questions to {end}");
            }
        }
        assert_eq!(last(3, |_| Ok::<_, ()>(false)), Ok(None));
    }
}
