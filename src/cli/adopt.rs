//! `sealbook adopt`: a copy becomes the ledger, and its original the copy.

use serde_json::json;

use crate::store::RocksStore;

use super::Answer;
use super::context::Context;
use super::error::CliError;
use super::output::Output;

pub(super) fn run(context: &Context, output: &mut Output) -> Result<Answer, CliError> {
    context.wait()?;
    let ledger = context.ledger.display().to_string();
    let original = RocksStore::adopt(&context.ledger)?;
    let shown = original.as_ref().map(|path| path.display().to_string());
    if original.is_some() {
        output.done(format!("{ledger} is the ledger now"));
    }
    if output.is_json() {
        output.document(&json!({"ledger": ledger, "original": shown}))?;
    } else {
        output.line(&match &shown {
            Some(original) => {
                format!("{ledger} is the ledger now: it is written, and {original} is its copy")
            }
            None => format!("{ledger} is the copy of none: there is nothing to adopt"),
        })?;
    }
    Ok(match original {
        Some(_) => Answer::Yes,
        None => Answer::No,
    })
}
