//! Taking evidence out of a ledger: proofs of single entries, bundles of ranges
//! and of selections. Reads the store only; a path is proven against the signed
//! header before it is given away.

mod documents;
mod omitted;
pub mod openings;
pub mod range;
pub mod report;
pub mod selection;
pub mod term;

use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::ledger::bundle::BundleError;
use crate::ledger::document::DocumentDigest;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochTree, SignedEpoch, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::merkle::root_from_path;
use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::ledger::redact::pointer::Pointer;
use crate::logbook::error::OpenError;
use crate::logbook::{entry_at, epoch_at};
use crate::store::query::QueryError;
use crate::store::terms::TermsError;
use crate::store::tree::{PathReader, TreeError};
use crate::store::{Store, StoreError};

/// Why there is no evidence to give.
#[derive(Debug, Error)]
pub enum EvidenceError {
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no entry {seq}")]
    NoSuchEntry { seq: Seq },
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("no entry lies in the range")]
    EmptyRange,
    #[error("entry {seq} is not sealed yet")]
    NotSealed { seq: Seq },
    #[error("entry {seq} of the selection is not sealed yet")]
    SelectionNotSealed { seq: Seq },
    #[error("the stored tree is damaged: {0}")]
    Tree(#[from] TreeError),
    /// The rows of the index are damaged.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The log has no index.
    #[error("the headers of this log commit to no index, so nothing is proven out of one")]
    NoIndex,
    /// Nothing is sealed yet.
    #[error("nothing is sealed yet")]
    NothingSealed,
    /// Headers that commit to an index stand in files of version 2 alone.
    #[error("the headers of this log commit to an index, which needs files of version 2")]
    NeedsVersionTwo,
    /// More kinds than a bundle of version 2 says that it answers.
    #[error("a bundle answers for 1000 kinds at most: ask for fewer, or write version 1")]
    TooManyKinds,
    #[error("the stored tree does not lead from entry {seq} to the sealed root: verify the ledger")]
    NotProven { seq: Seq },
    #[error("the document {digest} is not in the ledger, and an entry refers to it")]
    DocumentMissing { digest: DocumentDigest },
    #[error("the stored opening of `{pointer}` of entry {seq} does not fit it: verify the ledger")]
    OpeningDamaged { seq: Seq, pointer: Pointer },
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The proof that entry `seq` is in the log: O(log n) reads. For many of them
/// ask a [`Prover`].
pub fn prove(store: &dyn Store, seq: Seq) -> Result<InclusionProof, EvidenceError> {
    Prover::default().prove(store, seq)
}

/// Gives proofs out of one ledger. It remembers the header and the tiles of the
/// last one: many proofs are usually of one epoch. Several threads can ask; one that
/// comes while another has what is remembered reads again.
#[derive(Debug, Default)]
pub struct Prover {
    last: Mutex<Option<Sealed>>,
}

/// An epoch, and what was read of its tree. Both are written once.
#[derive(Debug)]
struct Sealed {
    epoch: SignedEpoch,
    paths: PathReader,
    /// Entry 0 of the log.
    opening: Entry,
}

impl Prover {
    /// The proof that entry `seq` is in the log: O(log n) reads.
    pub fn prove(&self, store: &dyn Store, seq: Seq) -> Result<InclusionProof, EvidenceError> {
        if store.last_seq()?.is_none_or(|last| seq > last) {
            return Err(EvidenceError::NoSuchEntry { seq });
        }
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = last().take().filter(|sealed| sealed.holds(seq));
        let mut sealed = match remembered {
            Some(sealed) => sealed,
            None => Sealed::read(store, seq)?,
        };
        let entry = entry_at(store, seq)?;
        let path = path_of(store, &mut sealed.paths, seq, &entry, &sealed.epoch)?;
        let epoch = sealed.epoch.clone();
        let opening = sealed.opening.clone();
        *last() = Some(sealed);
        Ok(InclusionProof {
            seq,
            entry,
            epoch,
            path,
            opening: Some(opening),
        })
    }
}

impl Sealed {
    /// The epoch that entry `seq` is in.
    fn read(store: &dyn Store, seq: Seq) -> Result<Sealed, EvidenceError> {
        let number = store
            .epoch_of(seq)?
            .ok_or(EvidenceError::NotSealed { seq })?;
        let epoch = epoch_at(store, number)?;
        let paths = paths_of(&epoch);
        let opening = entry_at(store, Seq::FIRST)?;
        Ok(Sealed {
            epoch,
            paths,
            opening,
        })
    }

    fn holds(&self, seq: Seq) -> bool {
        let header = &self.epoch.content;
        (header.first_seq..=header.last_seq).contains(&seq)
    }
}

/// The last entry that an epoch seals.
fn sealed_to(store: &dyn Store) -> Result<Option<Seq>, EvidenceError> {
    Ok(match store.last_epoch()? {
        Some(number) => Some(epoch_at(store, number)?.content.last_seq),
        None => None,
    })
}

fn paths_of(epoch: &SignedEpoch) -> PathReader {
    PathReader::new(epoch.content.epoch, epoch.content.tree_size)
}

/// The path from an entry's leaf to the root of its epoch, proven.
fn path_of(
    store: &dyn Store,
    paths: &mut PathReader,
    seq: Seq,
    entry: &Entry,
    epoch: &SignedEpoch,
) -> Result<Vec<Hash>, EvidenceError> {
    let header = &epoch.content;
    let not_proven = EvidenceError::NotProven { seq };
    let Some(index) = seq.0.checked_sub(header.first_seq.0) else {
        return Err(not_proven);
    };
    let path = paths.path(store, index)?;
    let leaf = leaf_hash(&entry.hash(), &entry.signature());
    let root = root_from_path::<EpochTree>(index, header.tree_size, &leaf, &path);
    if root == Ok(header.root) {
        Ok(path)
    } else {
        Err(not_proven)
    }
}
