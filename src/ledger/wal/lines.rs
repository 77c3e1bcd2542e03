//! The lines of an object, written and read.

use serde::{Deserialize, Serialize};

use super::{Bare, Noted, Says, UnsignedBatch, WalError, WalObject, WalPosition, WalStatement};
use crate::ledger::epoch::EpochHeader;
use crate::ledger::hash::Hash;
use crate::ledger::hexadecimal;
use crate::ledger::json::{self, Form, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::member_error::{MemberError, MemberProblem};
use crate::ledger::opening::FormatVersion;
use crate::ledger::parse as json_text;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;

/// The second line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WalHead {
    entries: u64,
    epoch: bool,
    fence: bool,
    first_seq: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    forget_before: Option<u64>,
    format: FormatVersion,
    generation: u64,
    genesis: Hash,
    /// 32 bytes, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index_key: Option<Hash>,
    log: PublicKey,
    n: u64,
    notes: u64,
    prev: Hash,
    prev_hash: Hash,
    rows: u64,
    writer: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteLine {
    hour: u64,
    #[serde(with = "hexadecimal")]
    key: [u8; 32],
    value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowLine {
    key: String,
    value: String,
}

/// Everything behind the first line.
pub(super) fn body(object: &WalObject) -> Vec<u8> {
    let nothing = UnsignedBatch::default();
    let (batch, fence) = match &object.says {
        Says::Fence => (&nothing, true),
        Says::Batch(batch) => (&**batch, false),
    };
    let head = WalHead {
        entries: batch.entries.len() as u64,
        epoch: batch.epoch.is_some(),
        fence,
        first_seq: batch.first_seq,
        forget_before: batch.forget_before,
        format: FormatVersion,
        generation: object.place.generation,
        genesis: object.genesis,
        index_key: batch.index_key.map(Hash::from_bytes),
        log: object.log,
        n: object.place.n,
        notes: batch.notes.len() as u64,
        prev: object.prev,
        prev_hash: batch.prev_hash,
        rows: batch.rows.len() as u64,
        writer: object.writer,
    };
    let mut out = Vec::new();
    line(&mut out, &shape::write(&head));
    for entry in &batch.entries {
        write_entry(&mut out, entry);
    }
    if let Some(epoch) = &batch.epoch {
        line(&mut out, &shape::write(epoch));
    }
    for note in &batch.notes {
        let note = NoteLine {
            hour: note.hour,
            key: note.key,
            value: hexadecimal::encode(&note.value),
        };
        line(&mut out, &shape::write(&note));
    }
    for (key, value) in &batch.rows {
        let row = RowLine {
            key: hexadecimal::encode(key),
            value: hexadecimal::encode(value),
        };
        line(&mut out, &shape::write(&row));
    }
    out
}

fn line(out: &mut Vec<u8>, value: &Value) {
    value.write_canonical(Form::Utf8, out);
    out.push(b'\n');
}

/// `{"kind":…,"payload":…,"ts":…}`, the payload as it is signed.
fn write_entry(out: &mut Vec<u8>, entry: &Bare) {
    out.extend_from_slice(b"{\"kind\":");
    Value::from(entry.kind.as_str()).write_canonical(Form::Utf8, out);
    out.extend_from_slice(b",\"payload\":");
    out.extend_from_slice(&entry.payload);
    out.extend_from_slice(b",\"ts\":\"");
    out.extend_from_slice(entry.ts.to_string().as_bytes());
    out.extend_from_slice(b"\"}\n");
}

/// The first line, and what follows it.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), WalError> {
    let end = memchr::memchr(b'\n', bytes).ok_or(WalError::Truncated)?;
    let (first, rest) = bytes.split_at_checked(end).ok_or(WalError::Truncated)?;
    Ok((first, rest.get(1..).unwrap_or_default()))
}

pub(super) fn parse(text: &[u8], number: usize) -> Result<Value, WalError> {
    let parsed = json_text::parse_with(text, &limits::embedded(1));
    parsed.map_err(|error| WalError::Json {
        line: number,
        error,
    })
}

/// Reads what [`body`] writes, of an object whose statement is `written`.
pub(super) fn read(body: &[u8], written: &WalStatement) -> Result<WalObject, WalError> {
    let mut lines = WalLines {
        rest: body,
        number: 1,
    };
    let head: WalHead = lines.shape()?;
    let place = WalPosition {
        generation: head.generation,
        n: head.n,
    };
    if place != written.place() {
        return Err(WalError::Place { found: place });
    }
    if (head.log, head.genesis) != (written.log, written.genesis) {
        return Err(WalError::OtherLog {
            log: head.log,
            genesis: head.genesis,
        });
    }
    let batch = lines.batch(&head)?;
    if !lines.rest.is_empty() || (head.fence && batch != UnsignedBatch::default()) {
        return Err(WalError::Lines);
    }
    Ok(WalObject {
        place,
        log: head.log,
        genesis: head.genesis,
        prev: head.prev,
        writer: head.writer,
        says: match head.fence {
            true => Says::Fence,
            false => Says::Batch(Box::new(batch)),
        },
    })
}

struct WalLines<'b> {
    rest: &'b [u8],
    /// Of the last line that was read.
    number: usize,
}

impl WalLines<'_> {
    fn value(&mut self) -> Result<Value, WalError> {
        let (line, rest) = split(self.rest)?;
        self.rest = rest;
        self.number += 1;
        parse(line, self.number)
    }

    fn shape<T: for<'v> Deserialize<'v>>(&mut self) -> Result<T, WalError> {
        let value = self.value()?;
        shape::read(&value, "").map_err(|error| self.fault(error))
    }

    fn fault(&self, error: MemberError) -> WalError {
        WalError::Member {
            line: self.number,
            error,
        }
    }

    fn many<T>(
        &mut self,
        count: u64,
        one: impl Fn(&mut Self) -> Result<T, WalError>,
    ) -> Result<Vec<T>, WalError> {
        // Not made as large as is claimed: the lines are there or they are not.
        (0..count).map(|_| one(self)).collect()
    }

    fn batch(&mut self, head: &WalHead) -> Result<UnsignedBatch, WalError> {
        Ok(UnsignedBatch {
            first_seq: head.first_seq,
            prev_hash: head.prev_hash,
            entries: self.many(head.entries, WalLines::entry)?,
            epoch: match head.epoch {
                true => Some(self.shape::<EpochHeader>()?),
                false => None,
            },
            notes: self.many(head.notes, |lines| {
                let note: NoteLine = lines.shape()?;
                Ok(Noted {
                    hour: note.hour,
                    key: note.key,
                    value: lines.bytes(&note.value)?,
                })
            })?,
            forget_before: head.forget_before,
            rows: self.many(head.rows, |lines| {
                let row: RowLine = lines.shape()?;
                Ok((lines.bytes(&row.key)?, lines.bytes(&row.value)?))
            })?,
            index_key: head.index_key.map(|key| *key.as_bytes()),
        })
    }

    fn entry(&mut self) -> Result<Bare, WalError> {
        let value = self.value()?;
        self.bare(&value).map_err(|error| self.fault(error))
    }

    fn bare(&self, value: &Value) -> Result<Bare, MemberError> {
        let members: &json::Object = shape::members(value)?;
        shape::only(members, &["kind", "payload", "ts"])?;
        let mut payload = Vec::new();
        shape::member_object(members, "payload")?.write_canonical(Form::Utf8, &mut payload);
        Ok(Bare {
            kind: shape::member(members, "kind")?,
            ts: shape::member::<Timestamp>(members, "ts")?,
            payload,
        })
    }

    fn bytes(&self, text: &str) -> Result<Vec<u8>, WalError> {
        let even = text.len().is_multiple_of(2);
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let digits = text.len().next_multiple_of(2);
        let wrong = |()| self.fault(MemberProblem::BadHex { digits }.into());
        let bytes = (even && lower).then(|| hex::decode(text).ok()).flatten();
        bytes.ok_or(()).map_err(wrong)
    }
}
