//! Builds the index behind the commits.
//!
//! [`catch_up`] is called wherever there is time for it: by the writer's own
//! thread, when a ledger is opened or closed, before a query. It is idempotent
//! and may be stopped anywhere: postings and the mark that says how far they
//! reach are written together.

use crate::ledger::entry::{EntryError, Unhashed};
use crate::ledger::position::Seq;

use super::facts::Facts;
use super::{Posting, Store, StoreError};

/// Entries whose postings are written together.
const STEP: u64 = 4_096;

/// Why the index does not go on. It stays correct up to where it reached, and
/// queries scan from there, where they meet the same entry.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IndexError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("entry {seq} is missing")]
    Gap { seq: Seq },
    #[error("entry {seq}: {error}")]
    Entry { seq: Seq, error: EntryError },
}

/// Indexes at most `most` of the entries that are not in the index yet, the
/// oldest first, and says how many it did: none when there is nothing left.
pub fn catch_up(store: &dyn Store, most: u64) -> Result<u64, IndexError> {
    let from = store.indexed_to()?;
    let end = store.count()?.min(from.saturating_add(most));
    let mut postings = Vec::new();
    let mut at = from;
    for row in store.entries(from..end) {
        let (seq, record) = row?;
        if seq.0 != at {
            return Err(IndexError::Gap { seq: Seq(at) });
        }
        // Not hashed: what is found by the index is checked when it is read.
        let entry = Unhashed::from_record(record);
        let entry = entry.map_err(|error| IndexError::Entry { seq, error })?;
        let facts = Facts::of_parts(entry.kind(), entry.payload_bytes());
        postings.extend(facts.terms().map(|term| Posting { term, seq }));
        at += 1;
        if (at - from).is_multiple_of(STEP) {
            store.index(&postings, at)?;
            postings.clear();
        }
    }
    if at < end {
        return Err(IndexError::Gap { seq: Seq(at) });
    }
    if !postings.is_empty() {
        store.index(&postings, at)?;
    }
    Ok(at - from)
}
