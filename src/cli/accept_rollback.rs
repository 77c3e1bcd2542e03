//! `sealbook accept-rollback`: a fault of the mark, acknowledged for ever.

use crate::api::Ledger;

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
    context.check_alone()?;
    let options = context.options();
    if let Some((ledger, halt, receipt)) =
        Ledger::accept_halt(&context.ledger, context.options(), &args.reason)?
    {
        output.warning(&format!("recorded for ever: {}", halt.reason));
        output.document(&Printed::new(&receipt, ledger.identity()))?;
        ledger.close()?;
        return Ok(Answer::Yes);
    }
    let (ledger, fault, receipt) = Ledger::accept_rollback(&context.ledger, options, &args.reason)?;
    output.warning(&format!("recorded for ever: {fault}"));
    output.document(&Printed::new(&receipt, ledger.identity()))?;
    ledger.close()?;
    Ok(Answer::Yes)
}
