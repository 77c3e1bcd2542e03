//! What is remembered beside entries for a while, so that a request that comes
//! again is answered as it was and not recorded twice.
//!
//! A note is in the same synced write as the entries it is about: either both
//! are there or neither is. It is filed under the hour of their time, and the
//! hours before the last [`NOTE_HOURS`] are forgotten together, by one range
//! deletion an hour.

use crate::ledger::hash::Hash;
use crate::ledger::json::Form;
use crate::ledger::position::Seq;
use crate::ledger::redact::{Action, Opening, Salt, redacted_in};
use crate::ledger::time::Timestamp;
use crate::store::{Note, Store, StoreError};
use zeroize::Zeroizing;

use super::entry_at;
use super::error::OpenError;
use super::request::{PreparedEntry, Receipt, Remember, Reply};

/// How many hours notes are kept, beside the hour that is going on.
pub const NOTE_HOURS: u64 = 24;

/// The hour of what is never forgotten: none is before which it lies.
const LASTING: u64 = u64::MAX;

/// Bytes of the two entry numbers at the end of a note.
const NUMBERS: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub value: Vec<u8>,
    pub first: Seq,
    /// The last one; the request's are all between them.
    pub last: Seq,
}

/// What keeps keys of entries apart from those of requests.
const OF_ENTRIES: &[u8] = b"append\x1f";

/// What is remembered of an entry that has a key of its own. Anyone who holds the
/// ledger, and however the entry came: under the same key it is recorded once.
/// `whose` is empty for those who own the ledger.
#[must_use]
pub fn of_entry(whose: &str, key: &str, entry: &PreparedEntry) -> Remember {
    let plain = match entry.taken.is_empty() {
        true => None,
        // Checked when it was prepared, so it is JSON.
        false => entry.plain().ok().map(|plain| plain.canonical(Form::Utf8)),
    };
    let payload = plain.as_ref().map_or(&*entry.payload, String::as_bytes);
    let content = Hash::of_parts(&[entry.kind.as_bytes(), b"\x1f", payload]);
    Remember {
        key: *Hash::of_parts(&[OF_ENTRIES, whose.as_bytes(), key.as_bytes()]).as_bytes(),
        value: content.as_bytes().to_vec(),
        lasting: false,
    }
}

/// What a note begins with whose digest is under the salts of what its entries keep
/// apart. No other has this length.
const SALTED: u8 = 1;

/// What is remembered of entries whose masked values nobody is to try again: no digest.
const UNTRIED: &[u8] = &[2];

const SALTED_DOMAIN: &[u8] = b"sealbook:remembered:v1\x1f";

impl Remember {
    /// The same, for these entries. A digest over values that may be erased would let
    /// anybody try which they were, as long as the note is in any file: so it is made
    /// under all the salts of the request, which are erased with the values, each of
    /// which takes it out of anyone's reach.
    pub(super) fn of_these(self, entries: &[PreparedEntry]) -> Remember {
        let taken = || entries.iter().flat_map(|entry| &entry.taken);
        let value = match taken().next() {
            None => self.value,
            Some(_) if taken().any(|it| it.action != Action::Redactable) => UNTRIED.to_vec(),
            Some(_) => salted(taken().map(|it| it.opening.salt.clone()), &self.value),
        };
        Remember { value, ..self }
    }
}

fn salted(salts: impl Iterator<Item = Salt>, digest: &[u8]) -> Vec<u8> {
    let mut salts: Vec<_> = salts.map(|salt| *salt.as_bytes()).collect();
    salts.sort_unstable();
    let salts = Zeroizing::new(salts.concat());
    let digest = Hash::of_parts(&[SALTED_DOMAIN, &salts, digest]);
    [&[SALTED], digest.as_bytes().as_slice()].concat()
}

impl Remembered {
    /// Whether a request of this digest is the one that was remembered. Where a value of
    /// it was erased nobody can tell, and it is taken for the same: the key was used.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn is_of(&self, store: &dyn Store, digest: &[u8]) -> Result<bool, OpenError> {
        if self.value == UNTRIED {
            return Ok(true);
        }
        if self.value.first() != Some(&SALTED) || self.value.len() != 1 + Hash::BYTES {
            return Ok(self.value == digest);
        }
        let mut salts = Vec::new();
        for seq in self.first.0..=self.last.0 {
            let entry = entry_at(store, Seq(seq))?;
            let redacted = redacted_in(entry.payload_bytes());
            let mut kept = 0;
            for row in store.openings(seq..seq.saturating_add(1)) {
                let opening = Opening::from_row(&row?.1);
                salts.extend(opening.map(|opening| opening.salt));
                kept += 1;
            }
            if kept < redacted.len() {
                return Ok(true);
            }
        }
        Ok(self.value == salted(salts.into_iter(), digest))
    }
}

/// Looks for what was remembered under `key`, in a log whose last entry is of
/// time `last`.
pub fn recall(
    store: &dyn Store,
    last: Timestamp,
    key: &[u8; 32],
) -> Result<Option<Remembered>, StoreError> {
    for hour in (first_hour_kept(last)..=hour_of(last)).rev() {
        if let Some(value) = store.note(hour, key)? {
            return Ok(read(value));
        }
    }
    Ok(None)
}

/// Looks for what was remembered under `key` for ever.
pub fn recall_lasting(store: &dyn Store, key: &[u8; 32]) -> Result<Option<Remembered>, StoreError> {
    Ok(store.note(LASTING, key)?.and_then(read))
}

/// Whole hours since 1970.
fn hour_of(ts: Timestamp) -> u64 {
    u64::try_from(ts.unix_micros() / 3_600_000_000).unwrap_or(0)
}

pub(super) fn first_hour_kept(ts: Timestamp) -> u64 {
    hour_of(ts).saturating_sub(NOTE_HOURS)
}

/// What the requests that are answered together want to be remembered: they
/// are all of the hour of `ts`.
pub(super) fn notes_of(replies: &[(Reply, Vec<Receipt>)], ts: Option<Timestamp>) -> Vec<Note> {
    let note = |(reply, receipts): &(Reply, Vec<Receipt>)| {
        let Remember {
            key,
            mut value,
            lasting,
        } = reply.remember.clone()?;
        for end in [receipts.first()?, receipts.last()?] {
            value.extend(end.seq.0.to_be_bytes());
        }
        let hour = match lasting {
            true => LASTING,
            false => hour_of(ts?),
        };
        Some(Note { hour, key, value })
    };
    replies.iter().filter_map(note).collect()
}

/// The inverse of [`notes_of`]. What is too short was not written by it.
fn read(mut value: Vec<u8>) -> Option<Remembered> {
    let numbers = value.split_off(value.len().checked_sub(NUMBERS)?);
    let (first, last) = numbers.split_first_chunk::<8>()?;
    Some(Remembered {
        value,
        first: Seq(u64::from_be_bytes(*first)),
        last: Seq(u64::from_be_bytes(last.try_into().ok()?)),
    })
}
