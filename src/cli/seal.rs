//! `sealbook seal`: closes the open epoch.

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Succeed where there is nothing to seal
    #[arg(long)]
    if_any: bool,
}

pub(super) fn run(context: &Context, args: &Args, output: &mut Output) -> Result<Answer, CliError> {
    let logbook = context.writer()?;
    let sealed = logbook.seal()?;
    logbook.close()?;
    match sealed {
        Some(epoch) => {
            output.document(&epoch.to_value())?;
            Ok(Answer::Yes)
        }
        None if args.if_any => Ok(Answer::Yes),
        None => Err(CliError::NothingToSeal),
    }
}
