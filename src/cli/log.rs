//! `sealbook log`: entries by filter, and those to come.

use std::thread;
use std::time::Duration;

use memchr::memmem;

#[cfg(feature = "rocks")]
use crate::api::Chain;
use crate::api::Ledger;
use crate::ledger::entry::Entry;
use crate::ledger::json::Value;
#[cfg(feature = "rocks")]
use crate::ledger::json::{Form, Object};
#[cfg(feature = "rocks")]
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::producers::{self, Role};
use crate::store::query::{Filter, select};

use super::Answer;
#[cfg(feature = "rocks")]
use super::chained;
use super::context::Context;
use super::error::CliError;
use super::filters::{Filters, say_other_types};
use super::imported;
use super::output::Output;
use super::rows::{EntryRows, cells};

/// How often a ledger is looked at for what is new.
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Go on with what is appended, by whatever process, until --limit or
    /// --until-seq is reached
    #[arg(long, conflicts_with = "reverse")]
    follow: bool,
    /// Of this imported log: KEY, or KEY:GENESIS
    #[arg(long, value_name = "KEY", conflicts_with = "follow")]
    log: Option<String>,
    /// What changed what would be decided, in words: files, workers, bans, approvals
    #[arg(long, conflicts_with_all = ["kind", "follow", "log"])]
    changes: bool,
    /// Whose kind or payload has this text; capitals of ASCII count as small
    #[arg(long, value_name = "TEXT", conflicts_with = "log")]
    grep: Option<String>,
    #[cfg(feature = "rocks")]
    #[command(flatten)]
    books: chained::Args,
    #[command(flatten)]
    filters: Filters,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let mut filter = args.filters.to_filter()?;
    if args.changes {
        filter.kinds = producers::of_role(Role::Change);
    }
    let text = SearchText::of(args.grep.as_deref());
    if args.follow {
        return follow(context, filter, &text, output);
    }
    // Of the entries with the text.
    let mut left = args.grep.is_some().then(|| filter.limit.take()).flatten();
    #[cfg(feature = "rocks")]
    if let Some(chain) = args.books.open(context)? {
        let left = left.or(filter.limit.take());
        return of_books(args, &chain, &filter, (&text, left), output);
    }
    let reader = context.reader(output)?;
    if let Some(log) = &args.log {
        return imported::list(&imported::find(reader.store(), log)?, &filter, output);
    }
    say_other_types(reader.store(), &filter, output)?;
    let mut rows = EntryRows::new(&HEAD);
    for item in select(reader.store(), &filter)? {
        let (seq, entry) = item?;
        if left == Some(0) {
            break;
        }
        if !text.is_in(&entry) {
            continue;
        }
        left = left.map(|left| left - 1);
        if output.is_json() {
            rows.found = true;
            print_json(seq, &entry, output)?;
        } else {
            rows.add(row(args, seq, &entry), output)?;
        }
    }
    rows.finish(output)
}

fn row(args: &Args, seq: Seq, entry: &Entry) -> Vec<String> {
    let mut cells = cells(seq, entry);
    if args.changes {
        cells.pop();
        cells.push(told(entry));
    }
    cells
}

#[cfg(feature = "rocks")]
/// The entries of several books, each with the number of its book.
fn of_books(
    args: &Args,
    chain: &Chain,
    filter: &Filter,
    (text, mut left): (&SearchText, Option<u64>),
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut rows = EntryRows::new(&HEAD_OF_BOOKS);
    let mut books: Vec<_> = chain.books.iter().enumerate().collect();
    if filter.reverse {
        books.reverse();
    }
    for (number, book) in books {
        say_other_types(book.ledger.store(), filter, output)?;
        for item in select(book.ledger.store(), filter)? {
            let (seq, entry) = item?;
            if left == Some(0) {
                return rows.finish(output);
            }
            if !text.is_in(&entry) {
                continue;
            }
            left = left.map(|left| left - 1);
            if output.is_json() {
                rows.found = true;
                let mut json = Vec::new();
                entry.write_json(Some(seq), &mut json);
                let mut members: Object = match parse(&json)? {
                    Value::Object(members) => members,
                    _ => Object::new(),
                };
                members.insert("book", number as u64);
                members.insert("log", book.ledger.key().to_string());
                output.canonical(Value::Object(members).canonical(Form::Utf8).as_bytes())?;
            } else {
                let mut cells = row(args, seq, &entry);
                cells.insert(0, number.to_string());
                rows.add(cells, output)?;
            }
        }
    }
    rows.finish(output)
}

const HEAD: [&str; 4] = ["seq", "time", "kind", "payload"];
#[cfg(feature = "rocks")]
const HEAD_OF_BOOKS: [&str; 5] = ["book", "seq", "time", "kind", "payload"];

fn told(entry: &Entry) -> String {
    let payload = entry.check_payload().unwrap_or_default();
    let headline = producers::find(entry.kind()).map(|kind| (kind.headline)(&payload));
    let changes = payload.get("changes").and_then(Value::as_array);
    let changes = changes.unwrap_or_default().iter().filter_map(Value::as_str);
    let told = headline.iter().map(String::as_str).chain(changes);
    told.collect::<Vec<_>>().join("; ")
}

/// A text that entries are searched for.
struct SearchText {
    small: Vec<u8>,
}

impl SearchText {
    fn of(text: Option<&str>) -> SearchText {
        let small = text.unwrap_or_default().to_ascii_lowercase().into_bytes();
        SearchText { small }
    }

    fn is_in(&self, entry: &Entry) -> bool {
        [entry.kind().as_bytes(), entry.payload_bytes()]
            .iter()
            .any(|part| memmem::find(&part.to_ascii_lowercase(), &self.small).is_some())
    }
}

/// Prints what is there, then what comes.
fn follow(
    context: &Context,
    mut filter: Filter,
    text: &SearchText,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let mut left = filter.limit.take();
    let mut reader = Ledger::follow(&context.ledger, context.options())?;
    say_other_types(reader.store(), &filter, output)?;
    loop {
        let count = reader.store().count()?;
        let next = filter.from_seq.map_or(0, |seq| seq.0);
        if next < count {
            for item in select(reader.store(), &filter)? {
                let (seq, entry) = item?;
                if left == Some(0) {
                    break;
                }
                if !text.is_in(&entry) {
                    continue;
                }
                if output.is_json() {
                    print_json(seq, &entry, output)?;
                } else {
                    output.line(&cells(seq, &entry).join("  "))?;
                }
                left = left.map(|left| left - 1);
            }
            filter.from_seq = Some(Seq(count));
            output.flush()?;
        }
        let reached = filter.until_seq.is_some_and(|until| until.0 < count);
        if reached || left == Some(0) {
            return Ok(Answer::Yes);
        }
        thread::sleep(POLL);
        reader.catch_up()?;
    }
}

fn print_json(seq: Seq, entry: &Entry, output: &mut Output) -> Result<(), CliError> {
    let mut json = Vec::new();
    entry.write_json(Some(seq), &mut json);
    output.canonical(&json)
}
