//! Why an outcome was not recorded.

use thiserror::Error;

use crate::ledger::limits;
use crate::logbook::error::LogbookError;
use crate::store::query::QueryError;

/// What a decision or another outcome may have as canonical JSON: 4 MiB. A
/// request of ten is no request, and would be kept for ever.
pub const OUTCOME_BYTES: usize = 4 << 20;

/// What a document may have: nearly as much as an entry.
pub const DOCUMENT_BYTES: usize = 15 << 20;

/// Why an outcome was not recorded. A decision is not acted on then.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is larger than what is recorded.
    #[error("the {kind} has {bytes} bytes; at most {limit} are recorded")]
    TooLarge {
        /// Of which kind it is.
        kind: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// It is nested deeper than a payload may be.
    #[error(
        "the {kind} has {levels} levels of nesting; at most {} are recorded",
        limits::PAYLOAD_LEVELS
    )]
    TooDeep {
        /// Of which kind it is.
        kind: &'static str,
        /// How many levels it has.
        levels: usize,
    },
    /// The ledger could not be searched for a document.
    #[error(transparent)]
    Search(#[from] QueryError),
    /// The ledger did not take it.
    #[error(transparent)]
    Logbook(#[from] LogbookError),
}
