//! Rows become columns.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, ListBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, Field};
use rayon::prelude::*;

use super::schema::TableKind;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::hash::Hash;
use crate::ledger::json::Form;
use crate::ledger::key::Signature;
use crate::ledger::position::Seq;
use crate::producers::derived::{Derived, TEXTS};

/// An entry, where it stands and what seals it.
#[derive(Debug)]
pub struct Row {
    /// Its number.
    pub seq: Seq,
    /// The epoch that seals it.
    pub epoch: Option<u64>,
    /// The entry.
    pub entry: Entry,
    /// The siblings, 32 bytes each, of an entry of a selection.
    pub path: Option<Vec<u8>>,
}

/// Entries as the columns of the table, for programs that compute in memory.
///
/// # Errors
/// [`ArrowError`] where a column does not hold them.
pub fn record_batch(rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    of_entries(TableKind::Entries, rows)
}

/// Neither a sequence number nor an epoch is ever so large.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The rows as columns of the table.
pub(super) fn of_entries(table: TableKind, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let derived: Vec<_> = rows.par_iter().map(|row| derived(&row.entry)).collect();
    let mut text = StringBuilder::new();
    let mut hash = FixedSizeBinaryBuilder::new(32);
    let mut signature = FixedSizeBinaryBuilder::new(64);
    let schema = table.schema();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for field in schema.fields() {
        let column: ArrayRef = match field.name().as_str() {
            "seq" => numbers(rows.iter().map(|row| Some(row.seq.0))),
            "epoch" => numbers(rows.iter().map(|row| row.epoch)),
            "ts" => {
                let micros = rows.iter().map(|row| row.entry.ts().unix_micros());
                Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
            }
            "ts_text" => {
                rows.iter()
                    .for_each(|row| text.append_value(row.entry.ts_text()));
                Arc::new(text.finish())
            }
            "kind" => {
                rows.iter()
                    .for_each(|row| text.append_value(row.entry.kind()));
                Arc::new(text.finish())
            }
            "payload" => {
                rows.iter()
                    .for_each(|row| text.append_value(payload(&row.entry)));
                Arc::new(text.finish())
            }
            "tenants" => lists(&derived),
            "denied" => {
                let mut denied = BooleanBuilder::new();
                derived
                    .iter()
                    .for_each(|row| denied.append_option(row.denied));
                Arc::new(denied.finish())
            }
            "hash" => {
                for row in rows {
                    hash.append_value(row.entry.hash().as_bytes())?;
                }
                Arc::new(hash.finish())
            }
            "prev_hash" => {
                for row in rows {
                    hash.append_value(row.entry.prev_hash().as_bytes())?;
                }
                Arc::new(hash.finish())
            }
            "signature" => {
                for row in rows {
                    signature.append_value(row.entry.signature().as_bytes())?;
                }
                Arc::new(signature.finish())
            }
            "path" => {
                let mut paths = BinaryBuilder::new();
                rows.iter()
                    .for_each(|row| paths.append_value(row.path.as_deref().unwrap_or_default()));
                Arc::new(paths.finish())
            }
            name => {
                let at = TEXTS.iter().position(|text| *text == name);
                for row in &derived {
                    let value = at.and_then(|at| row.texts.get(at)?.as_deref());
                    text.append_option(value);
                }
                Arc::new(text.finish())
            }
        };
        columns.push(column);
    }
    RecordBatch::try_new(schema, columns)
}

fn derived(entry: &Entry) -> Derived<'_> {
    Derived::of(entry.kind(), payload(entry))
}

/// An entry's payload is text: it was read as JSON.
fn payload(entry: &Entry) -> &str {
    str::from_utf8(entry.payload_bytes()).unwrap_or_default()
}

fn numbers(numbers: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(
        numbers.map(|number| number.map(signed)),
    ))
}

fn lists(rows: &[Derived<'_>]) -> ArrayRef {
    let element = Field::new("element", arrow_schema::DataType::Utf8, false);
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element);
    for row in rows {
        for tenant in &row.tenants {
            lists.values().append_value(tenant);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// Epoch headers as columns.
pub(super) fn of_epochs(epochs: &[SignedEpoch]) -> Result<RecordBatch, ArrowError> {
    let each =
        |read: fn(&SignedEpoch) -> u64| numbers(epochs.iter().map(|epoch| Some(read(epoch))));
    let times = |read: fn(&SignedEpoch) -> i64| -> ArrayRef {
        let micros = epochs.iter().map(read);
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    };
    let hashes = |read: fn(&SignedEpoch) -> Hash| -> Result<ArrayRef, ArrowError> {
        let mut hashes = FixedSizeBinaryBuilder::new(32);
        for epoch in epochs {
            hashes.append_value(read(epoch).as_bytes())?;
        }
        Ok(Arc::new(hashes.finish()))
    };
    let mut statements = StringBuilder::new();
    for epoch in epochs {
        statements.append_value(epoch.to_value().canonical(Form::Utf8));
    }
    let columns: Vec<ArrayRef> = vec![
        each(|epoch| epoch.content.epoch.0),
        each(|epoch| epoch.content.first_seq.0),
        each(|epoch| epoch.content.last_seq.0),
        each(|epoch| epoch.content.tree_size),
        times(|epoch| epoch.content.hour.unix_micros()),
        times(|epoch| epoch.content.sealed_at.unix_micros()),
        hashes(|epoch| epoch.content.root)?,
        hashes(|epoch| epoch.content.head)?,
        hashes(|epoch| epoch.content.prev)?,
        hashes(|epoch| Hash::from_bytes(*epoch.content.log.as_bytes()))?,
        hashes(|epoch| epoch.content.genesis)?,
        Arc::new(statements.finish()),
    ];
    RecordBatch::try_new(TableKind::Epochs.schema(), columns)
}

const _: () = assert!(Hash::BYTES == 32 && Signature::BYTES == 64);
