//! Bundles of selections: the entries that a filter wants, each with a path of
//! its own into its epoch.

use rayon::prelude::*;

use crate::ledger::answered::SelectionTerms;
use crate::ledger::bundle::{BundleSink, BundleWriter};
use crate::ledger::bundle_line::{BundleClosing, Contents};
use crate::ledger::entry::Entry;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::hash::Hash;
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::ledger::verify::ALSO_ATTESTATIONS;
use crate::ledger::version::Version;
use crate::logbook::{entry_at, epoch_at};
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::documents::Needed;
use super::omitted::OmittedEntries;
use super::openings::Openings;
use super::term::{OpenedLog, prove_narrowest};
use super::{EvidenceError, path_of, paths_of, sealed_to};

/// What to put into a bundle of a selection.
pub struct SelectionExport<'a> {
    /// Which entries. They are given in the order of the log; newest first only
    /// says which ones a limit leaves.
    pub filter: &'a Filter,
    /// What becomes of entries that no epoch seals yet.
    pub unsealed: Unsealed,
    pub version: Version,
    /// Which openings of redacted members go with them.
    pub openings: Openings,
    pub signer: Option<&'a dyn Signer>,
    /// Told how many entries are written so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// What becomes of entries that are wanted and that no epoch seals yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsealed {
    /// The selection is refused if there is one.
    Refused,
    /// They are left out, and counted; a selection of nothing else is refused.
    LeftOut,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    pub closing: BundleClosing,
    /// Entries that were left out because no epoch seals them yet.
    pub unsealed: u64,
}

/// Writes the bundle of a selection.
///
/// # Errors
/// [`EvidenceError`]; what was written by then is not a bundle. `EmptyRange` and
/// `SelectionNotSealed` come before anything is written.
pub fn export_selection<W: BundleSink>(
    store: &dyn Store,
    out: W,
    export: SelectionExport<'_>,
) -> Result<(W, Selected), EvidenceError> {
    export_with(store, out, export, &[])
}

/// The same with some entries that the filter does not want, in order.
pub(super) fn export_with<W: BundleSink>(
    store: &dyn Store,
    out: W,
    export: SelectionExport<'_>,
    also: &[Seq],
) -> Result<(W, Selected), EvidenceError> {
    let opened = OpenedLog::read(store)?;
    let mut opening = opened.line(export.version, Contents::Selection, false)?;
    let openings = export.openings.in_version(export.version);
    let proof = prove_narrowest(store, export.filter, opened.begun)?;
    // What is sealed from now on is not sealed for this selection: the index does not
    // say anything of it yet.
    let sealed_to = match &proof {
        Some(proof) => Some(proof.header.content.last_seq),
        None => sealed_to(store)?,
    };
    let asked = match export.version {
        Version::One => None,
        Version::Two => Some(asked(export.filter)?),
    };
    let Wanted {
        needed,
        mut items,
        first_unsealed,
        any_openings,
        sealed,
    } = wanted(
        store,
        export.filter,
        asked.as_ref(),
        sealed_to,
        also,
        &openings,
    )?;
    opening.openings = any_openings;
    match (sealed > 0, first_unsealed, export.unsealed) {
        (false, None, _) => return Err(EvidenceError::EmptyRange),
        (_, Some(seq), Unsealed::Refused) | (false, Some(seq), _) => {
            return Err(EvidenceError::SelectionNotSealed { seq });
        }
        _ => {}
    }
    let mut writer = BundleWriter::new(out, &opening, &opened.entry)?;
    let mut answered = export.filter.to_object();
    if !also.is_empty() {
        answered.insert(ALSO_ATTESTATIONS, true);
    }
    writer.answers(answered);
    needed.write(store, &mut writer)?;
    let mut omitted = None;
    if let Some(proof) =
        proof.filter(|proof| proof.entries() <= sealed.saturating_add(MOST_OMITTED))
    {
        writer.term(&proof)?;
        omitted = OmittedEntries::of(store, export.filter, &proof)?;
    }
    let mut current: Option<SignedEpoch> = None;
    let (mut written, mut unsealed) = (0, 0);
    loop {
        let block = next_block(&mut items)?;
        let mut rest = block.as_slice();
        if rest.is_empty() {
            break;
        }
        while let Some((seq, _)) = rest.first() {
            if current.as_ref().is_none_or(|e| *seq > e.content.last_seq) {
                let sealed = (Some(*seq) <= sealed_to).then(|| store.epoch_of(*seq));
                let Some(number) = sealed.transpose()?.flatten() else {
                    unsealed += 1;
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                };
                let epoch = epoch_at(store, number)?;
                if let Some(omitted) = &mut omitted {
                    omitted.write(Some(epoch.content.first_seq), &mut writer)?;
                }
                writer.epoch(&epoch)?;
                current = Some(epoch);
            }
            let Some(epoch) = &current else { break };
            let here = rest.partition_point(|(seq, _)| *seq <= epoch.content.last_seq);
            let (entries, after) = rest.split_at(here);
            for ((seq, entry), path) in entries.iter().zip(paths(store, epoch, entries)) {
                if let Some(omitted) = &mut omitted {
                    omitted.write(Some(*seq), &mut writer)?;
                    omitted.given(*seq);
                }
                writer.entry(*seq, entry, Some(&path?))?;
                if any_openings {
                    openings.write(store, &opening.genesis, (*seq, entry), &mut writer)?;
                }
                written += 1;
                (export.progress)(written);
            }
            rest = after;
        }
    }
    if let Some(omitted) = &mut omitted {
        omitted.write(None, &mut writer)?;
    }
    let (out, closing) = writer.finish(export.signer)?;
    Ok((out, Selected { closing, unsealed }))
}

/// Entries of a term that a filter leaves out, at most: beyond them a selection has no
/// proof out of the index.
const MOST_OMITTED: u64 = 100_000;

/// What the closing record will say.
pub(super) fn asked(filter: &Filter) -> Result<SelectionTerms, EvidenceError> {
    SelectionTerms::read(&filter.to_object()).map_err(|_| EvidenceError::TooManyKinds)
}

/// Entries whose paths are made at once, at most.
const BLOCK: usize = 256;

/// Bytes of entries from which on a block is full.
const BLOCK_BYTES: usize = 1 << 20;

/// Some of the entries that are left; none at the end.
fn next_block(items: &mut Items<'_>) -> Result<Vec<(Seq, Entry)>, EvidenceError> {
    let (mut block, mut bytes) = (Vec::new(), 0);
    while block.len() < BLOCK && bytes < BLOCK_BYTES {
        let Some((seq, entry)) = items.next().transpose()? else {
            break;
        };
        bytes += entry.record().len();
        block.push((seq, entry));
    }
    Ok(block)
}

/// Entries that one core makes the paths of, one after the other: neighbours
/// share most of what has to be read.
const PART: usize = 32;

/// The path of each entry of one epoch.
fn paths(
    store: &dyn Store,
    epoch: &SignedEpoch,
    entries: &[(Seq, Entry)],
) -> Vec<Result<Vec<Hash>, EvidenceError>> {
    let part = |part: &[(Seq, Entry)]| {
        let mut paths = paths_of(epoch);
        let path = |(seq, entry): &(Seq, Entry)| path_of(store, &mut paths, *seq, entry, epoch);
        part.iter().map(path).collect::<Vec<_>>()
    };
    entries.par_chunks(PART).flat_map_iter(part).collect()
}

/// Bytes of entries up to which a selection is read only once.
const KEPT_BYTES: usize = 8 << 20;

/// The selected entries, after a first look at them.
struct Wanted<'s> {
    /// What those that are sealed need: only they are given.
    needed: Needed,
    items: Items<'s>,
    first_unsealed: Option<Seq>,
    /// Whether openings go with those that are sealed.
    any_openings: bool,
    /// How many are sealed.
    sealed: u64,
}

fn wanted<'s>(
    store: &'s dyn Store,
    filter: &Filter,
    asked: Option<&SelectionTerms>,
    sealed_to: Option<Seq>,
    also: &'s [Seq],
    openings: &Openings,
) -> Result<Wanted<'s>, EvidenceError> {
    let mut any_openings = false;
    let mut items = with(store, in_order(store, filter, asked)?, also);
    let mut needed = Needed::default();
    let (mut all_sealed, mut first_unsealed) = (0_u64, None);
    let (mut kept, mut bytes) = (Vec::new(), 0_usize);
    for item in items.by_ref() {
        let (seq, entry) = item?;
        let sealed = Some(seq) <= sealed_to;
        match sealed {
            true => {
                all_sealed += 1;
                needed.take(&entry);
                any_openings = any_openings || openings.any_of(store, seq, &entry)?;
            }
            false => first_unsealed = Some(seq),
        }
        if bytes < KEPT_BYTES {
            bytes += entry.record().len();
            kept.push(Ok((seq, entry)));
        } else {
            kept.clear();
        }
        if !sealed {
            break;
        }
    }
    let items = match bytes < KEPT_BYTES {
        true => Box::new(kept.into_iter().chain(items)),
        false => with(store, in_order(store, filter, asked)?, also),
    };
    Ok(Wanted {
        needed,
        items,
        first_unsealed,
        any_openings,
        sealed: all_sealed,
    })
}

pub(super) type Items<'s> = Box<dyn Iterator<Item = Result<(Seq, Entry), EvidenceError>> + 's>;

/// The entries in the order of the log. Only the newest of a limit are noted
/// first, and no more of them than the limit.
/// Those only that a reader of the file finds by what it says that it answers, whatever
/// else a program has entries of its kinds found by.
pub(super) fn in_order<'s>(
    store: &'s dyn Store,
    filter: &Filter,
    asked: Option<&SelectionTerms>,
) -> Result<Items<'s>, EvidenceError> {
    let asked = asked.cloned();
    let wants = move |seq: Seq, entry: &Entry| {
        let asked = asked.as_ref();
        asked.is_none_or(|a| a.wants(seq, entry.ts(), entry.kind(), entry.payload_bytes()))
    };
    if !filter.reverse || filter.limit.is_none() {
        let ascending = Filter {
            reverse: false,
            ..filter.clone()
        };
        let found = move |item: &Result<(Seq, Entry), EvidenceError>| match item {
            Ok((seq, entry)) => wants(*seq, entry),
            Err(_) => true,
        };
        let selected = select(store, &ascending)?.map(|item| Ok(item?));
        return Ok(Box::new(selected.filter(found)));
    }
    let mut newest = Vec::new();
    for item in select(store, filter)? {
        let (seq, entry) = item?;
        if wants(seq, &entry) {
            newest.push(seq);
        }
    }
    let read = |seq| Ok((seq, entry_at(store, seq)?));
    Ok(Box::new(newest.into_iter().rev().map(read)))
}

/// `items`, and each entry of `also` in its place among them.
fn with<'s>(store: &'s dyn Store, items: Items<'s>, also: &'s [Seq]) -> Items<'s> {
    let mut also = also.iter().copied().peekable();
    let mut items = items.peekable();
    Box::new(std::iter::from_fn(move || {
        let next = items.peek().and_then(|item| Some(item.as_ref().ok()?.0));
        match also.next_if(|seq| next.is_none_or(|next| *seq < next)) {
            Some(seq) => Some(
                entry_at(store, seq)
                    .map(|entry| (seq, entry))
                    .map_err(Into::into),
            ),
            None => items.next(),
        }
    }))
}
