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
use crate::ledger::fault::{Format, Verdict, Warning, WarningCode};
use crate::ledger::key::PublicKey;
use crate::ledger::policy::Policy;
use crate::replay::report::Replay;

use super::{Args, ReplayRequest, Timeline, place, source};

/// The books that are meant, in their order.
pub(super) enum BookOrder {
    /// Open for reading.
    #[cfg(feature = "rocks")]
    Ledgers(Chain),
    /// Bundles and reports, and the keys of those that passed: the key of the first is
    /// given, and each names the next. With them what is said of books that are not there.
    Files(Vec<PathBuf>, Vec<PublicKey>, Vec<Warning>),
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
    let (mut files, mut keys, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for book in found.books {
        let report = book.result?.report;
        #[cfg(feature = "rocks")]
        if report.format == Format::Ledger {
            return Ok(Some(BookOrder::Ledgers(Chain::open(
                &folder,
                &context.book_options(),
            )?)));
        }
        if report.verdict == Verdict::Pass {
            keys.extend(report.log);
        }
        if matches!(report.format, Format::Bundle | Format::Report) {
            files.push(book.path);
        }
        let of_books = |warning: &Warning| warning.code == WarningCode::BookNotHere;
        missing.extend(report.warnings.into_iter().filter(of_books));
    }
    match files.is_empty() {
        true => Err(CliError::NothingFound),
        false => Ok(Some(BookOrder::Files(files, keys, missing))),
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
                let replayed = timeline.walk(&mut source, total, &asked.options(policy), output)?;
                if replayed.report.verdict == Verdict::Pass
                    && !policy.keys.is_empty()
                    && let Some(next) = chain.books.get(number + 1)
                {
                    policy.keys.push(next.ledger.key());
                }
                join(&mut whole, replayed);
            }
        }
        BookOrder::Files(files, keys, missing) => {
            policy.keys.extend(keys);
            for (number, file) in files.iter().enumerate() {
                timeline.book(number, output)?;
                let replayed = source(context, file, |source, total, _| {
                    timeline.walk(source, total, &asked.options(policy), output)
                })?;
                join(&mut whole, replayed);
            }
            if let Some(whole) = &mut whole {
                whole.report.warnings.extend_from_slice(missing);
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
