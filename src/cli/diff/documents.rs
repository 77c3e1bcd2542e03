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
use crate::store::query::when::{self, End};
use crate::store::query::{Filter, select};

pub(super) fn run(
    context: &Context,
    a: &Path,
    b: &Path,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let ledger = context.reader(output)?;
    let store = ledger.store();
    let (a, b) = (under(store, a)?, under(store, b)?);
    let told = differences(&a.1, &b.1);
    if output.is_json() {
        let members = [
            ("a", Value::from(a.0.0)),
            ("b", Value::from(b.0.0)),
            ("differences", texts(&told)),
        ];
        output.document(&members.into_iter().collect::<Object>())?;
    } else {
        output.line(&format!("entry {} and entry {}", a.0, b.0))?;
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
fn under(store: &dyn Store, meant: &Path) -> Result<(Seq, Value), CliError> {
    let text = meant.to_string_lossy();
    let (seq, entry) = find(store, &text)?.ok_or(CliError::NothingFound)?;
    let under = decided_under(store, &entry)?;
    let under = under.ok_or_else(|| CliError::Argument {
        what: "entry",
        given: text.into_owned(),
        expected: "a decision or a reload is needed, or a time",
    })?;
    Ok((seq, under))
}

/// By number, by hash, or the last one at a time.
fn find(store: &dyn Store, text: &str) -> Result<Option<(Seq, Entry)>, CliError> {
    let seq = match (text.parse::<u64>(), Hash::from_hex(text)) {
        (Ok(seq), _) => Some(Seq(seq)),
        (_, Ok(hash)) => store.seq_of(&hash)?,
        _ => return last_at(store, text),
    };
    let last = store.last_seq()?;
    let Some(seq) = seq.filter(|seq| last.is_some_and(|last| *seq <= last)) else {
        return Ok(None);
    };
    Ok(Some((seq, entry_at(store, seq)?)))
}

fn last_at(store: &dyn Store, text: &str) -> Result<Option<(Seq, Entry)>, CliError> {
    let until = when::read(text, End::Until, SystemClock::new().wall());
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
