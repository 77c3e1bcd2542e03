//! Custody in order, and every decision taken again.
//!
//! A replay reads what verification reads, a ledger or an offline bundle, in
//! the same pass: links, signatures and seals are judged by the one engine
//! ([`verify`](crate::ledger::verify)), and beside it every recorded decision is
//! computed again from the documents and the slice that its entry names.
//!
//! ```text
//! source ──batch──▶ custody ──the same batch──▶ verify
//!                     │ documents into the library, in order
//!                     │ decisions taken again, on all cores
//!                     ▼
//!                   timeline, faults, what would have been otherwise
//! ```
//!
//! Rules, configuration, policy and ban list are run again from their
//! documents, the registry from the slice that was consulted. A recorded answer
//! is used only where its source cannot be asked again, and is then labelled
//! [`TakenOnTrust`](trust::InputTrust::TakenOnTrust). That the slice was the registry's is the
//! Hall's word; so is every time.
//!
//! Memory is that of two batches and of the documents, whatever the length of
//! the log.

pub mod books;
mod compare;
pub mod counts;
mod custody;
mod hall;
pub mod item;
mod library;
pub mod otherwise;
mod recompute;
pub mod report;
#[cfg(feature = "files")]
pub mod today;
pub mod trust;
mod unenforced;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ledger::entry::Entry;
use crate::ledger::fault::Findings;
use crate::ledger::position::Seq;
use crate::ledger::source::{ReadError, Source};
use crate::ledger::verify::{Policy, verify};

use custody::{Custody, CustodySoFar};
use item::Item;
use otherwise::Alternative;
use report::Replay;

/// Whether an entry belongs to the custody that is asked for.
pub type Wanted<'a> = dyn Fn(Seq, &Entry) -> bool + Sync + Send + 'a;

/// Is given the timeline as it grows, and how many entries were walked so far.
pub type Each<'a, E> = dyn FnMut(&[Item], u64) -> Result<(), E> + 'a;

pub struct ReplayOptions<'a> {
    pub policy: &'a Policy,
    /// Which entries; decisions that are not wanted are verified, and not
    /// computed again.
    pub wanted: &'a Wanted<'a>,
    /// Whether entries that are of no producer's kind are listed too.
    pub others: bool,
    /// The program that evaluates policies in processes of their own, which is
    /// `sealbook`. Without one their counted budget is the only fence, and a policy
    /// that has none is not run: its recorded answer is taken on trust.
    pub evaluator: Option<&'a Path>,
    /// Other rules, another policy: what would have been decided then.
    pub alternative: Option<Alternative>,
    #[cfg(feature = "files")]
    pub today: Option<&'a today::Today>,
}

/// Replays what `source` holds. `each` is given the timeline in order as it
/// grows, and how many entries were walked so far.
///
/// # Errors
/// [`ReadError`] if the source cannot be read to its end, or whatever `each`
/// answers.
pub fn replay<E: From<ReadError>>(
    source: &mut dyn Source,
    options: &ReplayOptions<'_>,
    each: &mut Each<'_, E>,
) -> Result<Replay, E> {
    let found = Arc::new(Mutex::new(CustodySoFar::default()));
    let mut custody = Custody::new(source, options, Arc::clone(&found));
    let mut answer = Ok(());
    let stop = custody.stop();
    let outcome = verify(&mut custody, options.policy, &mut |walked| {
        let items = std::mem::take(&mut lock(&found).items);
        if answer.is_ok() {
            answer = each(&items, walked);
            if answer.is_err() {
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
    });
    answer?;
    let outcome = outcome?;
    let found = std::mem::take(&mut *lock(&found));
    each(&found.items, outcome.report.entries)?;
    Ok(Replay::of(outcome.report, found))
}

fn lock(found: &Mutex<CustodySoFar>) -> std::sync::MutexGuard<'_, CustodySoFar> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds what a replay found to what verification found.
fn merge(findings: Findings, report: &mut crate::ledger::fault::Report) {
    let (faults, warnings) = findings.into_lists();
    if !faults.is_empty() {
        report.verdict = crate::ledger::fault::Verdict::Fail;
    }
    report.faults.extend(faults);
    report.warnings.extend(warnings);
}
