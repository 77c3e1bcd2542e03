//! `sealbook stats`: how many entries, by kind, tenant, denial and hour.

use serde_json::{Map, Value, json};

use crate::api::Chain;
use crate::store::query::select;
use crate::store::stats::{GroupCounts, Stats};

use super::Answer;
use super::chained;
use super::context::Context;
use super::error::CliError;
use super::filters::{Filters, say_other_types};
use super::output::Output;
use super::progress::Progress;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rows of each table for people; --json has them all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    #[command(flatten)]
    books: chained::Args,
    #[command(flatten)]
    filters: Filters,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    if let Some(chain) = args.books.open(context)? {
        return of_books(args, &chain, output);
    }
    let reader = context.reader(output)?;
    let filter = args.filters.to_filter()?;
    say_other_types(reader.store(), &filter, output)?;
    let mut progress = Progress::new(reader.store().count().ok(), "entries");
    let mut stats = Stats::default();
    for item in select(reader.store(), &filter)? {
        let (seq, entry) = item?;
        stats.add(seq, &entry);
        progress.at(stats.entries);
    }
    progress.finish();
    if output.is_json() {
        let as_of = reader.store().last_seq()?.map(|seq| seq.0);
        output.document(&document(&stats, as_of))?;
    } else {
        print(&stats, args.top, output)?;
    }
    Ok(Answer::Yes)
}

/// The counts of several books together. Numbers of entries are each book's own.
fn of_books(args: &Args, chain: &Chain, output: &mut Output) -> Result<Answer, CliError> {
    let mut stats = Stats::default();
    let filter = args.filters.to_filter()?;
    for book in &chain.books {
        say_other_types(book.ledger.store(), &filter, output)?;
        for item in select(book.ledger.store(), &filter)? {
            let (seq, entry) = item?;
            stats.add(seq, &entry);
        }
    }
    stats.range = None;
    if output.is_json() {
        let mut document = document(&stats, None);
        if let Value::Object(members) = &mut document {
            let logs = chain.books.iter();
            let logs = logs.map(|book| json!(book.ledger.key().to_string()));
            members.insert("books".to_owned(), logs.collect());
        }
        output.document(&document)?;
    } else {
        output.line(&format!("{} books", chain.books.len()))?;
        print(&stats, args.top, output)?;
    }
    Ok(Answer::Yes)
}

/// GroupCounts of all values that are told apart; `others` has the entries whose
/// values came too late to be.
fn document(stats: &Stats, as_of: Option<u64>) -> Value {
    fn object<K: ToString>(counts: &GroupCounts<K>) -> Value {
        let member = |(value, count): (&K, &u64)| (value.to_string(), json!(count));
        Value::Object(counts.of.iter().map(member).collect::<Map<_, _>>())
    }
    let mut document = json!({
        "as_of": as_of,
        "entries": stats.entries,
        "first_seq": stats.range.map(|(first, _)| first.0),
        "last_seq": stats.range.map(|(_, last)| last.0),
        "kinds": object(&stats.kinds),
        "tenants": object(&stats.tenants),
        "no_tenant": stats.no_tenant,
        "denied": stats.denied,
        "not_denied": stats.not_denied,
        "hours": object(&stats.hours),
        "others": {
            "kinds": stats.kinds.others,
            "tenants": stats.tenants.others,
            "hours": stats.hours.others,
        },
    });
    // There only where there are any: the shape of all others stays.
    if let (false, Value::Object(members)) = (stats.tenants_json.of.is_empty(), &mut document) {
        members.insert("tenants_json".to_owned(), object(&stats.tenants_json));
    }
    document
}

fn print(stats: &Stats, top: usize, output: &mut Output) -> Result<(), CliError> {
    let range = stats
        .range
        .map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
    output.line(&format!("{} entries{range}", stats.entries))?;
    output.line(&format!(
        "{} denied, {} not denied, {} say neither",
        stats.denied,
        stats.not_denied,
        stats
            .entries
            .saturating_sub(stats.denied)
            .saturating_sub(stats.not_denied)
    ))?;
    most(&stats.kinds, "kind", top, output)?;
    most(&stats.tenants, "tenant", top, output)?;
    most(&stats.tenants_json, "tenant, as JSON", top, output)?;
    if stats.no_tenant > 0 {
        output.line(&format!("{} entries name no tenant", stats.no_tenant))?;
    }
    let hours = stats.hours.of.iter().rev();
    let rows = hours.map(|(hour, count)| (hour.to_string(), *count));
    table(rows.collect(), "hour", top, "the newest", output)?;
    others(stats.hours.others, "hour", output)
}

fn most(
    counts: &GroupCounts<String>,
    name: &str,
    top: usize,
    output: &mut Output,
) -> Result<(), CliError> {
    let mut rows: Vec<_> = counts.of.iter().map(|(v, c)| (v.clone(), *c)).collect();
    rows.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    table(rows, name, top, "the most frequent", output)?;
    others(counts.others, name, output)
}

fn table(
    mut rows: Vec<(String, u64)>,
    name: &str,
    top: usize,
    which: &str,
    output: &mut Output,
) -> Result<(), CliError> {
    let all = rows.len();
    if all == 0 {
        return Ok(());
    }
    rows.truncate(top);
    output.line("")?;
    let cells = rows
        .into_iter()
        .map(|(value, count)| vec![value, count.to_string()]);
    output.table(&[name, "entries"], cells.collect())?;
    if all > top {
        output.line(&format!(
            "{which} {top} of {all}: --top N or --json for more"
        ))?;
    }
    Ok(())
}

fn others(count: u64, name: &str, output: &mut Output) -> Result<(), CliError> {
    if count == 0 {
        return Ok(());
    }
    output.line(&format!(
        "{count} entries have a {name} that came after so many others that it is not told apart"
    ))
}
