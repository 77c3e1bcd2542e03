//! The documents that a bundle must carry: those that its entries refer to and
//! that are not among them. They stand before the entries, so the entries are
//! looked through once before they are written; but only if there is any
//! document that could be needed.

use crate::ledger::bundle::{BundleSink, BundleWriter};
use crate::ledger::document::{DocumentDigest, Mentions, digest_of};
use crate::ledger::entry::Entry;
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::store::Store;
use crate::store::query::{Filter, select};
use std::collections::{BTreeSet, HashSet};

use super::EvidenceError;

/// What the entries looked through so far need. A few bytes for each document,
/// not for each entry.
#[derive(Default)]
pub(super) struct Needed {
    wanted: BTreeSet<DocumentDigest>,
    given: HashSet<DocumentDigest>,
}

impl Needed {
    /// Takes an entry that is to be written.
    pub(super) fn take(&mut self, entry: &Entry) {
        let mentions = Mentions::of(entry);
        self.wanted.extend(mentions.refers);
        if let Some(Ok(digest)) = mentions.is {
            self.given.insert(digest);
        }
    }

    /// Writes what is not among the entries, in the order of the digests.
    pub(super) fn write<W: BundleSink>(
        self,
        store: &dyn Store,
        writer: &mut BundleWriter<W>,
    ) -> Result<(), EvidenceError> {
        for digest in self.wanted {
            if !self.given.contains(&digest) {
                writer.document(&find(store, digest)?)?;
            }
        }
        Ok(())
    }
}

fn find(store: &dyn Store, digest: DocumentDigest) -> Result<Entry, EvidenceError> {
    let filter = Filter {
        document: Some(digest.to_string()),
        ..of_documents(None)
    };
    for item in select(store, &filter)? {
        let (_, entry) = item?;
        // An entry may name a digest that is not its content's.
        if digest_of(&entry) == Ok(digest) {
            return Ok(entry);
        }
    }
    Err(EvidenceError::DocumentMissing { digest })
}

/// Whether the log keeps any document up to an entry.
pub(super) fn any_until(store: &dyn Store, last: Seq) -> Result<bool, EvidenceError> {
    let first = select(store, &of_documents(Some(last)))?.next();
    Ok(first.transpose()?.is_some())
}

fn of_documents(until_seq: Option<Seq>) -> Filter {
    Filter {
        kinds: vec![kind::DOCUMENT.to_owned()],
        until_seq,
        ..Filter::default()
    }
}
