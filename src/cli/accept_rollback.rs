//! `sealbook accept-rollback`: a fault of the mark, acknowledged for ever.

use crate::logbook::Logbook;

use super::Answer;
use super::append::Printed;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Why, for those who read the log later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let (logbook, fault, receipt) = Logbook::accept_rollback(context.parts()?, &args.reason)?;
    output.warning(&format!("recorded for ever: {fault}"));
    output.document(&Printed::new(&receipt, logbook.identity()))?;
    logbook.close()?;
    Ok(Answer::Yes)
}
