//! Entries of reserved kinds on their way to the writer.

use super::error::RecordError;
use crate::ledger::json::Object;
use crate::ledger::limits;
use crate::logbook::request::Prepared;

/// An entry of a reserved kind, within its limits: what is in the ledger must
/// be readable by a verifier.
pub(super) fn prepare(
    kind: &'static str,
    payload: &Object,
    limit: usize,
) -> Result<Prepared, RecordError> {
    let levels = 1 + payload.iter().map(|(_, v)| v.depth()).max().unwrap_or(0);
    if levels > limits::PAYLOAD_LEVELS {
        return Err(RecordError::TooDeep { kind, levels });
    }
    let entry = Prepared::new(kind, payload)?;
    let bytes = entry.payload_bytes();
    if bytes > limit {
        return Err(RecordError::TooLarge { kind, bytes, limit });
    }
    Ok(entry)
}
