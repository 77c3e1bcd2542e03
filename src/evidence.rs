//! Taking evidence out of a ledger: proofs of single entries, bundles of
//! ranges. Reads the store only; whatever the store answers is proven against
//! the signed header before it is given away.

use std::io::Write;

use thiserror::Error;

use crate::ledger::bundle::{BundleError, BundleWriter};
use crate::ledger::bundle_line::{BundleClosing, BundleOpening, Contents};
use crate::ledger::entry::Entry;
use crate::ledger::epoch::{EpochHeader, EpochTree, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::key::Signer;
use crate::ledger::merkle::{LeafRange, root_from_path};
use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::ledger::statement::{SignedEpoch, SignedHead};
use crate::logbook::error::OpenError;
use crate::logbook::{entry_at, epoch_at, identity_of};
use crate::store::tree::{TreeError, inclusion_path, subtree_hashes};
use crate::store::{Store, StoreError};

/// Why there is no evidence to give.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such entry.
    #[error("there is no entry {seq}")]
    NoSuchEntry {
        /// The entry asked for.
        seq: Seq,
    },
    /// No entry lies in the range.
    #[error("no entry lies in the range")]
    EmptyRange,
    /// No epoch seals the entry yet.
    #[error("entry {seq} is not sealed yet")]
    NotSealed {
        /// The entry asked for.
        seq: Seq,
    },
    /// The stored tree is damaged.
    #[error("the stored tree is damaged: {0}")]
    Tree(#[from] TreeError),
    /// The stored tree does not lead to the sealed root.
    #[error("the stored tree does not lead from entry {seq} to the sealed root: verify the ledger")]
    NotProven {
        /// The entry asked for.
        seq: Seq,
    },
    /// The evidence could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The proof that entry `seq` is in the log: O(log n) reads.
///
/// # Errors
/// [`EvidenceError`]; `NotSealed` if its epoch is still open.
pub fn prove(store: &dyn Store, seq: Seq) -> Result<InclusionProof, EvidenceError> {
    if store.last_seq()?.is_none_or(|last| seq > last) {
        return Err(EvidenceError::NoSuchEntry { seq });
    }
    let number = store
        .epoch_of(seq)?
        .ok_or(EvidenceError::NotSealed { seq })?;
    let epoch = epoch_at(store, number)?;
    let entry = entry_at(store, seq)?;
    let header = &epoch.content;
    let not_proven = EvidenceError::NotProven { seq };
    let Some(index) = seq.0.checked_sub(header.first_seq.0) else {
        return Err(not_proven);
    };
    let path = inclusion_path(store, header.epoch, index, header.tree_size)?;
    let leaf = leaf_hash(&entry.hash(), &entry.signature());
    let root = root_from_path::<EpochTree>(index, header.tree_size, &leaf, &path);
    if root != Ok(header.root) {
        return Err(not_proven);
    }
    Ok(InclusionProof {
        seq,
        entry,
        epoch,
        path,
    })
}

/// What to put into a bundle of a range.
pub struct RangeExport<'a> {
    /// The first entry.
    pub first: Seq,
    /// The last entry; beyond the end of the log, the last there is.
    pub last: Seq,
    /// Under which head unsealed entries may be given. Without one they are
    /// left out.
    pub head: Option<&'a SignedHead>,
    /// Who signs the closing record.
    pub signer: Option<&'a dyn Signer>,
    /// Told how many entries are written so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// Writes the bundle of a range.
///
/// # Errors
/// [`EvidenceError`]; what was written by then is no bundle.
pub fn export_range<W: Write>(
    store: &dyn Store,
    out: W,
    export: RangeExport<'_>,
) -> Result<(W, BundleClosing), EvidenceError> {
    let identity = identity_of(store)?;
    let last = last_of(store, &export)?;
    let opening = BundleOpening {
        contents: Contents::Range,
        log: identity.log,
        genesis: identity.genesis,
        first_seq: export.first,
        last_seq: last,
    };
    let mut writer = BundleWriter::new(out, &opening)?;
    let mut epoch: Option<SignedEpoch> = None;
    let mut headed = false;
    let mut expected = export.first;
    for row in store.entries(export.first.0..last.0.saturating_add(1)) {
        let (seq, record) = row?;
        if seq != expected {
            return Err(OpenError::EntryMissing { seq: expected }.into());
        }
        expected = Seq(seq.0.saturating_add(1));
        let entry = Entry::from_record(record).map_err(|error| OpenError::Entry { seq, error })?;
        if epoch.is_none() && !headed {
            epoch = begin(store, &mut writer, seq, export.head)?;
            headed = epoch.is_none();
        }
        writer.entry(seq, &entry, None)?;
        let ends = |epoch: &SignedEpoch| seq == epoch.content.last_seq || seq == last;
        if let Some(ended) = epoch.take_if(|epoch| ends(epoch)) {
            let header = &ended.content;
            let done = seq.0.saturating_sub(header.first_seq.0) + 1;
            writer.after(&subtrees(store, header, done, header.tree_size)?)?;
        }
        if seq.0.is_multiple_of(1_024) {
            (export.progress)(seq.0 - export.first.0);
        }
    }
    if expected.0 != last.0.saturating_add(1) {
        return Err(OpenError::EntryMissing { seq: expected }.into());
    }
    Ok(writer.finish(export.signer)?)
}

/// The last entry to give: as far as an epoch or the head covers.
fn last_of(store: &dyn Store, export: &RangeExport<'_>) -> Result<Seq, EvidenceError> {
    let sealed_to = match store.last_epoch()? {
        Some(number) => Some(epoch_at(store, number)?.content.last_seq),
        None => None,
    };
    let in_log = store.last_seq()?.ok_or(EvidenceError::EmptyRange)?;
    let wanted = export.last.min(in_log);
    let head = export.head.map(|head| head.content.seq);
    // A head covers exactly the entries up to it.
    let covered = match (sealed_to, head) {
        (Some(sealed), _) if wanted <= sealed => wanted,
        (_, Some(head)) if head == wanted => wanted,
        (Some(sealed), _) => sealed,
        (None, _) if wanted < export.first => return Err(EvidenceError::EmptyRange),
        (None, _) => return Err(EvidenceError::NotSealed { seq: export.first }),
    };
    if covered < export.first {
        return Err(match wanted < export.first {
            true => EvidenceError::EmptyRange,
            false => EvidenceError::NotSealed { seq: export.first },
        });
    }
    Ok(covered)
}

/// Writes what must stand before entry `seq`: its epoch's header and the
/// subtrees before it, or the head under which the unsealed entries stand.
fn begin<W: Write>(
    store: &dyn Store,
    writer: &mut BundleWriter<W>,
    seq: Seq,
    head: Option<&SignedHead>,
) -> Result<Option<SignedEpoch>, EvidenceError> {
    let Some(number) = store.epoch_of(seq)? else {
        if let Some(head) = head {
            writer.head(head)?;
        }
        return Ok(None);
    };
    let epoch = epoch_at(store, number)?;
    writer.epoch(&epoch)?;
    let header = &epoch.content;
    let skipped = seq.0.saturating_sub(header.first_seq.0);
    writer.before(&subtrees(store, header, 0, skipped)?)?;
    Ok(Some(epoch))
}

fn subtrees(
    store: &dyn Store,
    header: &EpochHeader,
    start: u64,
    end: u64,
) -> Result<Vec<Hash>, TreeError> {
    subtree_hashes(store, header.epoch, LeafRange { start, end })
}
