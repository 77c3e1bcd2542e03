//! What can be said of an entry alone: is it well-formed, what does it hash
//! to, is its signature good, where does its path lead. Done for many entries,
//! headers and heads at once, on every core.

use rayon::prelude::*;

use super::bundle_line;
use super::document::Mentions;
use super::entry::{Entry, EntryError};
use super::epoch::{EpochHeader, EpochTree, leaf_hash};
use super::hash::Hash;
use super::json::Object;
use super::key::StrictVerifier;
use super::kind;
use super::limits;
use super::merkle::{PathError, root_from_path};
use super::position::Seq;
use super::receipts::{Rest, rest_of};
use super::source::{Event, Raw};
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
    /// Whether a path came with it.
    pub(crate) has_path: bool,
    /// Where the path that came with it in a selection leads, if it is one of
    /// its header's tree.
    pub(crate) root: Option<Result<Hash, PathError>>,
    /// What it has to do with documents. Nothing in a foreign logbook, where
    /// kinds mean nothing.
    pub(crate) mentions: Mentions,
    /// What a receipt of it says beside number and hash, where there are
    /// receipts.
    pub(crate) receipt: Option<Rest>,
}

/// What can be said of an event alone.
#[derive(Debug)]
pub(crate) enum Opinion {
    /// Of an entry or a document.
    Entry(Judged),
    /// Of a header or head: whether the log that it names signed it.
    Statement(bool),
    /// Of anything else: nothing.
    None,
}

/// What is asked of each event.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// `None` where signatures of entries are not checked.
    pub(crate) verifier: Option<&'a StrictVerifier>,
    /// Whether there are receipts to compare entries with.
    pub(crate) receipts: bool,
    /// The header under which the first entry stands.
    pub(crate) header: Option<&'a EpochHeader>,
}

/// Judges each event, on every core.
pub(crate) fn judge(batch: &[Event], question: Question<'_>) -> Vec<Opinion> {
    let mut header = question.header;
    let asked: Vec<_> = batch
        .iter()
        .map(|event| {
            if let Event::Epoch(epoch, _) = event {
                header = Some(&epoch.content);
            }
            (event, Question { header, ..question })
        })
        .collect();
    asked
        .par_iter()
        .with_min_len(16)
        .map(|(event, question)| match event {
            Event::Entry(raw, _) | Event::Document(raw, _) => {
                Opinion::Entry(judge_one(raw, *question))
            }
            Event::Epoch(epoch, _) => Opinion::Statement(epoch.verify()),
            Event::Head(head, _) => Opinion::Statement(head.verify()),
            _ => Opinion::None,
        })
        .collect()
}

/// Judges one entry.
pub(crate) fn judge_one(raw: &Raw, question: Question<'_>) -> Judged {
    let (seq, read) = match raw {
        Raw::LogbookLine(line) => (None, Entry::from_logbook_line(line).map(|e| (e, None))),
        Raw::Record(seq, record) => (Some(*seq), stored(record).map(|e| (e, None))),
        Raw::BundleLine(line) => match bundle_line::parse_entry(line) {
            Ok(parsed) => (Some(parsed.seq), Ok((parsed.entry, parsed.path))),
            Err(error) => (None, Err(error)),
        },
        Raw::DocumentLine(line) => (
            None,
            bundle_line::parse_document(line).map(|entry| (entry, None)),
        ),
        Raw::TooLong { bytes } => (None, Err(too_long(*bytes))),
    };
    let foreign = matches!(raw, Raw::LogbookLine(_));
    match read {
        Ok((entry, path)) => {
            let mut readable = readable(seq, &entry, path, question);
            if !foreign {
                readable.mentions = Mentions::of(&entry);
            }
            Judged::Read(Box::new(readable))
        }
        Err(error) => Judged::Unreadable { seq, error },
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
    question: Question<'_>,
) -> Readable {
    let signature = entry.signature();
    let leaf = leaf_hash(&entry.hash(), &signature);
    let has_path = path.is_some();
    let place = seq.zip(question.header).and_then(|(seq, header)| {
        let index = seq.0.checked_sub(header.first_seq.0)?;
        Some((index, header.tree_size))
    });
    let root = place
        .zip(path)
        .map(|((index, size), path)| root_from_path::<EpochTree>(index, size, &leaf, &path));
    Readable {
        seq,
        hash: entry.hash(),
        prev: entry.prev_hash(),
        leaf,
        ts: entry.ts(),
        signature_valid: question
            .verifier
            .map(|v| v.verify(entry.signing_payload(), &signature)),
        opening: (entry.kind() == kind::OPEN)
            .then(|| entry.check_payload().ok())
            .flatten(),
        acknowledges_rollback: entry.kind() == kind::ROLLBACK,
        has_path,
        root,
        mentions: Mentions::default(),
        receipt: question
            .receipts
            .then(|| rest_of(&entry.prev_hash(), &signature, entry.ts(), entry.kind())),
    }
}

fn too_long(bytes: u64) -> EntryError {
    EntryError::LineTooLong {
        bytes,
        limit: limits::LINE_BYTES,
    }
}
