//! Entries of reserved kinds on their way to the writer.

use super::error::RecordError;
use crate::ledger::json::{Form, Object};
use crate::ledger::limits;
use crate::logbook::request::PreparedEntry;

/// An entry of a reserved kind, within its limits: what is in the ledger must
/// be readable by a verifier.
pub(super) fn prepare(
    kind: &'static str,
    payload: &Object,
    limit: usize,
) -> Result<PreparedEntry, RecordError> {
    let levels = 1 + payload.iter().map(|(_, v)| v.depth()).max().unwrap_or(0);
    let mut text = Vec::new();
    payload.write_canonical(Form::Utf8, &mut text);
    prepare_text(kind, text, levels, limit)
}

/// The same of a payload that is canonical text already, with so many levels.
pub(super) fn prepare_text(
    kind: &'static str,
    text: Vec<u8>,
    levels: usize,
    limit: usize,
) -> Result<PreparedEntry, RecordError> {
    if levels > limits::PAYLOAD_LEVELS {
        return Err(RecordError::TooDeep { kind, levels });
    }
    let entry = PreparedEntry::of_text(kind, text)?;
    let bytes = entry.payload_bytes();
    if bytes > limit {
        return Err(RecordError::TooLarge { kind, bytes, limit });
    }
    Ok(entry)
}
