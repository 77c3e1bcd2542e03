//! One signed entry: its bytes, its hash, its two spellings (SPEC §2).
//!
//! ```text
//! signing_payload = kind 0x1f ts 0x1f canonical_json_utf8(payload) 0x1f prev_hash
//! hash            = BLAKE2b-256(signing_payload)
//! signature       = Ed25519(signing_payload)
//! record          = signing_payload ‖ signature
//! ```
//!
//! An [`Entry`] is its record and two offsets into it, so that verification
//! hashes and checks the bytes as they are stored and re-serialises nothing.
//! The record splits without escapes: neither a kind nor a timestamp can hold
//! 0x1f, and what follows the payload has a fixed length.

use std::borrow::Cow;

use thiserror::Error;

use super::canonical_check::is_canonical_object;
use super::hash::Hash;
use super::hexadecimal;
use super::json::{Form, Object, Value};
use super::key::{SignError, Signature, Signer};
use super::limits;
use super::parse::{self, ParseError};
use super::position::Seq;
use super::shape::{self, MemberError};
use super::time::{TimeError, Timestamp};

mod unhashed;

pub(crate) use unhashed::Unhashed;

/// The members of an entry in JSON, beside its position.
const MEMBERS: [&str; 5] = ["kind", "ts", "payload", "prev_hash", "signature"];

const SEPARATOR: u8 = 0x1f;
/// 0x1f, `prev_hash`, `signature`.
const TAIL_BYTES: usize = 1 + Hash::BYTES + Signature::BYTES;

#[derive(Clone, Debug, PartialEq, Error)]
pub enum EntryError {
    #[error("{0}")]
    Kind(#[from] KindError),
    #[error("ts: {0}")]
    Time(#[from] TimeError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("{0}")]
    Json(#[from] ParseError),
    #[error("the payload is not a JSON object")]
    PayloadNotObject,
    /// The stored payload is not in canonical form, so it would be exported
    /// as other bytes than were signed.
    #[error("the payload is not in canonical form")]
    PayloadNotCanonical,
    #[error(
        "the signing payload has {bytes} bytes, over the limit of {}",
        limits::SIGNING_PAYLOAD_BYTES
    )]
    TooLarge { bytes: usize },
    #[error("the line has {bytes} bytes, over the limit of {limit}")]
    LineTooLong { bytes: u64, limit: usize },
    #[error("the line is not in canonical form")]
    Spelling,
    #[error("the record is not `kind 0x1f ts 0x1f payload 0x1f prev_hash signature`")]
    Record,
}

impl EntryError {
    /// The same of an entry that is a member of something.
    fn inside(self, name: &str) -> EntryError {
        match self {
            EntryError::Member(error) => EntryError::Member(error.inside(name)),
            other => other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KindError {
    #[error("kind: must not be blank")]
    Blank,
    #[error("kind: has {bytes} bytes, over the limit of {}", limits::KIND_BYTES)]
    TooLong { bytes: usize },
    #[error("kind: has the control character U+{:04X} at byte {at}", *character as u32)]
    Control { character: char, at: usize },
}

/// Checks a kind: 1 to 256 bytes, not blank, no control characters.
pub fn check_kind(kind: &str) -> Result<(), KindError> {
    if kind.len() > limits::KIND_BYTES {
        return Err(KindError::TooLong { bytes: kind.len() });
    }
    if let Some((at, character)) = kind.char_indices().find(|(_, c)| c.is_control()) {
        return Err(KindError::Control { character, at });
    }
    if kind.trim().is_empty() {
        return Err(KindError::Blank);
    }
    Ok(())
}

/// An entry before it is signed. Its hash is known: the hash does not cover the
/// signature, so a chain is hashed serially while signatures are made apart.
#[derive(Clone, Debug)]
pub struct Draft {
    signing_payload: Vec<u8>,
    kind_end: usize,
    ts_end: usize,
    ts: Timestamp,
    hash: Hash,
}

impl Draft {
    /// Composes the signing payload. `payload` is the canonical JSON of an
    /// object.
    pub fn new(
        kind: &str,
        ts: Timestamp,
        payload: &[u8],
        prev_hash: &Hash,
    ) -> Result<Draft, EntryError> {
        let ts_text = ts.to_string();
        let bytes = Draft::check(kind, &ts_text, payload)?;
        let mut signing_payload = Vec::with_capacity(bytes + Signature::BYTES);
        signing_payload.extend_from_slice(kind.as_bytes());
        let kind_end = signing_payload.len();
        signing_payload.push(SEPARATOR);
        signing_payload.extend_from_slice(ts_text.as_bytes());
        let ts_end = signing_payload.len();
        signing_payload.push(SEPARATOR);
        signing_payload.extend_from_slice(payload);
        signing_payload.push(SEPARATOR);
        signing_payload.extend_from_slice(prev_hash.as_bytes());
        let hash = Hash::of(&signing_payload);
        Ok(Draft {
            signing_payload,
            kind_end,
            ts_end,
            ts,
            hash,
        })
    }

    /// Checks what [`Draft::new`] would refuse, and hashes nothing: for those who
    /// do not know yet where the entry will stand.
    pub fn check_parts(kind: &str, ts: Timestamp, payload: &[u8]) -> Result<(), EntryError> {
        Draft::check(kind, &ts.to_string(), payload).map(drop)
    }

    /// The length of the signing payload, if it may have it.
    fn check(kind: &str, ts: &str, payload: &[u8]) -> Result<usize, EntryError> {
        check_kind(kind)?;
        let bytes = kind.len() + ts.len() + payload.len() + 3 + Hash::BYTES;
        if bytes > limits::SIGNING_PAYLOAD_BYTES {
            return Err(EntryError::TooLarge { bytes });
        }
        Ok(bytes)
    }

    pub const fn hash(&self) -> Hash {
        self.hash
    }

    pub fn signing_payload(&self) -> &[u8] {
        &self.signing_payload
    }

    pub fn sign(self, signer: &dyn Signer) -> Result<Entry, SignError> {
        let signature = signer.sign(&self.signing_payload)?;
        Ok(self.with_signature(&signature))
    }

    /// The entry, with a signature that was made of [`Draft::signing_payload`].
    pub(crate) fn with_signature(self, signature: &Signature) -> Entry {
        let mut record = self.signing_payload;
        record.extend_from_slice(signature.as_bytes());
        Entry {
            record,
            kind_end: self.kind_end,
            ts_end: self.ts_end,
            ts: self.ts,
            hash: self.hash,
        }
    }
}

/// A well-formed entry. Nothing is said about its signature or its link.
///
/// It owns its record, or looks at one that lies elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<R = Vec<u8>> {
    record: R,
    kind_end: usize,
    ts_end: usize,
    ts: Timestamp,
    hash: Hash,
}

impl Entry {
    /// Reads a line of a logbook file: the five members, in any order and
    /// spelling, the timestamp with any offset.
    pub fn from_logbook_line(line: &[u8]) -> Result<Entry, EntryError> {
        let value = parse::parse_with(line, &limits::embedded(1))?;
        let members = shape::members(&value)?;
        let entry = Entry::from_members(members, Timestamp::parse)?;
        shape::only(members, &MEMBERS)?;
        Ok(entry)
    }

    /// Reads the object that [`Entry::write_json`] writes, with its position.
    pub fn from_value(value: &Value, at: &str) -> Result<(Seq, Entry), EntryError> {
        let numbered = |value| {
            let members = shape::members(value)?;
            let seq = shape::member(members, "seq")?;
            let entry = Entry::from_members(members, Timestamp::parse_canonical)?;
            let [kind, ts, payload, prev_hash, signature] = MEMBERS;
            shape::only(members, &["seq", kind, ts, payload, prev_hash, signature])?;
            Ok((seq, entry))
        };
        numbered(value).map_err(|error| EntryError::inside(error, at))
    }

    /// The same without its position.
    pub(crate) fn from_unnumbered(value: &Value, at: &str) -> Result<Entry, EntryError> {
        let unnumbered = |value| {
            let members = shape::members(value)?;
            let entry = Entry::from_members(members, Timestamp::parse_canonical)?;
            shape::only(members, &MEMBERS)?;
            Ok(entry)
        };
        unnumbered(value).map_err(|error| EntryError::inside(error, at))
    }

    fn from_members(
        members: &Object,
        read_time: fn(&str) -> Result<Timestamp, TimeError>,
    ) -> Result<Entry, EntryError> {
        let kind = shape::member(members, "kind")?;
        let ts = read_time(shape::member(members, "ts")?)?;
        let payload = shape::member_object(members, "payload")?;
        let prev_hash = shape::member(members, "prev_hash")?;
        let signature = shape::member(members, "signature")?;
        let mut canonical = Vec::new();
        payload.write_canonical(Form::Utf8, &mut canonical);
        Ok(Draft::new(kind, ts, &canonical, &prev_hash)?.with_signature(&signature))
    }

    pub fn into_record(self) -> Vec<u8> {
        self.record
    }

    /// The same, beside others that only look at their records.
    pub(crate) fn into_cow<'r>(self) -> Entry<Cow<'r, [u8]>> {
        Entry {
            record: Cow::Owned(self.record),
            kind_end: self.kind_end,
            ts_end: self.ts_end,
            ts: self.ts,
            hash: self.hash,
        }
    }
}

impl<R: AsRef<[u8]>> Entry<R> {
    /// The same, looking at the record where it lies.
    pub(crate) fn looked_at(&self) -> Entry<Cow<'_, [u8]>> {
        Entry {
            record: Cow::Borrowed(self.record.as_ref()),
            kind_end: self.kind_end,
            ts_end: self.ts_end,
            ts: self.ts,
            hash: self.hash,
        }
    }

    /// Takes a record apart and checks everything but the spelling of the
    /// payload, which [`Entry::check_payload`] does.
    pub fn from_record(record: R) -> Result<Entry<R>, EntryError> {
        Unhashed::from_record(record).map(Unhashed::hashed)
    }

    /// Checks that the stored payload is the canonical JSON of an object: it
    /// would be exported as other bytes than were signed if it were not.
    pub fn check_payload(&self) -> Result<Object, EntryError> {
        let bytes = self.payload_bytes();
        let Value::Object(object) = parse::parse(bytes)? else {
            return Err(EntryError::PayloadNotObject);
        };
        let mut again = Vec::with_capacity(bytes.len());
        object.write_canonical(Form::Utf8, &mut again);
        if again == bytes {
            Ok(object)
        } else {
            Err(EntryError::PayloadNotCanonical)
        }
    }

    /// [`Entry::check_payload`] for those who do not want the object: without
    /// making one, if there is nothing wrong.
    pub fn check_payload_text(&self) -> Result<(), EntryError> {
        if is_canonical_object(self.payload_bytes()) {
            return Ok(());
        }
        self.check_payload().map(drop)
    }

    pub fn kind(&self) -> &str {
        text(self.record().get(..self.kind_end)).unwrap_or_default()
    }

    /// The time, UTC, in microseconds.
    pub const fn ts(&self) -> Timestamp {
        self.ts
    }

    /// The time as it is signed.
    pub fn ts_text(&self) -> &str {
        text(self.record().get(self.kind_end + 1..self.ts_end)).unwrap_or_default()
    }

    pub fn payload_bytes(&self) -> &[u8] {
        let end = self.record().len() - TAIL_BYTES;
        self.record().get(self.ts_end + 1..end).unwrap_or_default()
    }

    /// The hash of the entry before, as this entry names it.
    pub fn prev_hash(&self) -> Hash {
        let end = self.record().len() - Signature::BYTES;
        Hash::from_bytes(fixed(self.record().get(end - Hash::BYTES..end)))
    }

    pub fn signature(&self) -> Signature {
        let start = self.record().len() - Signature::BYTES;
        Signature::from_bytes(fixed(self.record().get(start..)))
    }

    /// BLAKE2b-256 of the signing payload.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    pub fn signing_payload(&self) -> &[u8] {
        let end = self.record().len() - Signature::BYTES;
        self.record().get(..end).unwrap_or_default()
    }

    pub fn record(&self) -> &[u8] {
        self.record.as_ref()
    }

    /// Appends the canonical JSON object of the entry, with its position where
    /// one is given; without, it is a line of a logbook file.
    pub fn write_json(&self, seq: Option<Seq>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"kind\":");
        Value::from(self.kind()).write_canonical(Form::Utf8, out);
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(self.payload_bytes());
        out.extend_from_slice(b",\"prev_hash\":\"");
        hexadecimal::append(self.prev_hash().as_bytes(), out);
        if let Some(seq) = seq {
            out.extend_from_slice(b"\",\"seq\":");
            out.extend_from_slice(itoa::Buffer::new().format(seq.0).as_bytes());
            out.extend_from_slice(b",\"signature\":\"");
        } else {
            out.extend_from_slice(b"\",\"signature\":\"");
        }
        hexadecimal::append(self.signature().as_bytes(), out);
        out.extend_from_slice(b"\",\"ts\":\"");
        out.extend_from_slice(self.ts_text().as_bytes());
        out.extend_from_slice(b"\"}");
    }
}

impl<R: AsRef<[u8]>> std::fmt::Debug for Entry<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} {} {})", self.kind(), self.ts, self.hash)
    }
}

fn text(bytes: Option<&[u8]>) -> Result<&str, EntryError> {
    bytes
        .and_then(|b| std::str::from_utf8(b).ok())
        .ok_or(EntryError::Record)
}

/// The lengths were checked when the entry was made.
fn fixed<const N: usize>(bytes: Option<&[u8]>) -> [u8; N] {
    bytes.and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}
