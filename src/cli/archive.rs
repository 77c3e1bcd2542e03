//! `sealbook archive`: the sealed epochs that a bucket has.

use crate::api::{Archived, archived_in};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Which sealed epochs the bucket has, and which it lacks
    Status,
}

pub(super) fn run(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Answer, CliError> {
    let Command::Status = command;
    let status = match context.ledger.exists() {
        true => context.reader(output)?.archive_status()?,
        false => context.bucket.address().map(archived_in).transpose()?,
    };
    let Some(status) = status else {
        return Err(CliError::usage("--bucket URL is needed"));
    };
    match output.is_json() {
        true => output.document(&status)?,
        false => print(&status, output)?,
    }
    match status.archived == status.sealed {
        true => Ok(Answer::Yes),
        false => Ok(Answer::No),
    }
}

fn print(status: &Archived, output: &mut Output) -> Result<(), CliError> {
    output.line(&format!(
        "{} of {} sealed epochs are archived, {} bytes",
        status.archived, status.sealed, status.bytes
    ))?;
    for epoch in &status.missing {
        output.line(&format!("missing: epoch {epoch}"))?;
    }
    if status.archived < status.sealed {
        output.line("`sealbook seal --if-any` archives what is missing")?;
    }
    Ok(())
}
