//! What can be said of an entry alone: is it well-formed, what does it hash
//! to, is its signature good. Done for many entries at once, on every core.

use rayon::prelude::*;

use super::bundle_line;
use super::closing::Closing;
use super::entry::{Entry, EntryError};
use super::epoch::leaf_hash;
use super::hash::Hash;
use super::json::Object;
use super::key::{PublicKey, Signature, StrictVerifier};
use super::kind;
use super::limits;
use super::position::Seq;
use super::source::Raw;
use super::time::Timestamp;

/// An entry after it was looked at alone.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Well-formed.
    Read(Box<Readable>),
    /// Not an entry; in a store or bundle its number may still be known.
    Unreadable { seq: Option<Seq>, error: EntryError },
}

/// What the walk needs to know of a well-formed entry.
#[derive(Debug)]
pub(crate) struct Readable {
    /// The number it is stored or written under, where the format has them.
    pub(crate) seq: Option<Seq>,
    pub(crate) hash: Hash,
    pub(crate) prev: Hash,
    pub(crate) leaf: Hash,
    pub(crate) ts: Timestamp,
    /// `None` where signatures are not checked.
    pub(crate) signature_valid: Option<bool>,
    /// Of an invalid signature: what can be said of where it is from.
    pub(crate) origin: Option<Origin>,
    /// The payload of a `sealbook:open`.
    pub(crate) opening: Option<Object>,
    /// What a `sealbook:close` says.
    pub(crate) closing: Option<Closing>,
    /// Whether it acknowledges a rollback.
    pub(crate) acknowledges_rollback: bool,
    /// The siblings that came with it in a selection.
    pub(crate) path: Option<Vec<Hash>>,
}

/// Where a signature that is not the log key's is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No key can have made it: it was damaged.
    Nobody,
    /// Another key that the caller knows.
    Known(PublicKey),
    /// Some key may have made it, for these or for other bytes.
    Unknown,
}

/// Judges each entry; `verifier` is `None` where signatures are not checked.
/// What is not signed by it is tried with the keys `known`.
pub(crate) fn judge(
    entries: &[&Raw],
    verifier: Option<&StrictVerifier>,
    known: &[PublicKey],
) -> Vec<Judged> {
    entries
        .par_iter()
        .with_min_len(16)
        .map(|raw| judge_one(raw, verifier, known))
        .collect()
}

fn judge_one(raw: &Raw, verifier: Option<&StrictVerifier>, known: &[PublicKey]) -> Judged {
    let (seq, read) = read_raw(raw);
    match read {
        Ok((entry, path)) => Judged::Read(Box::new(readable(seq, &entry, path, verifier, known))),
        Err(error) => Judged::Unreadable { seq, error },
    }
}

/// An entry, with the siblings that came with it in a selection.
type WithPath = (Entry, Option<Vec<Hash>>);

/// Reads an entry and its number, where the format has them.
pub(crate) fn read_raw(raw: &Raw) -> (Option<Seq>, Result<WithPath, EntryError>) {
    match raw {
        Raw::LogbookLine(line) => (None, Entry::from_logbook_line(line).map(|e| (e, None))),
        Raw::Record(seq, record) => (Some(*seq), stored(record).map(|e| (e, None))),
        Raw::BundleLine(line) => match bundle_line::parse_entry(line) {
            Ok(parsed) => (Some(parsed.seq), Ok((parsed.entry, parsed.path))),
            Err(error) => (None, Err(error)),
        },
        Raw::TooLong { bytes } => (None, Err(too_long(*bytes))),
    }
}

/// A stored record is the signed bytes themselves, so nothing has forced its
/// payload into canonical form: whoever holds the key could sign other bytes,
/// which every exported copy would then contradict.
fn stored(record: &[u8]) -> Result<Entry, EntryError> {
    let entry = Entry::from_record(record.to_vec())?;
    entry.check_payload()?;
    Ok(entry)
}

fn readable(
    seq: Option<Seq>,
    entry: &Entry,
    path: Option<Vec<Hash>>,
    verifier: Option<&StrictVerifier>,
    known: &[PublicKey],
) -> Readable {
    let signature = entry.signature();
    let signature_valid = verifier.map(|v| v.verify(entry.signing_payload(), &signature));
    Readable {
        seq,
        hash: entry.hash(),
        prev: entry.prev_hash(),
        leaf: leaf_hash(&entry.hash(), &signature),
        ts: entry.ts(),
        signature_valid,
        origin: (signature_valid == Some(false)).then(|| origin(entry, &signature, known)),
        opening: (entry.kind() == kind::OPEN)
            .then(|| entry.check_payload().ok())
            .flatten(),
        closing: closing(entry),
        acknowledges_rollback: entry.kind() == kind::ROLLBACK,
        path,
    }
}

fn closing(entry: &Entry) -> Option<Closing> {
    if entry.kind() != kind::CLOSE {
        return None;
    }
    Closing::from_object(&entry.check_payload().ok()?).ok()
}

fn origin(entry: &Entry, signature: &Signature, known: &[PublicKey]) -> Origin {
    if !signature.is_possible() {
        return Origin::Nobody;
    }
    let signs = |key: &&PublicKey| key.verify(entry.signing_payload(), signature);
    match known.iter().find(signs) {
        Some(key) => Origin::Known(*key),
        None => Origin::Unknown,
    }
}

fn too_long(bytes: u64) -> EntryError {
    EntryError::LineTooLong {
        bytes,
        limit: limits::LINE_BYTES,
    }
}
