//! `--record`: what came out becomes an entry of the ledger.

use std::sync::Arc;

use crate::logbook::Logbook;
use crate::record::{Outcome, Recorder};

use super::context::Context;
use super::error::{CliError, ProducerError};
use super::output::Output;

/// The ledger that an outcome is recorded in, if it is.
pub(super) struct Recording(Option<Arc<Logbook>>);

impl Recording {
    /// Opens the ledger before anything is verified: what cannot be recorded is
    /// not begun.
    pub(super) fn open(context: &Context, wanted: bool) -> Result<Recording, CliError> {
        let logbook = wanted.then(|| context.writer()).transpose()?;
        Ok(Recording(logbook.map(Arc::new)))
    }

    /// Records the outcome, and says where once it is durable. The outcome
    /// itself is printed after that, or not at all.
    pub(super) fn record(
        self,
        outcome: impl FnOnce() -> Outcome,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let Some(logbook) = self.0 else {
            return Ok(());
        };
        let recorder = Recorder::new(Arc::clone(&logbook));
        let recorded = recorder.record(&outcome());
        drop(recorder);
        // What stopped the writer says more than that it has stopped.
        let closed = Arc::into_inner(logbook).map_or(Ok(()), Logbook::close);
        let receipt = recorded.map_err(ProducerError::from)?;
        closed?;
        output.note(&format!(
            "recorded as entry {}: {}",
            receipt.seq, receipt.hash
        ));
        Ok(())
    }
}
