//! Reports of a case: a selection by correlation id, with the attestations of
//! the workers that it chose, in the file that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use crate::ledger::bundle::BundleError;
use crate::ledger::entry::Entry;
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::version::Version;
use crate::producers::{self, Role};
use crate::report::{About, CarriedTimes, Case, MOST_RELATED, ReportWriter};
use crate::store::Store;
use crate::store::query::{Filter, select};

use super::openings::Openings;
use super::selection::{Selected, SelectionExport, Unsealed, export_with};
use super::term::OpenedLog;
use super::{EvidenceError, sealed_to};

/// What to put into a report.
pub struct ReportExport<'a> {
    pub correlation: &'a str,
    pub version: Version,
    pub signer: Option<&'a dyn Signer>,
    /// What is known to end the log, for readers who know of none.
    pub revocations: &'a [SignedRevocation],
    /// What shows when its entries were made.
    pub times: Option<CarriedTimes>,
    /// Told how many entries are written so far.
    pub progress: &'a mut dyn FnMut(u64),
}

/// Writes the report of a case. Nothing is written before it is known that
/// there is something to report.
///
/// # Errors
/// [`EvidenceError`]; what was written by then is not a report. `EmptyRange` if no
/// entry is of the case, `NotSealed` if none of them is sealed yet.
pub fn export_report<W: Write>(
    store: &dyn Store,
    out: W,
    export: ReportExport<'_>,
) -> Result<(W, Selected), EvidenceError> {
    let opened = OpenedLog::read(store)?;
    let filter = of_case(export.correlation);
    let first = select(store, &filter)?.next();
    let (first, _) = first.ok_or(EvidenceError::EmptyRange)??;
    let sealed_to = sealed_to(store)?.filter(|last| first <= *last);
    let sealed_to = sealed_to.ok_or(EvidenceError::NotSealed { seq: first })?;
    let about = About {
        correlation: export.correlation.to_owned(),
        left_out: after(store, &filter, sealed_to)?,
        revocations: texts(export.revocations, &opened),
        times: export.times,
        logs: None,
    };
    let writer = ReportWriter::new(out, &about).map_err(BundleError::Io)?;
    let selection = SelectionExport {
        filter: &filter,
        unsealed: Unsealed::LeftOut,
        version: export.version,
        openings: Openings::NONE,
        signer: export.signer,
        progress: export.progress,
    };
    let related = attestations(store, &filter, Case(export.correlation), sealed_to)?;
    let (writer, selected) = export_with(store, writer, selection, &related)?;
    Ok((writer.finish().map_err(BundleError::Io)?, selected))
}

fn of_case(correlation: &str) -> Filter {
    Filter {
        correlation: Some(correlation.to_owned()),
        ..Filter::default()
    }
}

/// The entries that the report of a case has, in order; the first `most` of them.
///
/// # Errors
/// [`EvidenceError`].
pub fn entries_of(
    store: &dyn Store,
    correlation: &str,
    most: usize,
) -> Result<Vec<Seq>, EvidenceError> {
    let Some(sealed_to) = sealed_to(store)? else {
        return Ok(Vec::new());
    };
    let filter = Filter {
        until_seq: Some(sealed_to),
        ..of_case(correlation)
    };
    let related = attestations(store, &filter, Case(correlation), sealed_to)?;
    let mut found: BTreeSet<Seq> = related.into_iter().collect();
    for item in select(store, &filter)?.take(most) {
        found.insert(item?.0);
    }
    Ok(found.into_iter().take(most).collect())
}

/// The files of those that are of this log.
fn texts(revocations: &[SignedRevocation], opened: &OpenedLog) -> Vec<String> {
    let own = revocations.iter().filter(|it| {
        it.content.log == opened.identity.log && it.content.genesis == opened.identity.genesis
    });
    own.map(|it| String::from_utf8_lossy(&it.to_file()).into_owned())
        .collect()
}

/// For each worker that the case's sealed decisions name, the last attestation of
/// it before the first of them. It bears no correlation id of its own.
fn attestations(
    store: &dyn Store,
    of_case: &Filter,
    case: Case<'_>,
    sealed_to: Seq,
) -> Result<Vec<Seq>, EvidenceError> {
    let first_of = first_choices(store, of_case, case, sealed_to)?;
    let mut found = BTreeSet::new();
    for (worker, before) in first_of {
        if let Some((seq, entry)) = last_attestation(store, &worker, Some(before))? {
            // One that is of the case is there already.
            if !case.has(&entry) {
                found.insert(seq);
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// The workers that the case's sealed decisions name, each with the first of them.
fn first_choices(
    store: &dyn Store,
    of_case: &Filter,
    case: Case<'_>,
    sealed_to: Seq,
) -> Result<BTreeMap<String, Seq>, EvidenceError> {
    let decisions = Filter {
        kinds: producers::of_role(Role::Choice),
        until_seq: Some(sealed_to),
        ..of_case.clone()
    };
    let mut first_of = BTreeMap::new();
    for item in select(store, &decisions)? {
        let (seq, entry) = item?;
        for worker in case.chosen_by(&entry) {
            if first_of.len() < MOST_RELATED {
                first_of.entry(worker).or_insert(seq);
            }
        }
    }
    Ok(first_of)
}

fn last_attestation(
    store: &dyn Store,
    worker: &str,
    until: Option<Seq>,
) -> Result<Option<(Seq, Entry)>, EvidenceError> {
    let attested = Filter {
        kinds: producers::of_role(Role::Evidence),
        worker: Some(worker.to_owned()),
        until_seq: until,
        limit: Some(1),
        reverse: true,
        ..Filter::default()
    };
    Ok(select(store, &attested)?.next().transpose()?)
}

/// The attestations in earlier books that the last of `stores` rests on: of each
/// worker that its decisions of the case name and that has none in its own book, the
/// newest, with the number of its book.
///
/// # Errors
/// [`EvidenceError`].
pub fn attested_before(
    stores: &[&dyn Store],
    correlation: &str,
) -> Result<Vec<(usize, Seq)>, EvidenceError> {
    let Some((own, earlier)) = stores.split_last() else {
        return Ok(Vec::new());
    };
    let Some(sealed_to) = sealed_to(*own)? else {
        return Ok(Vec::new());
    };
    let filter = of_case(correlation);
    let mut found = BTreeSet::new();
    for (worker, before) in first_choices(*own, &filter, Case(correlation), sealed_to)? {
        if last_attestation(*own, &worker, Some(before))?.is_some() {
            continue;
        }
        for (number, store) in earlier.iter().enumerate().rev() {
            if let Some((seq, _)) = last_attestation(*store, &worker, None)? {
                found.insert((number, seq));
                break;
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// How many entries of the case come after the last sealed one.
fn after(store: &dyn Store, filter: &Filter, sealed_to: Seq) -> Result<u64, EvidenceError> {
    let tail = Filter {
        from_seq: Some(Seq(sealed_to.0.saturating_add(1))),
        ..filter.clone()
    };
    let mut count = 0;
    for item in select(store, &tail)? {
        item?;
        count += 1;
    }
    Ok(count)
}
