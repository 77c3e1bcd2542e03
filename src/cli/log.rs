//! `sealbook log`: entries by filter.

use crate::store::query::select;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::filters::Filters;
use super::output::Output;

/// Rows printed together as one table.
const TABLE: usize = 1_000;

/// Characters of a payload in a table.
const PAYLOAD: usize = 80;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filters: Filters,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let store = context.reader()?;
    let mut rows = Vec::new();
    let mut found = false;
    let head = ["seq", "time", "kind", "payload"];
    for item in select(&store, &args.filters.to_filter()?)? {
        let (seq, entry) = item?;
        found = true;
        if output.is_json() {
            let mut json = Vec::new();
            entry.write_json(Some(seq), &mut json);
            output.canonical(&json)?;
            continue;
        }
        let payload = String::from_utf8_lossy(entry.payload_bytes());
        rows.push(vec![
            seq.to_string(),
            entry.ts().to_string(),
            entry.kind().to_owned(),
            shortened(&payload),
        ]);
        if rows.len() == TABLE {
            output.table(&head, std::mem::take(&mut rows))?;
        }
    }
    if !rows.is_empty() {
        output.table(&head, rows)?;
    }
    if found {
        Ok(Answer::Yes)
    } else {
        Err(CliError::NothingFound)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(PAYLOAD) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
