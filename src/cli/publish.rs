//! `sealbook publish`: the ledger as a public log, in a folder.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::Ledger;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::name::LogName;
use crate::publish::{Folder, PublicLog, alone};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::spare;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to publish to; it is made if it is not there
    #[arg(long, value_name = "FOLDER", required_unless_present = "end_name")]
    to: Option<PathBuf>,
    /// The log's public name, such as log.example.com/fleet; recorded the first time
    #[arg(long, value_name = "NAME")]
    name: Option<LogName>,
    /// End this public name for ever, and publish nothing
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "name"])]
    end_name: Option<LogName>,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    size: u64,
    root: Sha256Digest,
    added: u64,
    changed: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    context.check_files()?;
    context.check_alone()?;
    let ledger = Ledger::open(&context.ledger, context.options())?;
    if let Some(name) = &args.end_name {
        let receipt = ledger.close_name(name)?;
        ledger.close()?;
        output.note(&format!("entry {} ends the name {name}", receipt.seq));
        return Ok(Answer::Yes);
    }
    let folder = args.to.as_deref().unwrap_or(Path::new("."));
    spare(context, folder)?;
    let mut log = PublicLog::new(Folder::open(folder)?, folder.display().to_string());
    if let Some(name) = &args.name
        && ledger.public_name()?.is_none()
    {
        log.check(&ledger.identity(), name)?;
    }
    if let Some(name) = &args.name
        && let Some(receipt) = ledger.bind_name(name, None)?
    {
        output.note(&format!("entry {} binds the name {name}", receipt.seq));
    }
    let published = ledger.publish(&mut log, &mut alone)?;
    ledger.close()?;
    let shown = Shown {
        name: published.name.to_string(),
        size: published.checkpoint.size,
        root: published.checkpoint.root,
        added: published.added,
        changed: published.changed,
    };
    if output.is_json() {
        output.document(&shown)?;
    } else {
        let Shown { size, added, .. } = shown;
        let folder = folder.display();
        output.line(&format!(
            "{size} entries are public in {folder}, {added} of them new"
        ))?;
    }
    Ok(Answer::Yes)
}
