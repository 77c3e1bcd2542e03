//! `sealbook browse`: the taxonomy catalogue, by hand on a terminal.

use std::path::PathBuf;

use dialoguer::FuzzySelect;
use dialoguer::theme::ColorfulTheme;

use crate::wcp::Catalog;
use crate::wcp::catalog::{CatalogEntry, EntryType};

use super::Answer;
use super::document::catalogue;
use super::error::{CliError, ProducerError};
use super::escape::escape;
use super::explain::{parse_type, show};
use super::output::Output;
use super::search::list;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of this type only: cap, wrk, ctrl, prof, pol or evt
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    entry_type: Option<EntryType>,
    /// A catalogue of your own
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let catalogue = catalogue(args.catalog.as_deref())?;
    let entries: Vec<&CatalogEntry> = match args.entry_type {
        Some(entry_type) => catalogue.browse(entry_type).collect(),
        None => catalogue.entries().iter().collect(),
    };
    if output.can_ask() && !entries.is_empty() {
        choose(&catalogue, &entries, output)
    } else {
        list(&entries, output)
    }
}

/// Lets the user type until one entry is left, shows it, and asks again.
fn choose(
    catalogue: &Catalog,
    entries: &[&CatalogEntry],
    output: &mut Output,
) -> Result<Answer, CliError> {
    let lines = entries.iter().map(|entry| {
        // A catalogue may be anybody's.
        let line = format!("{}  {}", entry.id, entry.name);
        escape(&line).into_owned()
    });
    let lines: Vec<String> = lines.collect();
    let mut at = 0;
    loop {
        let theme = ColorfulTheme::default();
        let question = FuzzySelect::with_theme(&theme)
            .with_prompt("type to search, Enter to show, Esc to end")
            .items(&lines)
            .default(at);
        let Some(chosen) = question.interact_opt().map_err(ProducerError::from)? else {
            return Ok(Answer::Yes);
        };
        at = chosen;
        if let Some(entry) = entries.get(chosen) {
            show(catalogue, entry, output)?;
            output.flush()?;
        }
    }
}
