//! Sealed epochs go into the bucket behind the server, and leave the disk when they may.

use std::sync::Arc;
use std::time::Instant;

use super::LOOK;
use crate::api::Ledger;
use crate::cli::error::CliError;
use crate::cli::prune::Pruner;

/// Archives epochs as they are sealed, as long as the ledger is open. What fails is tried
/// again with the next look.
pub(super) fn archive_behind(ledger: &Ledger, pruner: Option<Pruner>) -> Result<(), CliError> {
    let Some(archiver) = ledger.archiver()? else {
        return Ok(());
    };
    let logbook = Arc::downgrade(ledger.logbook()?);
    std::thread::spawn(move || {
        let mut due = Instant::now();
        while logbook
            .upgrade()
            .is_some_and(|logbook| !logbook.is_stopped())
        {
            if let Err(error) = archiver.archive() {
                tracing::warn!(%error, "a sealed epoch is not archived yet");
            }
            if let Some(pruner) = pruner.as_ref().filter(|_| due <= Instant::now()) {
                pruner.prune(&archiver);
                due = Instant::now() + pruner.every();
            }
            std::thread::sleep(4 * LOOK);
        }
    });
    Ok(())
}
