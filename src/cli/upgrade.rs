//! `sealbook upgrade`: a log of version 1 goes on with an index.

use serde::Serialize;

use crate::api::Ledger;
use crate::ledger::position::{EpochNumber, Seq};

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

#[derive(Serialize)]
struct Printed {
    /// The first epoch that is indexed.
    since: EpochNumber,
    /// The entry that says so, if it was written now.
    seq: Option<Seq>,
}

pub(super) fn run(context: &Context, output: &mut Output) -> Result<Answer, CliError> {
    context.check_files()?;
    context.check_alone()?;
    let ledger = Ledger::open(&context.ledger, context.options())?;
    let receipt = ledger.begin_index()?;
    let begun = ledger.index_begins()?.ok_or(CliError::NothingFound)?;
    ledger.close()?;
    let printed = Printed {
        since: begun.since,
        seq: receipt.map(|receipt| receipt.seq),
    };
    if let Some(seq) = printed.seq {
        output.done(format!("entry {seq} begins the index"));
    }
    if output.is_json() {
        output.document(&printed)?;
    } else {
        output.line(&match printed.seq {
            Some(seq) => format!(
                "headers commit to an index from epoch {} on, which begins with entry {seq}",
                printed.since
            ),
            None => format!(
                "headers commit to an index from epoch {} on already: nothing was written",
                printed.since
            ),
        })?;
    }
    Ok(Answer::Yes)
}
