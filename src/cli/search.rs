//! `sealbook search`: fuzzy search in the taxonomy catalogue.

use std::path::PathBuf;

use crate::ledger::json::Value;
use crate::wcp::catalog::{CatalogEntry, EntryType};

use super::Answer;
use super::document::catalogue;
use super::error::CliError;
use super::explain::parse_type;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Words, each of which must be found, letters apart if need be
    query: String,
    /// Of this type only: cap, wrk, ctrl, prof, pol or evt
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    entry_type: Option<EntryType>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// A catalogue of your own
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let catalogue = catalogue(args.catalog.as_deref())?;
    let found = catalogue.search(&args.query);
    let found = found.into_iter().map(|found| found.entry);
    let wanted = found.filter(|entry| args.entry_type.is_none_or(|t| entry.entry_type == t));
    let entries: Vec<&CatalogEntry> = wanted.take(args.limit).collect();
    list(&entries, output)
}

pub(super) fn list(entries: &[&CatalogEntry], output: &mut Output) -> Result<Answer, CliError> {
    if entries.is_empty() {
        return Err(CliError::NothingFound);
    }
    if output.is_json() {
        let values = entries.iter().map(|entry| entry.to_value());
        output.document(&Value::Array(values.collect()))?;
        return Ok(Answer::Yes);
    }
    let rows = entries.iter().map(|entry| {
        let (id, name) = (entry.id.clone(), entry.name.clone());
        vec![id, name, entry.description.clone()]
    });
    output.table(&["id", "name", "description"], rows.collect())?;
    Ok(Answer::Yes)
}
