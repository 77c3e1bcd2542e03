//! `sealbook backup`: a consistent copy, verified.

use std::path::PathBuf;

use serde_json::json;

use crate::api::{Error, Ledger};
use crate::backup::{BackupError, LEDGER, MARK};
use crate::logbook::error::OpenError;

use super::Answer;
use super::context::{Context, as_of};
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::spared::{lies_in, outside_ledgers};
use super::verify;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the copy is put; it must not exist
    directory: PathBuf,
    /// Link tables instead of copying them: quick, on one file system, and the ledger's files
    /// have one name more
    #[arg(long)]
    link: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let dir = &args.directory;
    // That the ledger's own folder is no place for it is said with why.
    if !lies_in(dir, &context.ledger) {
        outside_ledgers(dir)?;
    }
    let mut progress = Progress::new(None, "entries");
    let options = context.options();
    let made = Ledger::backup(&context.ledger, &options, dir, args.link, &mut |done| {
        progress.at(done)
    });
    progress.finish();
    let made = match made {
        Err(Error::Backup(BackupError::Unsound(report))) if output.is_json() => {
            output.document(&report)?;
            return Ok(Answer::No);
        }
        Err(Error::Backup(BackupError::Unsound(report))) => {
            verify::print_report(&report, None, false, output)?;
            return Ok(Answer::No);
        }
        // Who copies what was found must not be sent to change it.
        Err(Error::Open(OpenError::Mark(fault))) => return Err(CliError::Unmarked(fault)),
        made => made?,
    };
    let head = &made.mark.head.content;
    let last = made.report.entries.saturating_sub(1);
    if made.beside_writer {
        output.note(&as_of(crate::ledger::position::Seq(last)));
    }
    output.done(format!("the copy is in {}", dir.display()));
    if output.is_json() {
        output.document(&json!({
            "directory": dir.display().to_string(),
            "as_of": last,
            "entries": made.report.entries,
            "epochs": made.report.epochs,
            "head": made.report.head.to_string(),
            "marked": head.seq.0,
        }))?;
        return Ok(Answer::Yes);
    }
    output.line(&format!(
        "copied and verified {} entries, {} epochs",
        made.report.entries, made.report.epochs
    ))?;
    output.line(&format!("ledger   {}", dir.join(LEDGER).display()))?;
    output.line(&format!(
        "mark     {}, of entry {}",
        dir.join(MARK).display(),
        head.seq
    ))?;
    output.line(&format!("head     {}", made.report.head))?;
    Ok(Answer::Yes)
}
