//! The lines of an evidence bundle, each in its one spelling: the canonical
//! JSON of what it says, and a newline.
//!
//! | line | says |
//! |---|---|
//! | `{"sealbook":{…}}` | the [`BundleOpening`], first |
//! | `{"document":{…}}` | an entry that is a document which entries of the bundle refer to; before them all, so that who reads the entries has it |
//! | `{"index":{…}}` | of a selection, before its first header: what the log's index says of the term that all entries have |
//! | `{"epoch":{…},"key":…,"signature":…}` | a header; the entries that follow are its |
//! | `{"before":[…]}` | the subtrees of that epoch before the first entry given |
//! | `{"entry":{…}}` | an entry of a range |
//! | `{"entry":{…},"path":[…]}` | an entry of a selection, with its siblings |
//! | `{"opened":{…}}` | behind an entry: the salt and value of one of its [redacted members](super::redact) |
//! | `{"after":[…]}` | the subtrees of that epoch after the last entry given |
//! | `{"head":{…},"key":…,"signature":…}` | a head; the unsealed entries up to it follow |
//! | `{"opening":{…}}` | from version 2 on, last but one: the log's entry 0 |
//! | `{"bundle":{…}}`, or with `"key"` and `"signature"` | the [`BundleClosing`], last |

use serde::{Deserialize, Deserializer, Serialize};

use super::entry::{Entry, EntryError};
use super::envelope::{Envelope, Purpose};
use super::hash::Hash;
use super::hexadecimal;
use super::json::{Form, Object, Value};
use super::key::PublicKey;
use super::limits;
use super::parse;
use super::position::Seq;
use super::shape::{self, MemberError, MemberProblem};
use super::version::{USES_INDEX, USES_OPENINGS, Version};

/// How the entries of a bundle were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// All from the first to the last, each proven into its epoch's tree
    /// together with its neighbours.
    Range {
        first_seq: Seq,
        last_seq: Seq,
    },
    Selection,
}

/// The first line of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleOpening {
    pub version: Version,
    pub contents: Contents,
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    /// Whether headers commit to an index, in version 2.
    pub index: bool,
    /// Whether openings of redacted members stand in it, in version 2.
    pub openings: bool,
}

/// The first line, as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    sealbook: OpenedMembers,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenedMembers {
    format: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<Vec<String>>,
    contents: Chosen,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seq: Option<Seq>,
    log: PublicKey,
    genesis: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", rename = "range or selection")]
enum Chosen {
    Range,
    Selection,
}

/// What the last line of a bundle says, signed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleClosing {
    pub format: Version,
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    pub entries: u64,
    pub epochs: u64,
    /// How many documents beside the entries.
    pub documents: u64,
    /// How many bytes stand before this line.
    pub bytes: u64,
    /// The hash of those bytes.
    pub hash: Hash,
    /// From version 2 on: the selection that it answers, `null` for a range.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub filter: Option<Value>,
}

/// What stands there, also where that is `null`.
fn given<'v, D: Deserializer<'v>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(crate) struct EntryLine {
    pub(crate) seq: Seq,
    pub(crate) entry: Entry,
    pub(crate) path: Option<Vec<Hash>>,
}

/// What a reader of a file must know, where openings stand in it or headers commit to
/// an index.
pub(crate) fn uses(index: bool, openings: bool) -> Vec<String> {
    let names = [(openings, USES_OPENINGS), (index, USES_INDEX)].into_iter();
    let names = names.filter(|(used, _)| *used);
    names.map(|(_, name)| name.to_owned()).collect()
}

impl BundleOpening {
    /// The line, without its newline.
    pub fn to_line(&self) -> Vec<u8> {
        let (contents, first_seq, last_seq) = match self.contents {
            Contents::Range {
                first_seq,
                last_seq,
            } => (Chosen::Range, Some(first_seq), Some(last_seq)),
            Contents::Selection => (Chosen::Selection, None, None),
        };
        let sealbook = OpenedMembers {
            format: self.version,
            uses: (self.version == Version::Two).then(|| uses(self.index, self.openings)),
            contents,
            first_seq,
            last_seq,
            log: self.log,
            genesis: self.genesis,
        };
        canonical_line(&FirstLine { sealbook })
    }

    pub(crate) fn from_value(value: &Value) -> Result<BundleOpening, MemberError> {
        let FirstLine { sealbook: members } = shape::read(value, "")?;
        let refused = |name, problem| Err(MemberError::from(problem).inside(name));
        let (first_seq, last_seq) = (members.first_seq, members.last_seq);
        match (members.format, &members.uses) {
            (Version::One, Some(_)) => return refused("sealbook.uses", MemberProblem::Unknown),
            (Version::Two, None) => return refused("sealbook.uses", MemberProblem::Missing),
            _ => {}
        }
        let contents = match (members.contents, first_seq, last_seq) {
            (Chosen::Range, Some(first_seq), Some(last_seq)) => Contents::Range {
                first_seq,
                last_seq,
            },
            (Chosen::Range, None, _) => {
                return refused("sealbook.first_seq", MemberProblem::Missing);
            }
            (Chosen::Range, _, None) => {
                return refused("sealbook.last_seq", MemberProblem::Missing);
            }
            (Chosen::Selection, None, None) => Contents::Selection,
            (Chosen::Selection, Some(_), _) => {
                return refused("sealbook.first_seq", MemberProblem::Unknown);
            }
            (Chosen::Selection, None, Some(_)) => {
                return refused("sealbook.last_seq", MemberProblem::Unknown);
            }
        };
        let used = members.uses.unwrap_or_default();
        let has = |name| used.iter().any(|used| used == name);
        let (index, openings) = (has(USES_INDEX), has(USES_OPENINGS));
        if used != uses(index, openings) {
            return refused("sealbook.uses", MemberProblem::Unknown);
        }
        Ok(BundleOpening {
            version: members.format,
            contents,
            log: members.log,
            genesis: members.genesis,
            index,
            openings,
        })
    }
}

impl BundleClosing {
    /// Reads a closing line; the envelope is there if it is signed.
    pub(crate) fn from_value(
        value: &Value,
    ) -> Result<(BundleClosing, Option<Envelope>), MemberError> {
        let signed = value.get("signature").is_some();
        let envelope = if signed {
            Some(Envelope::from_value(Purpose::Bundle, value).map_err(|error| error.0)?)
        } else {
            None
        };
        let members = shape::members(value)?;
        let closing: BundleClosing = shape::member(members, Purpose::Bundle.as_str())?;
        let problem = match (closing.format, &closing.filter) {
            (Version::One, Some(_)) => Some(MemberProblem::Unknown),
            (Version::Two, None) => Some(MemberProblem::Missing),
            (Version::Two, Some(filter)) if !filter.is_null() => {
                shape::members(filter).err().map(|error| error.problem)
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(MemberError::from(problem).inside("bundle.filter"));
        }
        if envelope.is_none() {
            shape::only(members, &[Purpose::Bundle.as_str()])?;
        }
        Ok((closing, envelope))
    }
}

/// The line of an entry, with its path in a selection.
pub(crate) fn entry_line(seq: Seq, entry: &Entry, path: Option<&[Hash]>) -> Vec<u8> {
    let mut line = b"{\"entry\":".to_vec();
    entry.write_json(Some(seq), &mut line);
    if let Some(path) = path {
        line.extend_from_slice(b",\"path\":");
        shape::write(path).write_canonical(Form::Utf8, &mut line);
    }
    line.push(b'}');
    line
}

/// Reads an entry line and refuses any but its one spelling.
pub(crate) fn parse_entry(line: &[u8]) -> Result<EntryLine, EntryError> {
    // There is one spelling, so a line that has it can be taken apart by its
    // bytes: most of a selection is paths. Any other line is read in full, so
    // that what is wrong with it is named.
    match take_apart(line) {
        Some(parsed) => Ok(parsed),
        None => parse_entry_slowly(line),
    }
}

fn parse_entry_slowly(line: &[u8]) -> Result<EntryLine, EntryError> {
    let value = parse::parse_with(line, &limits::embedded(2))?;
    let members = shape::members(&value)?;
    let (seq, entry) = Entry::from_value(shape::given(members, "entry")?, "entry")?;
    let path = match members.get("path") {
        Some(path) => Some(shape::read(path, "path")?),
        None => None,
    };
    shape::only(members, &["entry", "path"])?;
    if entry_line(seq, &entry, path.as_deref()) == line {
        Ok(EntryLine { seq, entry, path })
    } else {
        Err(EntryError::Spelling)
    }
}

/// Takes a line apart that has the one spelling. An entry ends in its time, so
/// only a line with a path ends in `]}`.
fn take_apart(line: &[u8]) -> Option<EntryLine> {
    let inner = line.strip_prefix(b"{\"entry\":")?.strip_suffix(b"}")?;
    let (object, path) = match inner.strip_suffix(b"]") {
        None => (inner, None),
        Some(with_path) => {
            // No bracket stands in a hash, so the last one opens the path.
            let at = memchr::memrchr(b'[', with_path)?;
            let hashes = take_hashes(with_path.get(at + 1..)?)?;
            let before = with_path.get(..at)?.strip_suffix(b",\"path\":")?;
            (before, Some(hashes))
        }
    };
    let value = parse::parse_with(object, &limits::embedded(1)).ok()?;
    let (seq, entry) = Entry::from_value(&value, "entry").ok()?;
    let mut again = Vec::with_capacity(object.len());
    entry.write_json(Some(seq), &mut again);
    (again == object).then_some(EntryLine { seq, entry, path })
}

/// `"hex","hex"`, or nothing.
fn take_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let quoted = 2 * Hash::BYTES + 2;
    let take = |item: &[u8]| {
        let (hash, comma) = item.split_at_checked(quoted)?;
        let digits = hash.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let hash = hexadecimal::decode_bytes(digits)
            .map(Hash::from_bytes)
            .ok()?;
        (comma == b"," || comma.is_empty()).then_some(hash)
    };
    // Every item but the last is followed by a comma, the last by nothing.
    let whole = bytes.len() % (quoted + 1) == quoted;
    let hashes = bytes.chunks(quoted + 1).map(take);
    whole.then(|| hashes.collect()).flatten()
}

/// The line of an entry that stands beside the others, as in a logbook: of a
/// document, which stands for its content, or of the entry that opened the log.
pub(crate) fn beside_line(name: &str, entry: &Entry) -> Vec<u8> {
    let mut line = format!("{{\"{name}\":").into_bytes();
    entry.write_json(None, &mut line);
    line.push(b'}');
    line
}

/// Reads such a line and refuses any but its one spelling.
pub(crate) fn parse_beside(name: &str, line: &[u8]) -> Result<Entry, EntryError> {
    let value = parse::parse_with(line, &limits::embedded(2))?;
    let members = shape::members(&value)?;
    let entry = Entry::from_unnumbered(shape::given(members, name)?, name)?;
    shape::only(members, &[name])?;
    if beside_line(name, &entry) == line {
        Ok(entry)
    } else {
        Err(EntryError::Spelling)
    }
}

/// `{"<name>":[hex…]}`, for `before` and `after`.
pub(crate) fn hashes_line(name: &'static str, hashes: &[Hash]) -> Vec<u8> {
    line_of(name, shape::write(hashes))
}

pub(crate) fn line_of(name: &'static str, value: impl Into<Value>) -> Vec<u8> {
    let line: Object = [(name, value)].into_iter().collect();
    canonical_line(&line)
}

fn canonical_line(line: &impl Serialize) -> Vec<u8> {
    shape::write(line).canonical(Form::Utf8).into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    fn line(payload: &str, path: Option<usize>) -> Vec<u8> {
        let text = format!(
            r#"{{"kind":"k","payload":{payload},"prev_hash":"{}","signature":"{}","ts":"2026-03-01T10:00:00+00:00"}}"#,
            Hash::ZERO,
            "00".repeat(64),
        );
        let entry = Entry::from_logbook_line(text.as_bytes()).unwrap();
        let path = path.map(|n| vec![Hash::of(b"x"); n]);
        entry_line(Seq(7), &entry, path.as_deref())
    }

    /// Both ways of reading give the same, on lines of the one spelling and on
    /// every line that is a byte away from one.
    #[test]
    fn a_line_taken_apart_is_the_line_read_in_full() {
        for (payload, path) in [
            (r#"{"n":1}"#, None),
            (r#"{"n":1}"#, Some(0)),
            (r#"{"a":",\"path\":[","b":[]}"#, Some(1)),
            (r#"{"entry":{},"path":["x"]}"#, Some(2)),
            (r#"{"path":[]}"#, None),
        ] {
            let line = line(payload, path);
            let parsed = take_apart(&line).unwrap();
            assert_eq!(parsed.path.map(|p| p.len()), path);
            for at in 0..line.len() {
                for value in [
                    b' ',
                    b'0',
                    b'"',
                    b']',
                    b',',
                    b'A',
                    line.get(at).unwrap() ^ 1,
                ] {
                    let mut changed = line.clone();
                    *changed.get_mut(at).unwrap() = value;
                    if let Some(taken) = take_apart(&changed) {
                        let read = parse_entry_slowly(&changed).unwrap();
                        assert_eq!((taken.seq, &taken.path), (read.seq, &read.path));
                        assert_eq!(taken.entry, read.entry);
                    } else {
                        assert!(parse_entry_slowly(&changed).is_err());
                    }
                }
                let cut = line.get(..at).unwrap();
                assert!(take_apart(cut).is_none() && parse_entry_slowly(cut).is_err());
            }
        }
    }
}
