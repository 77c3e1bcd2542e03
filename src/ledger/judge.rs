//! What can be said of an entry alone: is it well-formed, what does it hash
//! to, is its signature good. Done for many entries at once, on every core.

use std::borrow::Cow;

use rayon::prelude::*;

use super::bundle_line;
use super::document::Mentions;
use super::entry::{Entry, EntryError};
use super::epoch::leaf_hash;
use super::hash::Hash;
use super::json::Object;
use super::key::StrictVerifier;
use super::kind;
use super::limits;
use super::position::Seq;
use super::receipts::{Rest, rest_of};
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
    /// The payload of a `sealbook:open`.
    pub(crate) opening: Option<Object>,
    /// Whether it acknowledges a rollback.
    pub(crate) acknowledges_rollback: bool,
    /// The siblings that came with it in a selection.
    pub(crate) path: Option<Vec<Hash>>,
    /// What it has to do with documents. Nothing in a foreign logbook, where
    /// kinds mean nothing.
    pub(crate) mentions: Mentions,
    /// What a receipt of it says beside number and hash, where there are
    /// receipts.
    pub(crate) receipt: Option<Rest>,
}

/// What is asked of each entry.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// `None` where signatures are not checked.
    pub(crate) verifier: Option<&'a StrictVerifier>,
    /// Whether there are receipts to compare it with.
    pub(crate) receipts: bool,
}

/// Judges each entry.
pub(crate) fn judge(entries: &[&Raw], question: Question<'_>) -> Vec<Judged> {
    // Every core gets a part or two, as large as serves the verifier best.
    let part = entries.len().div_ceil(2 * rayon::current_num_threads());
    let judged: Vec<_> = entries
        .par_chunks(part.clamp(LEAST, StrictVerifier::BATCH))
        .map(|part| judge_part(part, question))
        .collect();
    judged.into_iter().flatten().collect()
}

/// Fewer than this are not worth a core of their own.
const LEAST: usize = 64;

fn judge_part(part: &[&Raw], question: Question<'_>) -> Vec<Judged> {
    let read: Vec<_> = part.iter().map(|raw| read_one(raw)).collect();
    let mut verdicts = question
        .verifier
        .map(|verifier| verdicts(&read, verifier).into_iter())
        .into_iter()
        .flatten();
    let judged = part.iter().zip(read).map(|(raw, (seq, read))| match read {
        Ok((entry, path)) => {
            let mut readable = readable(seq, &entry, path, verdicts.next(), question.receipts);
            // In a foreign logbook kinds mean nothing.
            if !matches!(raw, Raw::LogbookLine(_)) {
                readable.mentions = Mentions::of(&entry);
            }
            Judged::Read(Box::new(readable))
        }
        Err(error) => Judged::Unreadable { seq, error },
    });
    judged.collect()
}

/// The verdict on each entry that could be read, in their order.
fn verdicts(read: &[Read<'_>], verifier: &StrictVerifier) -> Vec<bool> {
    let entries = read.iter().filter_map(|(_, read)| read.as_ref().ok());
    let signed: Vec<_> = entries
        .map(|(entry, _)| (entry.signing_payload(), entry.signature()))
        .collect();
    verifier.verify_batch(&signed)
}

/// Its number, where the format has them, and the entry with its path.
type Read<'r> = (
    Option<Seq>,
    Result<(Entry<Cow<'r, [u8]>>, Option<Vec<Hash>>), EntryError>,
);

fn read_one(raw: &Raw) -> Read<'_> {
    let alone = |entry: Entry| (entry.into_cow(), None);
    match raw {
        Raw::LogbookLine(line) => (None, Entry::from_logbook_line(line).map(alone)),
        Raw::Record(seq, record) => (Some(*seq), stored(record).map(|e| (e, None))),
        Raw::BundleLine(line) => match bundle_line::parse_entry(line) {
            Ok(parsed) => (Some(parsed.seq), Ok((parsed.entry.into_cow(), parsed.path))),
            Err(error) => (None, Err(error)),
        },
        Raw::DocumentLine(line) => (None, bundle_line::parse_document(line).map(alone)),
        Raw::TooLong { bytes } => (None, Err(too_long(*bytes))),
    }
}

/// A stored record is the signed bytes themselves, so nothing has forced its
/// payload into canonical form: whoever holds the key could sign other bytes,
/// which every exported copy would then contradict.
fn stored(record: &[u8]) -> Result<Entry<Cow<'_, [u8]>>, EntryError> {
    let entry = Entry::from_record(Cow::Borrowed(record))?;
    entry.check_payload_text()?;
    Ok(entry)
}

fn readable(
    seq: Option<Seq>,
    entry: &Entry<Cow<'_, [u8]>>,
    path: Option<Vec<Hash>>,
    signature_valid: Option<bool>,
    receipts: bool,
) -> Readable {
    let signature = entry.signature();
    Readable {
        seq,
        hash: entry.hash(),
        prev: entry.prev_hash(),
        leaf: leaf_hash(&entry.hash(), &signature),
        ts: entry.ts(),
        signature_valid,
        opening: (entry.kind() == kind::OPEN)
            .then(|| entry.check_payload().ok())
            .flatten(),
        acknowledges_rollback: entry.kind() == kind::ROLLBACK,
        path,
        mentions: Mentions::default(),
        receipt: receipts
            .then(|| rest_of(&entry.prev_hash(), &signature, entry.ts(), entry.kind())),
    }
}

fn too_long(bytes: u64) -> EntryError {
    EntryError::LineTooLong {
        bytes,
        limit: limits::LINE_BYTES,
    }
}
