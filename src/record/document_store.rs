//! Documents in the ledger, stored once each.
//!
//! A decision must never stand before a document that it refers to, and never
//! refer to one that is not there. So a document goes in the same request as
//! the first decision that refers to it, before it; and nobody else takes it
//! for stored until that request is durable. Documents are rare: the one
//! decision that brings one waits for the disk here, all others go by.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::document::{Document, DocumentDigest};
use super::error::{DOCUMENT_BYTES, RecordError};
use super::kind;
use super::prepare::prepare;
use crate::logbook::Logbook;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{Pending, PreparedEntry, Receipt};
use crate::store::query::{Filter, select};

/// Digests kept in memory. Of a forgotten one the ledger is asked again.
const REMEMBERED: usize = 100_000;

/// What is known to be stored.
#[derive(Debug, Default)]
pub(super) struct DocumentStore {
    stored: RwLock<HashSet<DocumentDigest>>,
    /// Held while a document is stored, so that none is stored twice.
    storing: Mutex<()>,
}

/// An entry on its way, or there.
#[derive(Debug)]
pub enum SubmittedEntry {
    /// On its way.
    Pending(Pending),
    /// There.
    Durable(Receipt),
}

impl SubmittedEntry {
    /// Waits until the entry is durable; of several, until the last one is.
    ///
    /// # Errors
    /// [`LogbookError`]; then it is not acknowledged.
    pub fn wait(self) -> Result<Receipt, LogbookError> {
        self.wait_all()?.pop().ok_or(LogbookError::Stopped)
    }

    /// Waits until every entry of the request is durable.
    ///
    /// # Errors
    /// [`LogbookError`]; then none is acknowledged.
    pub fn wait_all(self) -> Result<Vec<Receipt>, LogbookError> {
        match self {
            SubmittedEntry::Durable(receipt) => Ok(vec![receipt]),
            SubmittedEntry::Pending(pending) => pending.wait(),
        }
    }
}

impl DocumentStore {
    /// Submits `entry`, after those of `documents` that are not stored yet.
    pub(super) fn submit(
        &self,
        logbook: &Logbook,
        documents: &[&Arc<Document>],
        entry: PreparedEntry,
    ) -> Result<SubmittedEntry, RecordError> {
        if self.missing(documents).is_empty() {
            return Ok(SubmittedEntry::Pending(logbook.submit(vec![entry])?));
        }
        let _storing = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut entries, mut stored) = (Vec::new(), Vec::new(), HashSet::new());
        for document in self.missing(documents) {
            let digest = document.digest();
            if is_stored(logbook, digest)? {
                found.push(digest);
            } else if stored.insert(digest) {
                let payload = document.to_payload();
                entries.push(prepare(kind::DOCUMENT, &payload, DOCUMENT_BYTES)?);
            }
        }
        self.remember(found);
        if entries.is_empty() {
            return Ok(SubmittedEntry::Pending(logbook.submit(vec![entry])?));
        }
        entries.push(entry);
        let receipt = SubmittedEntry::Pending(logbook.submit(entries)?).wait()?;
        self.remember(stored);
        Ok(SubmittedEntry::Durable(receipt))
    }

    /// Whether all of them are known to be stored.
    pub(super) fn has(&self, documents: &[&Arc<Document>]) -> bool {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        documents.iter().all(|it| stored.contains(&it.digest()))
    }

    fn missing<'d>(&self, documents: &[&'d Arc<Document>]) -> Vec<&'d Arc<Document>> {
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let missing = documents.iter().filter(|d| !stored.contains(&d.digest()));
        missing.copied().collect()
    }

    fn remember(&self, digests: impl IntoIterator<Item = DocumentDigest>) {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        if stored.len() > REMEMBERED {
            stored.clear();
        }
        stored.extend(digests);
    }
}

/// Whether the ledger holds the document: by its index, and by reading what is
/// not indexed yet.
fn is_stored(logbook: &Logbook, digest: DocumentDigest) -> Result<bool, RecordError> {
    let filter = Filter {
        kinds: vec![kind::DOCUMENT.to_owned()],
        document: Some(digest.to_string()),
        limit: Some(1),
        ..Filter::default()
    };
    let found = select(&**logbook.store(), &filter)?.next().transpose()?;
    Ok(found.is_some())
}
