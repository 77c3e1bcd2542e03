//! What can be said of an entry alone: is it well-formed, what does it hash
//! to, is its signature good, where does its path lead. Done for many entries,
//! headers and heads at once, on every core.

use std::borrow::Cow;

use rayon::prelude::*;

use super::answered::facts;
use super::bundle_line;
use super::closing::Closing;
use super::document::Mentions;
use super::entry::{Entry, EntryError, Unhashed};
use super::envelope::Envelope;
use super::epoch::{EpochHeader, EpochTree, leaf_hashes};
use super::hash::Hash;
use super::index::audit::Spot;
use super::index::term::{Term, terms};
use super::json::Object;
use super::key::{PublicKey, Signature, StrictVerifier};
use super::kind;
use super::limits;
use super::merkle::{Climb, PathError, roots_from_paths};
use super::names::SearchField;
use super::position::Seq;
use super::receipts::{ReceiptRest, rest_of};
use super::redact::pointer::Pointer;
use super::redact::redacted_in;
use super::source::{Event, Raw};
use super::time::Timestamp;
use super::tlog::said::PublishStatement;

/// An entry after it was looked at alone.
#[derive(Debug)]
pub(crate) enum JudgedEntry {
    Read(Box<Readable>),
    /// Not an entry; in a store or bundle its number may still be known.
    Unreadable {
        seq: Option<Seq>,
        error: EntryError,
    },
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
    pub(crate) origin: Option<SignatureOrigin>,
    /// The payload of a `sealbook:open`.
    pub(crate) opening: Option<Object>,
    /// The payload of a `sealbook:format`.
    pub(crate) begins: Option<Object>,
    /// What a `sealbook:close` says.
    pub(crate) closing: Option<Closing>,
    pub(crate) acknowledges_rollback: bool,
    /// What it says of the public log. Nothing in the books of others.
    pub(crate) said: Option<PublishStatement>,
    pub(crate) has_path: bool,
    /// Where the path that came with it in a selection leads, if it is one of
    /// its header's tree.
    pub(crate) root: Option<Result<Hash, PathError>>,
    /// What it has to do with documents. Nothing in the books of others, where
    /// kinds mean nothing.
    pub(crate) mentions: Mentions,
    /// Where it stands in the index of its log, where that is asked.
    pub(crate) spots: Vec<Spot>,
    /// What a receipt of it says beside number and hash, where there are
    /// receipts.
    pub(crate) receipt: Option<ReceiptRest>,
    /// What it can be asked for by, in a selection.
    pub(crate) facts: Vec<(SearchField, String)>,
    /// Where values were taken out of it. Nothing in the books of others.
    pub(crate) redacted: Vec<(Pointer, Hash)>,
}

/// Where a signature that is not the log key's is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureOrigin {
    /// No key can have made it: it was damaged.
    Nobody,
    Known(PublicKey),
    /// Some key may have made it, for these or for other bytes.
    Unknown,
}

/// What can be said of an event alone.
#[derive(Debug)]
pub(crate) enum Opinion {
    Entry(JudgedEntry),
    /// Of a header or head: whether the log that it names signed it.
    Statement(bool),
    /// Of anything else: nothing.
    None,
}

/// What is asked of each event.
#[derive(Clone, Copy)]
pub(crate) struct JudgeRequest<'a> {
    /// `None` where signatures of entries are not checked.
    pub(crate) verifier: Option<&'a StrictVerifier>,
    pub(crate) log: Option<PublicKey>,
    /// Other keys, with which entries are tried that are not signed by it.
    pub(crate) others: &'a [PublicKey],
    pub(crate) receipts: bool,
    /// Whether kinds mean something, as they do not in the books of others.
    pub(crate) kinds: bool,
    /// The genesis of the log whose index the entries are held against.
    pub(crate) index: Option<Hash>,
    pub(crate) header: Option<&'a EpochHeader>,
    /// Whether the entries are those that somebody asked for.
    pub(crate) selection: bool,
}

pub(crate) fn judge(batch: &[Event], question: JudgeRequest<'_>) -> Vec<Opinion> {
    let mut header = question.header;
    let under: Vec<_> = batch
        .iter()
        .map(|event| {
            if let Event::Epoch(epoch, _) = event {
                header = Some(&epoch.content);
            }
            (event, header)
        })
        .collect();
    if batch.len() <= LEAST {
        return judge_part(&under, question);
    }
    // Every core gets some parts, so that none is done long before another, as
    // large as serves the verifier best.
    let part = batch.len().div_ceil(4 * rayon::current_num_threads());
    let opinions: Vec<_> = under
        .par_chunks(part.clamp(LEAST, StrictVerifier::BATCH))
        .map(|part| judge_part(part, question))
        .collect();
    opinions.into_iter().flatten().collect()
}

/// Fewer than this are not worth a core of their own.
pub(super) const LEAST: usize = 64;

fn judge_part(part: &[(&Event, Option<&EpochHeader>)], question: JudgeRequest<'_>) -> Vec<Opinion> {
    let mut stored = stored(part.iter().filter_map(|(event, _)| record_of(event))).into_iter();
    let read = part
        .iter()
        .map(|(event, _)| JudgeInput::of(event, &mut stored));
    let read: Vec<_> = read.collect();
    let mut verdicts = verdicts(&read, question).into_iter();
    let leaves = leaf_hashes(read.iter().filter_map(JudgeInput::leaf));
    let mut roots = roots(part, &read, &leaves).into_iter();
    let mut leaves = leaves.into_iter();
    let opinions = read.into_iter().map(|read| {
        // One for each that has a signature to be judged, in their order.
        let verdict = read.signed(question).and_then(|_| verdicts.next());
        match read {
            JudgeInput::Entry(seq, Ok((entry, path))) => {
                // One of each for each that was read.
                let leaf = leaves.next().unwrap_or(Hash::ZERO);
                let root = roots.next().flatten();
                let mut readable = readable(seq, &entry, leaf, verdict);
                (readable.has_path, readable.root) = (path.is_some(), root);
                if verdict == Some(false) {
                    readable.origin = Some(origin(&entry, question.others));
                }
                if question.receipts {
                    let (prev, signature) = (entry.prev_hash(), entry.signature());
                    let rest = rest_of(&prev, &signature, entry.ts(), entry.kind());
                    readable.receipt = Some(rest);
                }
                if let Some(genesis) = &question.index {
                    readable.spots = spots(genesis, &entry);
                }
                if question.selection {
                    readable.facts = facts(entry.kind(), entry.payload_bytes());
                }
                if question.kinds {
                    readable.mentions = Mentions::of(&entry);
                    readable.said = PublishStatement::of(&entry, question.log);
                    readable.redacted = redacted_in(entry.payload_bytes());
                }
                Opinion::Entry(JudgedEntry::Read(Box::new(readable)))
            }
            JudgeInput::Entry(seq, Err(error)) => {
                Opinion::Entry(JudgedEntry::Unreadable { seq, error })
            }
            JudgeInput::Statement(envelope, log) => Opinion::Statement(
                envelope.key == log && verdict.unwrap_or_else(|| envelope.verify()),
            ),
            JudgeInput::Nothing => Opinion::None,
        }
    });
    opinions.collect()
}

/// The log's verdict on each that has a signature to be judged.
fn verdicts(read: &[JudgeInput<'_>], question: JudgeRequest<'_>) -> Vec<bool> {
    let Some(verifier) = question.verifier else {
        return Vec::new();
    };
    let signed: Vec<_> = read.iter().filter_map(|r| r.signed(question)).collect();
    let signed: Vec<_> = signed.iter().map(|(m, s)| (m.as_ref(), *s)).collect();
    verifier.verify_batch(&signed)
}

/// Where the path of each entry that was read leads, if it has one and stands
/// under a header.
fn roots(
    part: &[(&Event, Option<&EpochHeader>)],
    read: &[JudgeInput<'_>],
    leaves: &[Hash],
) -> Vec<Option<Result<Hash, PathError>>> {
    let entries = part
        .iter()
        .zip(read)
        .filter_map(|(event, read)| match read {
            JudgeInput::Entry(seq, Ok((_, path))) => Some((*seq, event.1, path.as_deref())),
            _ => None,
        });
    let climb = |((seq, header, path), leaf): ((Option<Seq>, Option<&EpochHeader>, _), &Hash)| {
        let header = header?;
        Some(Climb {
            index: seq?.0.checked_sub(header.first_seq.0)?,
            size: header.tree_size,
            leaf: *leaf,
            path: path?,
        })
    };
    let climbs: Vec<_> = entries.zip(leaves).map(climb).collect();
    let some: Vec<_> = climbs.iter().flatten().copied().collect();
    let mut roots = roots_from_paths::<EpochTree>(&some).into_iter();
    let root = |climb: &Option<_>| climb.as_ref().and_then(|_| roots.next());
    climbs.iter().map(root).collect()
}

/// What an event brings to be judged.
enum JudgeInput<'e> {
    /// Its number, where the format has them, and the entry with its path.
    Entry(Option<Seq>, ReadEntry<'e>),
    /// A header or head, and the log that it names.
    Statement(&'e Envelope, PublicKey),
    Nothing,
}

impl<'e> JudgeInput<'e> {
    /// `stored` are the records among the events, read together.
    fn of(event: &'e Event, stored: &mut impl Iterator<Item = Stored<'e>>) -> JudgeInput<'e> {
        match event {
            Event::Entry(raw, _) | Event::Document(raw, _) | Event::Opening(raw, _) => {
                let (seq, entry) = match (raw, record_of(event)) {
                    (Raw::Record(seq, _), Some(_)) => {
                        let entry = stored.next().unwrap_or(Err(EntryError::Record));
                        (Some(*seq), entry.map(|entry| (entry, None)))
                    }
                    (raw, _) => read_one(raw),
                };
                JudgeInput::Entry(seq, entry)
            }
            Event::Epoch(epoch, _) => JudgeInput::Statement(&epoch.envelope, epoch.content.log),
            Event::Head(head, _) => JudgeInput::Statement(&head.envelope, head.content.log),
            Event::Term(proof, _) => {
                let header = &proof.header;
                JudgeInput::Statement(&header.envelope, header.content.log)
            }
            _ => JudgeInput::Nothing,
        }
    }

    /// What is to be judged under the key of the verifier, if that is asked.
    fn signed(&self, question: JudgeRequest<'_>) -> Option<(Cow<'_, [u8]>, Signature)> {
        question.verifier?;
        match self {
            JudgeInput::Entry(_, Ok((entry, _))) => {
                Some((Cow::Borrowed(entry.signing_payload()), entry.signature()))
            }
            JudgeInput::Statement(envelope, _) if Some(envelope.key) == question.log => {
                Some((Cow::Owned(envelope.signed_bytes()), envelope.signature))
            }
            _ => None,
        }
    }

    /// What the leaf of a readable entry is the hash of.
    fn leaf(&self) -> Option<(Hash, Signature)> {
        match self {
            JudgeInput::Entry(_, Ok((entry, _))) => Some((entry.hash(), entry.signature())),
            _ => None,
        }
    }
}

/// A record of a store, read.
type Stored<'e> = Result<Entry<Cow<'e, [u8]>>, EntryError>;

type ReadEntry<'e> = Result<(Entry<Cow<'e, [u8]>>, Option<Vec<Hash>>), EntryError>;

fn read_one(raw: &Raw) -> (Option<Seq>, ReadEntry<'_>) {
    let alone = |entry: Entry| (entry.into_cow(), None);
    match raw {
        Raw::LogbookLine(line) => (None, Entry::from_logbook_line(line).map(alone)),
        Raw::Record(seq, record) => {
            let entry = Entry::from_record(Cow::Borrowed(record.as_slice())).and_then(checked);
            (Some(*seq), entry.map(|entry| (entry, None)))
        }
        Raw::BundleLine(line) => match bundle_line::parse_entry(line) {
            Ok(parsed) => (Some(parsed.seq), Ok((parsed.entry.into_cow(), parsed.path))),
            Err(error) => (None, Err(error)),
        },
        Raw::DocumentLine(line) => (None, bundle_line::parse_beside("document", line).map(alone)),
        Raw::OpeningLine(line) => (None, bundle_line::parse_beside("opening", line).map(alone)),
        Raw::Read(seq, entry, path) => (*seq, Ok((entry.looked_at(), path.clone()))),
        Raw::TooLong { bytes } => (None, Err(too_long(*bytes))),
    }
}

fn record_of(event: &Event) -> Option<&[u8]> {
    match event {
        Event::Entry(Raw::Record(_, record), _) | Event::Document(Raw::Record(_, record), _) => {
            Some(record)
        }
        _ => None,
    }
}

/// Reads records, in their order; those that are entries are hashed together.
fn stored<'e>(records: impl Iterator<Item = &'e [u8]>) -> Vec<Stored<'e>> {
    let mut formed = Vec::new();
    let formed_or_not: Vec<_> = records
        .map(|record| Unhashed::from_record(Cow::Borrowed(record)).map(|one| formed.push(one)))
        .collect();
    let mut entries = Unhashed::hashed_all(formed);
    let entry = |formed: Result<(), EntryError>| {
        formed.and_then(|()| checked(entries.next().ok_or(EntryError::Record)?))
    };
    formed_or_not.into_iter().map(entry).collect()
}

/// A stored record is the signed bytes themselves, so nothing has forced its
/// payload into canonical form: the holder of the key could sign other bytes,
/// which every exported copy would then contradict.
fn checked(entry: Entry<Cow<'_, [u8]>>) -> Stored<'_> {
    entry.check_payload_text()?;
    Ok(entry)
}

fn closing(entry: &Entry<Cow<'_, [u8]>>) -> Option<Closing> {
    if entry.kind() != kind::CLOSE {
        return None;
    }
    Closing::from_object(&entry.check_payload().ok()?).ok()
}

fn origin(entry: &Entry<Cow<'_, [u8]>>, others: &[PublicKey]) -> SignatureOrigin {
    let signature = entry.signature();
    if !signature.is_possible() {
        return SignatureOrigin::Nobody;
    }
    let signs = |key: &&PublicKey| key.verify(entry.signing_payload(), &signature);
    match others.iter().find(signs) {
        Some(key) => SignatureOrigin::Known(*key),
        None => SignatureOrigin::Unknown,
    }
}

/// Reads an entry and its number, where the format has them, and judges nothing.
pub(crate) fn read_raw(raw: &Raw) -> (Option<Seq>, Result<Entry, EntryError>) {
    let (seq, read) = read_one(raw);
    let owned = read.and_then(|(entry, _)| Entry::from_record(entry.record().to_vec()));
    (seq, owned)
}

fn readable(
    seq: Option<Seq>,
    entry: &Entry<Cow<'_, [u8]>>,
    leaf: Hash,
    signature_valid: Option<bool>,
) -> Readable {
    Readable {
        seq,
        hash: entry.hash(),
        prev: entry.prev_hash(),
        leaf,
        ts: entry.ts(),
        signature_valid,
        origin: None,
        opening: payload_of(kind::OPEN, entry),
        begins: payload_of(kind::FORMAT, entry),
        closing: closing(entry),
        acknowledges_rollback: entry.kind() == kind::ROLLBACK,
        said: None,
        has_path: false,
        root: None,
        mentions: Mentions::default(),
        spots: Vec::new(),
        receipt: None,
        facts: Vec::new(),
        redacted: Vec::new(),
    }
}

/// The payload of an entry of one kind.
fn payload_of(kind: &str, entry: &Entry<Cow<'_, [u8]>>) -> Option<Object> {
    (entry.kind() == kind).then(|| entry.check_payload().ok())?
}

/// Where an entry stands in the index.
fn spots(genesis: &Hash, entry: &Entry<Cow<'_, [u8]>>) -> Vec<Spot> {
    let terms = terms(entry.kind(), entry.payload_bytes());
    let spot = |(field, value): (_, Cow<'_, str>)| {
        let term = Term::new(field, value);
        match term.open_place(genesis) {
            Some(place) => Spot::Open(place),
            None => Spot::Hidden(term),
        }
    };
    terms.map(spot).collect()
}

fn too_long(bytes: u64) -> EntryError {
    EntryError::LineTooLong {
        bytes,
        limit: limits::LINE_BYTES,
    }
}
