//! How far something has come, for those who wait for it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Is told how far something has come, about once a batch.
pub type Progress<'p> = dyn FnMut(ProgressStep) + 'p;

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressStep {
    /// So much is done.
    pub done: u64,
    /// Of so much, where that is known.
    pub total: Option<u64>,
    /// Of what.
    pub unit: Unit,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a file.
    Bytes,
    /// Entries.
    Entries,
}

impl ProgressStep {
    #[cfg(feature = "parquet")]
    pub(super) const fn of_entries(done: u64) -> ProgressStep {
        ProgressStep {
            done,
            total: None,
            unit: Unit::Entries,
        }
    }

    pub(super) fn of_bytes(read: &AtomicU64, length: u64) -> ProgressStep {
        ProgressStep {
            done: read.load(Ordering::Relaxed),
            total: Some(length),
            unit: Unit::Bytes,
        }
    }
}
