//! In which form entries are delivered.

use std::fmt;
use std::str::FromStr;

use crate::ledger::entry::Entry;
use crate::ledger::json::{Form, Value};
use crate::ledger::position::Seq;

use super::event::{EventOrigin, NamedParties, SinkEvent};
use super::{cef, ocsf};

/// The form of a delivered entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SinkFormat {
    /// One JSON object a line, as `log --json` prints it, with log, genesis and hash.
    #[default]
    Jsonl,
    /// An event of the Open Cybersecurity Schema Framework, `ocsf::VERSION`.
    Ocsf,
    /// Common Event Format, version 0.
    Cef,
}

const WORDS: [(&str, SinkFormat); 3] = [
    ("jsonl", SinkFormat::Jsonl),
    ("ocsf", SinkFormat::Ocsf),
    ("cef", SinkFormat::Cef),
];

/// How events begin: members stand in canonical order.
const BEGINNINGS: [&[u8]; 4] = [
    b"{\"genesis\":\"",
    b"{\"action",
    b"{\"activity_id\":",
    b"CEF:0|",
];

impl FromStr for SinkFormat {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<SinkFormat, Self::Err> {
        let found = WORDS.iter().find(|(name, _)| *name == word);
        found
            .map(|(_, format)| *format)
            .ok_or("jsonl, ocsf or cef is needed")
    }
}

impl fmt::Display for SinkFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = WORDS.iter().find(|(_, format)| format == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

impl SinkFormat {
    /// An entry in this form, in at most `longest` bytes: where it is longer, it has its
    /// payload left out and says so.
    pub(super) fn event(
        self,
        about: &EventOrigin,
        seq: Seq,
        entry: &Entry,
        longest: usize,
    ) -> SinkEvent {
        let named = NamedParties::of(entry);
        let write = |whole| match self {
            SinkFormat::Jsonl => jsonl(about, seq, entry, whole),
            SinkFormat::Ocsf => ocsf::event(about, seq, entry, &named, whole),
            SinkFormat::Cef => cef::event(about, seq, entry, &named, whole),
        };
        let mut text = write(true);
        if text.len() > longest {
            text = write(false);
        }
        SinkEvent {
            seq,
            ts: entry.ts(),
            kind: entry.kind().to_owned(),
            denied: named.denied() == Some(true),
            text,
        }
    }

    /// Whether text begins as a file of events does, in any form. The first line of one
    /// may have been cut.
    #[must_use]
    pub fn is_of_events(text: &[u8]) -> bool {
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        BEGINNINGS
            .iter()
            .any(|begin| line.starts_with(begin) || (!line.is_empty() && begin.starts_with(line)))
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            SinkFormat::Jsonl => "application/x-ndjson",
            SinkFormat::Ocsf => "application/json",
            SinkFormat::Cef => "text/plain; charset=utf-8",
        }
    }

    /// A batch as the body of a request: an array where a body has to be one JSON value.
    pub(super) fn body(self, events: &[SinkEvent]) -> Vec<u8> {
        let (begin, between, end): (&[u8], &[u8], &[u8]) = match self {
            SinkFormat::Ocsf => (b"[", b",", b"]"),
            SinkFormat::Jsonl | SinkFormat::Cef => (b"", b"\n", b"\n"),
        };
        let mut body = begin.to_vec();
        for (at, event) in events.iter().enumerate() {
            if at > 0 {
                body.extend_from_slice(between);
            }
            body.extend_from_slice(&event.text);
        }
        body.extend_from_slice(end);
        body
    }
}

/// The members in canonical order; `payload_bytes` in the place of a payload that is
/// left out.
fn jsonl(about: &EventOrigin, seq: Seq, entry: &Entry, whole: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(entry.record().len() + 512);
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    let mut kind = Vec::new();
    Value::from(entry.kind()).write_canonical(Form::Utf8, &mut kind);
    let (genesis, log) = (about.genesis.as_bytes(), about.log.as_bytes());
    let hash = entry.hash().to_string();
    put(&[
        b"{\"genesis\":\"",
        genesis,
        b"\",\"hash\":\"",
        hash.as_bytes(),
    ]);
    put(&[b"\",\"kind\":", &kind, b",\"log\":\"", log]);
    match whole {
        true => put(&[b"\",\"payload\":", entry.payload_bytes()]),
        false => {
            let bytes = entry.payload_bytes().len().to_string();
            put(&[b"\",\"payload_bytes\":", bytes.as_bytes()]);
        }
    }
    let (prev, signature) = (entry.prev_hash().to_string(), entry.signature().to_string());
    let (seq, ts) = (seq.to_string(), entry.ts().to_string());
    put(&[
        b",\"prev_hash\":\"",
        prev.as_bytes(),
        b"\",\"seq\":",
        seq.as_bytes(),
    ]);
    put(&[
        b",\"signature\":\"",
        signature.as_bytes(),
        b"\",\"ts\":\"",
        ts.as_bytes(),
        b"\"}",
    ]);
    out
}
