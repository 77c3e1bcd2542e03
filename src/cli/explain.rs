//! `sealbook explain`: one entry of the taxonomy catalogue.

use std::path::PathBuf;

use crate::ledger::json::Value;
use crate::wcp::Catalog;
use crate::wcp::catalog::{CatalogEntry, EntryType};

use super::Answer;
use super::document::catalogue;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its id, such as cap.doc.summarize
    id: String,
    /// A catalogue of your own
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let catalogue = catalogue(args.catalog.as_deref())?;
    match catalogue.explain(&args.id) {
        Some(entry) => show(&catalogue, entry, output),
        None => Err(CliError::NothingFound),
    }
}

pub(super) fn show(
    catalogue: &Catalog,
    entry: &CatalogEntry,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let referring = catalogue.referring_to(&entry.id).map(|e| e.id.clone());
    let referring: Vec<String> = referring.collect();
    if output.is_json() {
        let mut object = entry.to_value().as_object().cloned().unwrap_or_default();
        let ids: Vec<Value> = referring.into_iter().map(Value::from).collect();
        object.insert("referred_to_by", ids);
        output.document(&object)?;
        return Ok(Answer::Yes);
    }
    for (name, value) in [
        ("id", entry.id.clone()),
        ("name", entry.name.clone()),
        ("what", entry.description.clone()),
        ("risk", entry.risk_tier.clone().unwrap_or_default()),
        ("tags", entry.tags.join(", ")),
        ("needs", entry.related.join(", ")),
        ("used by", referring.join(", ")),
    ] {
        if !value.is_empty() {
            output.line(&format!("{name:<10}{value}"))?;
        }
    }
    Ok(Answer::Yes)
}

pub(super) fn parse_type(name: &str) -> Result<EntryType, String> {
    let expected = "one of cap, wrk, ctrl, prof, pol, evt is needed";
    EntryType::parse(name).ok_or_else(|| expected.to_owned())
}
