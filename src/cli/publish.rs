//! `sealbook publish`: the ledger as a public log, in a folder.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::api::Ledger;
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::tlog::name::LogName;
use crate::ledger::witnessing::Standing;
use crate::publish::{Folder, PublicLog};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;
use super::target::spare;
use super::witnesses;

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
    #[command(flatten)]
    witnesses: witnesses::Args,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    size: u64,
    root: Sha256Digest,
    added: u64,
    changed: bool,
    /// Not where too few witnesses cosigned it and that is asked for.
    published: bool,
    witnesses: Option<Standing>,
    /// The entry that keeps their cosignatures, if there is a new one.
    witnessed: Option<Seq>,
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
    let mut asking = args.witnesses.read()?;
    let bound = ledger.public_name()?.map(|bound| bound.name);
    if let Some(name) = &args.name
        && bound.is_none()
    {
        log.check(&ledger.identity(), name)?;
    }
    if let Some(name) = args.name.as_ref().or(bound.as_ref())
        && let Some(receipt) = ledger.bind_name(name, asking.text())?
    {
        output.note(&format!("entry {} binds the name {name}", receipt.seq));
    }
    let done = asking.publish(&context.ledger, &ledger, &mut log)?;
    let published = done.published;
    ledger.close()?;
    let shown = Shown {
        name: published.name.to_string(),
        size: published.checkpoint.size,
        root: published.checkpoint.root,
        added: published.added,
        changed: published.changed,
        published: !done.withheld,
        witnesses: done.standing,
        witnessed: done.kept,
    };
    if output.is_json() {
        output.document(&shown)?;
    } else {
        let Shown { size, added, .. } = shown;
        let folder = folder.display();
        match done.withheld {
            false => output.line(&format!(
                "{size} entries are public in {folder}, {added} of them new"
            ))?,
            true => output.verdict(
                false,
                &format!("too few witnesses cosigned: the checkpoint in {folder} stays"),
            )?,
        }
        for witness in shown
            .witnesses
            .iter()
            .flat_map(|standing| &standing.witnesses)
        {
            let said = match (&witness.cosigned, &witness.fault) {
                (Some(at), _) => format!("cosigned at {at}"),
                (None, fault) => fault.clone().unwrap_or_default(),
            };
            output.line(&format!("witness   {}: {said}", witness.name))?;
        }
    }
    Ok(match done.withheld {
        true => Answer::No,
        false => Answer::Yes,
    })
}
