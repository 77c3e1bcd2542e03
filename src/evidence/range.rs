//! Bundles of ranges: every entry from the first to the last.

use std::collections::VecDeque;

use crate::ledger::bundle::{BundleSink, BundleWriter};
use crate::ledger::bundle_line::{BundleClosing, Contents};
use crate::ledger::entry::{Entry, Unhashed};
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::key::Signer;
use crate::ledger::merkle::LeafRange;
use crate::ledger::position::Seq;
use crate::ledger::version::Version;
use crate::logbook::epoch_at;
use crate::logbook::error::OpenError;
use crate::store::tree::{TreeError, subtree_hashes};
use crate::store::{Rows, Store};

use super::documents::{Needed, any_until};
use super::openings::Openings;
use super::term::OpenedLog;
use super::{EvidenceError, sealed_to};

/// What to put into a bundle of a range.
pub struct RangeExport<'a> {
    pub first: Seq,
    /// The last entry; beyond the end of the log, the last there is.
    pub last: Seq,
    /// Under which head unsealed entries may be given. Without one they are
    /// left out.
    pub head: Option<&'a SignedHead>,
    pub version: Version,
    /// Which openings of redacted members go with them.
    pub openings: Openings,
    pub signer: Option<&'a dyn Signer>,
    /// Told how many entries are written so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// Writes the bundle of a range.
///
/// # Errors
/// [`EvidenceError`]; what was written by then is not a bundle.
pub fn export_range<W: BundleSink>(
    store: &dyn Store,
    out: W,
    export: RangeExport<'_>,
) -> Result<(W, BundleClosing), EvidenceError> {
    let opened = OpenedLog::read(store)?;
    let last = last_of(store, &export)?;
    let contents = Contents::Range {
        first_seq: export.first,
        last_seq: last,
    };
    let openings = export.openings.in_version(export.version);
    let any = openings.any_in(store, export.first, last)?;
    let opening = opened.line(export.version, contents, any)?;
    let mut writer = BundleWriter::new(out, &opening, &opened.entry)?;
    needed(store, export.first, last)?.write(store, &mut writer)?;
    let mut epoch: Option<SignedEpoch> = None;
    let mut headed = false;
    let mut expected = export.first;
    for entry in entries_of(store, export.first, last) {
        let (seq, entry) = entry?;
        if seq != expected {
            return Err(OpenError::EntryMissing { seq: expected }.into());
        }
        expected = Seq(seq.0.saturating_add(1));
        if epoch.is_none() && !headed {
            epoch = begin(store, &mut writer, seq, export.head)?;
            headed = epoch.is_none();
        }
        writer.entry(seq, &entry, None)?;
        if any {
            openings.write(store, &opening.genesis, (seq, &entry), &mut writer)?;
        }
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

/// Entries whose hashes are made together, at most.
const TOGETHER: usize = 64;

/// Bytes of entries from which on no more are read together.
const TOGETHER_BYTES: usize = 1 << 20;

/// The entries of a range, in their order.
fn entries_of(
    store: &dyn Store,
    first: Seq,
    last: Seq,
) -> impl Iterator<Item = Result<(Seq, Entry), EvidenceError>> {
    let mut rows = store.entries(first.0..last.0.saturating_add(1));
    let mut ready = VecDeque::new();
    std::iter::from_fn(move || {
        if ready.is_empty() {
            ready = together(&mut rows);
        }
        ready.pop_front()
    })
}

/// The next entries, and why the one behind them cannot be read.
fn together(rows: &mut Rows<'_, Seq>) -> VecDeque<Result<(Seq, Entry), EvidenceError>> {
    let (mut seqs, mut formed, mut failed) = (Vec::new(), Vec::new(), None);
    let mut bytes = 0;
    while failed.is_none() && seqs.len() < TOGETHER && bytes < TOGETHER_BYTES {
        match rows.next() {
            None => break,
            Some(Err(error)) => failed = Some(Err(error.into())),
            Some(Ok((seq, record))) => {
                bytes += record.len();
                match Unhashed::from_record(record) {
                    Ok(one) => {
                        seqs.push(seq);
                        formed.push(one);
                    }
                    Err(error) => failed = Some(Err(OpenError::Entry { seq, error }.into())),
                }
            }
        }
    }
    let entries = Unhashed::hashed_all(formed);
    seqs.into_iter()
        .zip(entries)
        .map(Ok)
        .chain(failed)
        .collect()
}

/// What the entries of a range need. A document stands before all that refer to
/// it, so a range from the first entry on has all of its own.
fn needed(store: &dyn Store, first: Seq, last: Seq) -> Result<Needed, EvidenceError> {
    let mut needed = Needed::default();
    let before = first.before().map(|before| any_until(store, before));
    if !before.transpose()?.unwrap_or(false) {
        return Ok(needed);
    }
    for entry in entries_of(store, first, last) {
        needed.take(&entry?.1);
    }
    Ok(needed)
}

/// The last entry to give: as far as an epoch or the head covers.
fn last_of(store: &dyn Store, export: &RangeExport<'_>) -> Result<Seq, EvidenceError> {
    let sealed_to = sealed_to(store)?;
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
fn begin<W: BundleSink>(
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
