//! Documents: the rule sets, configurations and policies that entries refer to
//! by digest, so that a decision can be run again offline (SPEC §5.4).
//!
//! A document is the payload of an entry of kind `wcp.document`:
//! `{"content": …, "digest": "blake2b-256:…", "media_type": "…"}`. The digest is
//! BLAKE2b-256 over the canonical JSON of `content`, or over its UTF-8 bytes if
//! it is a string. A server adds `_actor`, who handed it in.
//!
//! An entry of a reserved kind **refers** to every document that a string
//! anywhere in its payload's `context` names by such a digest. A digest of
//! something that is not a document is spelt otherwise there: without the prefix.
//! Entries of other kinds refer to nothing, whatever they say: anyone may append
//! them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::entry::{Entry, EntryError};
use super::hash::Hash;
use super::json::{Form, Object, Value};
use super::kind;
use super::parse;
use super::shape::{self, MemberError};

const PREFIX: &str = "blake2b-256:";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentDigest(Hash);

impl DocumentDigest {
    pub fn of(content: &Value) -> DocumentDigest {
        DocumentDigest(match content {
            Value::String(text) => Hash::of(text.as_bytes()),
            other => Hash::of(other.canonical(Form::Utf8).as_bytes()),
        })
    }

    /// Reads `blake2b-256:` and 64 lower-case hex digits, nothing else.
    pub fn parse(text: &str) -> Option<DocumentDigest> {
        let hash = Hash::from_hex(text.strip_prefix(PREFIX)?).ok()?;
        Some(DocumentDigest(hash))
    }
}

impl fmt::Display for DocumentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl Serialize for DocumentDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'v> Deserialize<'v> for DocumentDigest {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<DocumentDigest, D::Error> {
        let expected = "blake2b-256: and 64 hex digits";
        shape::read_text(deserializer, expected, DocumentDigest::parse)
    }
}

impl From<DocumentDigest> for Value {
    fn from(digest: DocumentDigest) -> Value {
        Value::String(digest.to_string())
    }
}

#[derive(Clone, Debug, PartialEq, Error)]
pub enum DocumentError {
    #[error(transparent)]
    Payload(#[from] EntryError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("the content of the document is not that of its digest")]
    Mismatch {
        claimed: String,
        actual: DocumentDigest,
    },
}

pub fn payload(media_type: &str, content: Value) -> Object {
    let mut object = Object::new();
    object.insert("digest", DocumentDigest::of(&content).to_string());
    object.insert("media_type", media_type);
    object.insert("content", content);
    object
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mentions {
    pub is: Option<Result<DocumentDigest, DocumentError>>,
    /// The documents that it refers to, each once, in order.
    pub refers: Vec<DocumentDigest>,
}

impl Mentions {
    pub fn of<R: AsRef<[u8]>>(entry: &Entry<R>) -> Mentions {
        if entry.kind() == kind::DOCUMENT {
            return Mentions {
                is: Some(digest_of(entry)),
                refers: Vec::new(),
            };
        }
        Mentions {
            is: None,
            refers: references(entry),
        }
    }
}

pub fn digest_of<R: AsRef<[u8]>>(entry: &Entry<R>) -> Result<DocumentDigest, DocumentError> {
    let payload = entry.check_payload()?;
    let described: DocumentPayload<'_> = shape::read_object(&payload, "payload")?;
    let claimed = described.digest;
    let actual = payload.get("content").map(DocumentDigest::of);
    let actual = actual.ok_or(EntryError::PayloadNotObject)?;
    if DocumentDigest::parse(claimed) == Some(actual) {
        return Ok(actual);
    }
    let claimed = claimed.to_owned();
    Err(DocumentError::Mismatch { claimed, actual })
}

/// The payload of a document, whose content is taken from where it stands.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentPayload<'e> {
    digest: &'e str,
    #[serde(rename = "media_type")]
    _media_type: &'e str,
    #[serde(rename = "content")]
    _content: IgnoredAny,
    #[serde(rename = "_actor")]
    _actor: Option<IgnoredAny>,
}

/// Only `context` is read: the rest of a decision may be large.
#[derive(serde::Deserialize)]
struct Referring<'e> {
    #[serde(borrow)]
    context: Option<&'e RawValue>,
}

fn references<R: AsRef<[u8]>>(entry: &Entry<R>) -> Vec<DocumentDigest> {
    let own = entry.kind().starts_with(kind::OWN_PREFIX);
    if own || kind::reserved_prefix(entry.kind()).is_none() {
        return Vec::new();
    }
    let context = serde_json::from_slice::<Referring<'_>>(entry.payload_bytes())
        .ok()
        .and_then(|referring| parse::parse(referring.context?.get().as_bytes()).ok());
    let mut found = Vec::new();
    if let Some(context) = context {
        collect(&context, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A payload has at most 128 levels, so this does not go deep.
fn collect(value: &Value, found: &mut Vec<DocumentDigest>) {
    match value {
        Value::String(text) => found.extend(DocumentDigest::parse(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(object) => object.iter().for_each(|(_, value)| collect(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::super::time::Timestamp;
    use super::*;

    fn entry(kind: &str, payload: &str) -> Entry {
        let line = format!(
            r#"{{"kind":"{kind}","ts":"{}","payload":{payload},"prev_hash":"{}","signature":"{}"}}"#,
            Timestamp::from_unix_micros(0).unwrap(),
            Hash::ZERO,
            "00".repeat(64),
        );
        Entry::from_logbook_line(line.as_bytes()).unwrap()
    }

    fn written(media_type: &str, content: Value) -> Entry {
        let payload = Value::Object(payload(media_type, content));
        entry(kind::DOCUMENT, &payload.canonical(Form::Utf8))
    }

    #[test]
    fn a_string_is_hashed_as_its_bytes_and_all_else_as_canonical_json() {
        let text = written("text/plain", Value::from("allow = true\n"));
        let expected = DocumentDigest(Hash::of(b"allow = true\n"));
        assert_eq!(digest_of(&text), Ok(expected));
        let object = parse::parse(br#"{"b":1.0,"a":[]}"#).unwrap();
        let expected = DocumentDigest(Hash::of(br#"{"a":[],"b":1.0}"#));
        assert_eq!(
            digest_of(&written("application/json", object)),
            Ok(expected)
        );
    }

    #[test]
    fn a_document_that_is_not_its_digests_is_named() {
        let claimed = DocumentDigest(Hash::of(b"other"));
        let payload = format!(r#"{{"content":"x","digest":"{claimed}","media_type":"t"}}"#);
        let error = digest_of(&entry(kind::DOCUMENT, &payload)).unwrap_err();
        let (claimed, actual) = (claimed.to_string(), DocumentDigest(Hash::of(b"x")));
        assert_eq!(error, DocumentError::Mismatch { claimed, actual });
        let bare = Hash::of(b"x").to_string();
        let payload = format!(r#"{{"content":"x","digest":"{bare}","media_type":"t"}}"#);
        let error = digest_of(&entry(kind::DOCUMENT, &payload)).unwrap_err();
        let claimed = bare;
        assert_eq!(error, DocumentError::Mismatch { claimed, actual });
        let payload = r#"{"content":"x","media_type":"t"}"#;
        let error = digest_of(&entry(kind::DOCUMENT, payload)).unwrap_err();
        assert_eq!(error.to_string(), "payload.digest: missing");
        let more = format!(r#"{{"content":"x","digest":"{actual}","media_type":"t","more":1}}"#);
        let error = digest_of(&entry(kind::DOCUMENT, &more)).unwrap_err();
        assert_eq!(error.to_string(), "payload.more: unknown member");
    }

    #[test]
    fn references_are_the_digests_in_the_context_of_reserved_kinds() {
        let [a, b, c] = [1, 2, 3].map(|n| DocumentDigest(Hash::from_bytes([n; 32])));
        let upper = a.to_string().to_uppercase();
        let payload = format!(
            r#"{{"input":"{c}","context":{{"rules":"{b}","policy":{{"rego":["{a}","{b}"]}},
                "not":"{upper}","text":"see {c}","{c}":null}}}}"#
        );
        let refers = |kind| Mentions::of(&entry(kind, &payload)).refers;
        assert_eq!(refers("wcp.decision"), [a, b]);
        assert_eq!(refers("hall.reload"), [a, b]);
        assert_eq!(refers("note"), []);
        assert_eq!(refers("sealbook:clock"), []);
        for payload in ["{}", r#"{"context":null}"#, r#"{"context":[]}"#] {
            assert_eq!(Mentions::of(&entry("wcp.decision", payload)).refers, []);
        }
    }
}
