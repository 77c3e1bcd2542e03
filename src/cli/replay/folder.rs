//! Several books as one custody: ledgers that continue each other, or what was given
//! out of them.

use std::path::PathBuf;

#[cfg(feature = "rocks")]
use crate::api::Chain;
use crate::api::{Against, examine_books, is_folder_of_files};
use crate::audit::LedgerSource;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::ledger::fault::{Format, Report, Verdict, Warning, WarningCode};
use crate::ledger::key::PublicKey;
use crate::ledger::policy::Policy;
use crate::replay::books::{BookReach, CompleteTo, NotComplete};
use crate::replay::report::Replay;

use super::{Args, ReplayRequest, Timeline, place, source};

/// The books that are meant, in their order.
pub(super) enum BookOrder {
    /// Open for reading.
    #[cfg(feature = "rocks")]
    Ledgers(Chain),
    /// Bundles and reports.
    Files(GivenOut),
}

/// What was given out of several books.
#[derive(Default)]
pub(super) struct GivenOut {
    files: Vec<PathBuf>,
    /// The keys of books that passed: the key of the first is given, and each names the
    /// next.
    keys: Vec<PublicKey>,
    /// What is said of books that are not there.
    missing: Vec<Warning>,
    /// The keys of books that are shown to continue another.
    continuing: Vec<PublicKey>,
    /// The keys of books of which there are bundles or reports, and of all that there are.
    replayed: Vec<PublicKey>,
    named: Vec<PublicKey>,
}

/// The books, if several are meant.
pub(super) fn books(
    context: &Context,
    args: &Args,
    policy: &Policy,
) -> Result<Option<BookOrder>, CliError> {
    #[cfg(feature = "rocks")]
    if let Some(chain) = args.books.open(context)? {
        return Ok(Some(BookOrder::Ledgers(chain)));
    }
    let folder = place(context, args);
    if !is_folder_of_files(folder) {
        return Ok(None);
    }
    let against = Against {
        policy,
        keys: &|_, _| Vec::new(),
        format: None,
    };
    let folder = [folder.to_owned()];
    let found = examine_books(&folder, &against, &context.options(), &mut |_| ())?;
    let mut given = GivenOut::default();
    for book in found.books {
        let report = book.result?.report;
        #[cfg(feature = "rocks")]
        if report.format == Format::Ledger {
            return Ok(Some(BookOrder::Ledgers(Chain::open(
                &folder,
                &context.book_options(),
            )?)));
        }
        given.take(book.path, report);
    }
    match given.files.is_empty() {
        true => Err(CliError::NothingFound),
        false => Ok(Some(BookOrder::Files(given))),
    }
}

impl GivenOut {
    fn take(&mut self, path: PathBuf, report: Report) {
        if report.verdict == Verdict::Pass {
            self.keys.extend(report.log);
        }
        if matches!(report.format, Format::Bundle | Format::Report) {
            self.files.push(path);
            self.replayed.extend(report.log);
        }
        let says = |code| report.warnings.iter().any(|warning| warning.code == code);
        if says(WarningCode::Succession) {
            self.continuing.extend(report.log);
        }
        if report.log.is_some_and(|log| !self.named.contains(&log)) {
            self.named.extend(report.log);
        }
        let of_books = |warning: &Warning| warning.code == WarningCode::BookNotHere;
        let missing = report.warnings.into_iter().filter(of_books);
        self.missing.extend(missing);
    }

    /// Whether the book of a key continues another; none if it is the first.
    fn continues(&self, log: Option<PublicKey>) -> Option<bool> {
        match log {
            Some(log) if self.continuing.contains(&log) => Some(true),
            Some(log) if self.named.first() == Some(&log) => None,
            _ => Some(false),
        }
    }

    /// Books of which there are only proofs.
    fn only_proofs(&self) -> impl Iterator<Item = BookReach> {
        let proofs = self.named.iter();
        let proofs = proofs.filter(|log| !self.replayed.contains(log));
        proofs.map(|log| BookReach {
            book: None,
            log: Some(*log),
            entries: 0,
            complete: None,
            not_complete: Some(NotComplete::OnlyProofs),
            continues: self.continues(Some(*log)),
        })
    }
}

/// Replays each of them; the key of each is believed on the word of the one before.
pub(super) fn replay(
    context: &Context,
    books: &BookOrder,
    asked: &ReplayRequest<'_>,
    policy: &mut Policy,
    timeline: &mut Timeline,
    output: &mut Output,
) -> Result<Replay, CliError> {
    let mut whole: Option<Replay> = None;
    match books {
        #[cfg(feature = "rocks")]
        BookOrder::Ledgers(chain) => {
            for (number, book) in chain.books.iter().enumerate() {
                let (store, mark) = (book.ledger.store(), book.ledger.mark());
                let mut source = LedgerSource::new(store, mark)?;
                timeline.book(number, output)?;
                let total = store.count().ok();
                let reach = book.reach()?;
                let mut replayed =
                    timeline.walk(&mut source, total, &asked.options(policy), output)?;
                let continues = (number > 0).then_some(true);
                replayed.books = vec![book_reach(number, &replayed, reach, continues)];
                if replayed.report.verdict == Verdict::Pass
                    && !policy.keys.is_empty()
                    && let Some(next) = chain.books.get(number + 1)
                {
                    policy.keys.push(next.ledger.key());
                }
                join(&mut whole, replayed);
            }
        }
        BookOrder::Files(given) => {
            policy.keys.extend(&given.keys);
            for (number, file) in given.files.iter().enumerate() {
                timeline.book(number, output)?;
                let mut replayed = source(context, file, |source, total, _| {
                    timeline.walk(source, total, &asked.options(policy), output)
                })?;
                let complete = replayed.report.complete.as_ref();
                let reach = complete.map(CompleteTo::selection);
                let reach = reach.ok_or(NotComplete::NotShown);
                let continues = given.continues(replayed.report.log);
                replayed.books = vec![book_reach(number, &replayed, reach, continues)];
                join(&mut whole, replayed);
            }
            if let Some(whole) = &mut whole {
                whole.books.extend(given.only_proofs());
                whole.report.warnings.extend_from_slice(&given.missing);
            }
        }
    }
    whole.ok_or(CliError::NothingFound)
}

fn join(whole: &mut Option<Replay>, replayed: Replay) {
    match whole {
        Some(whole) => whole.join(replayed),
        None => *whole = Some(replayed),
    }
}

/// What is known of a book that was replayed: of one that does not verify nothing is said.
fn book_reach(
    number: usize,
    replayed: &Replay,
    reach: Result<CompleteTo, NotComplete>,
    continues: Option<bool>,
) -> BookReach {
    let report = &replayed.report;
    let reach = match report.verdict {
        Verdict::Pass => reach,
        Verdict::Fail => Err(NotComplete::Fault),
    };
    BookReach {
        book: Some(number as u64),
        log: report.log,
        entries: report.entries,
        complete: reach.as_ref().ok().cloned(),
        not_complete: reach.err(),
        continues,
    }
}
