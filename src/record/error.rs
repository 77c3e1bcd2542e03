//! Why an outcome was not recorded.

use thiserror::Error;

use crate::ledger::limits;
use crate::logbook::error::LogbookError;
use crate::store::query::QueryError;

/// What a decision or another outcome may have as canonical JSON: 4 MiB. A
/// request of ten is not a request, and would be kept for ever.
pub const OUTCOME_BYTES: usize = 4 << 20;

/// What a document may have: nearly as much as an entry.
pub const DOCUMENT_BYTES: usize = 15 << 20;

#[derive(Clone, Debug, Error)]
pub enum RecordError {
    #[error("the {kind} has {bytes} bytes; at most {limit} are recorded")]
    TooLarge {
        kind: &'static str,
        bytes: usize,
        limit: usize,
    },
    #[error(
        "the {kind} has {levels} levels of nesting; at most {} are recorded",
        limits::PAYLOAD_LEVELS
    )]
    TooDeep { kind: &'static str, levels: usize },
    #[error(transparent)]
    Search(#[from] QueryError),
    #[error(transparent)]
    Logbook(#[from] LogbookError),
}
