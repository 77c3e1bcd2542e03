//! `--record`: what came out becomes an entry of the ledger.

use crate::api::Ledger;
use crate::record::Outcome;

use super::context::Context;
use super::error::CliError;
use super::output::Output;

/// The ledger that an outcome is recorded in, if it is.
pub(super) struct Recording(Option<Ledger>);

impl Recording {
    /// Opens the ledger before anything is verified: what cannot be recorded is
    /// not begun.
    pub(super) fn open(context: &Context, wanted: bool) -> Result<Recording, CliError> {
        Ok(Recording(wanted.then(|| context.writer()).transpose()?))
    }

    /// Records the outcome, and says where once it is durable. The outcome
    /// itself is printed after that, or not at all.
    pub(super) fn record(
        self,
        outcome: impl FnOnce() -> Outcome,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let Some(ledger) = self.0 else {
            return Ok(());
        };
        let recorded = ledger.record(&outcome());
        let closed = ledger.close();
        // What stopped the writer says more than that it has stopped.
        let receipt = recorded?;
        closed?;
        output.note(&format!(
            "recorded as entry {}: {}",
            receipt.seq, receipt.hash
        ));
        Ok(())
    }
}
