//! `sealbook diff --documents`: what two decisions were taken under, compared.

use std::path::Path;

use crate::cli::Answer;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::logbook::clock::{Clock, SystemClock};
use crate::logbook::entry_at;
use crate::record::changes::{differences, texts};
use crate::record::decided_under::decided_under;
use crate::record::kind;
use crate::store::Store;
use crate::store::query::when::{self, TimeEnd};
use crate::store::query::{Filter, select};

use super::Args;

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    #[cfg(feature = "rocks")]
    if let Some(chain) = args.books.open(context)? {
        let stores: Vec<&dyn Store> = chain.books.iter().map(|book| book.ledger.store()).collect();
        return compare(&stores, args, output);
    }
    let ledger = context.reader(output)?;
    compare(&[ledger.store()], args, output)
}

fn compare(stores: &[&dyn Store], args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let (a, b) = (under(stores, &args.a)?, under(stores, &args.b)?);
    let told = differences(&a.under, &b.under);
    let several = stores.len() > 1;
    if output.is_json() {
        let members = [
            ("a", Value::from(a.seq.0)),
            ("b", Value::from(b.seq.0)),
            ("differences", texts(&told)),
        ];
        let mut document: Object = members.into_iter().collect();
        if several {
            let books = [a.book, b.book].map(|book| Value::from(book as u64));
            document.insert("books", books.to_vec());
        }
        output.document(&document)?;
    } else {
        let place = |found: &DecidedUnder| match several {
            true => format!("entry {} of book {}", found.seq, found.book),
            false => format!("entry {}", found.seq),
        };
        output.line(&format!("{} and {}", place(&a), place(&b)))?;
        for difference in &told {
            output.line(difference)?;
        }
        if told.is_empty() {
            output.line("nothing that decides is different")?;
        }
    }
    Ok(match told.is_empty() {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// The entry that is meant, and what was decided under there.
struct DecidedUnder {
    book: usize,
    seq: Seq,
    under: Value,
}

fn under(stores: &[&dyn Store], meant: &Path) -> Result<DecidedUnder, CliError> {
    let text = meant.to_string_lossy();
    let (book, (seq, entry)) = find(stores, &text)?.ok_or(CliError::NothingFound)?;
    let under = match stores.get(book) {
        Some(store) => decided_under(*store, &entry)?,
        None => None,
    };
    let under = under.ok_or_else(|| CliError::Argument {
        what: "entry",
        given: text.into_owned(),
        expected: "a decision or a reload is needed, or a time",
    })?;
    Ok(DecidedUnder { book, seq, under })
}

/// An entry, its number and the book that it is in.
type Placed = (usize, (Seq, Entry));

/// By number, in one of several books as BOOK:SEQ, by hash, or the last one at a time.
fn find(stores: &[&dyn Store], text: &str) -> Result<Option<Placed>, CliError> {
    if let Some((book, seq)) = numbered(stores, text)? {
        let entry = stores.get(book).map(|store| entry_at(*store, seq));
        return Ok(entry.transpose()?.map(|entry| (book, (seq, entry))));
    }
    let hash = Hash::from_hex(text).ok();
    // The last book that has it.
    for (book, store) in stores.iter().enumerate().rev() {
        let found = match &hash {
            Some(hash) => match store.seq_of(hash)? {
                Some(seq) => Some((seq, entry_at(*store, seq)?)),
                None => None,
            },
            None => last_at(*store, text)?,
        };
        if let Some(found) = found {
            return Ok(Some((book, found)));
        }
    }
    Ok(None)
}

/// The book and the number of an entry that is there.
pub(in crate::cli) fn numbered(
    stores: &[&dyn Store],
    text: &str,
) -> Result<Option<(usize, Seq)>, CliError> {
    // One of digits alone is a hash all the same.
    if Hash::from_hex(text).is_ok() {
        return Ok(None);
    }
    let (book, number) = match text.split_once(':') {
        Some((book, number)) => (book.parse().ok(), number),
        None => ((stores.len() == 1).then_some(0), text),
    };
    let Ok(seq) = number.parse::<u64>() else {
        return Ok(None);
    };
    let Some(book) = book else {
        return Err(CliError::Argument {
            what: "entry",
            given: text.to_owned(),
            expected: "of several books, BOOK:SEQ is needed, such as 0:7",
        });
    };
    let last = stores.get(book).map(|store| store.last_seq()).transpose()?;
    match last.flatten() {
        Some(last) if seq <= last.0 => Ok(Some((book, Seq(seq)))),
        _ => Err(CliError::NothingFound),
    }
}

fn last_at(store: &dyn Store, text: &str) -> Result<Option<(Seq, Entry)>, CliError> {
    let until = when::read(text, TimeEnd::Until, SystemClock::new().wall());
    let until = until.ok_or_else(|| CliError::Argument {
        what: "entry",
        given: text.to_owned(),
        expected: "a sequence number, a hash of 64 hex digits or a time is needed",
    })?;
    let filter = Filter {
        kinds: [kind::DECISION, kind::RELOAD].map(str::to_owned).into(),
        until: Some(until),
        limit: Some(1),
        reverse: true,
        ..Filter::default()
    };
    Ok(select(store, &filter)?.next().transpose()?)
}
