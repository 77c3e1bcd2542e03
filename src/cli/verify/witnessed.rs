//! What the witnesses of a policy say of a ledger that is verified.

use std::path::Path;

use serde::Serialize;

use crate::api::{Between, Ledger, SaidBound, SaidUnlikely, TimesFault};
use crate::cli::context::Context;
use crate::cli::document::witness_policy;
use crate::cli::error::CliError;
use crate::cli::output::Output;

/// The cosigned checkpoints that a ledger keeps, under a policy.
#[derive(Serialize)]
pub(super) struct Witnessed {
    /// Up to how many entries a quorum cosigned.
    entries: u64,
    /// Between which times the last entry was made.
    last: Option<Between>,
    /// Checkpoints that say nothing, or speak of other entries.
    pub(super) faults: Vec<TimesFault>,
    /// Cosignatures whose times are in no bound.
    left_out: Vec<SaidUnlikely>,
}

/// None without a policy: then nothing is claimed.
pub(super) fn of(
    context: &Context,
    path: &Path,
    policy: Option<&Path>,
) -> Result<Option<Witnessed>, CliError> {
    let Some(policy) = policy.map(witness_policy) else {
        return Ok(None);
    };
    if !path.is_dir() {
        return Err(CliError::usage("--policy is for a ledger, not for a file"));
    }
    let ledger = Ledger::open_read(path, context.options())?;
    let times = ledger.times(policy?)?;
    let last = ledger.store().last_seq()?;
    Ok(Some(Witnessed {
        entries: times.witnessed(),
        last: last.map(|last| times.between(last)),
        faults: times.faults().to_vec(),
        left_out: times.left_out(),
    }))
}

impl Witnessed {
    pub(super) fn print(&self, output: &mut Output) -> Result<(), CliError> {
        output.line(&format!("witnessed  {} entries", self.entries))?;
        let last = self.last.as_ref();
        let bounds = [
            (
                "not before",
                last.and_then(|last| last.not_earlier.as_ref()),
            ),
            ("not after", last.and_then(|last| last.not_later.as_ref())),
        ];
        for (name, bound) in bounds {
            let said = bound.map_or_else(|| "nobody says".to_owned(), SaidBound::text);
            output.line(&format!("last entry {name} {said}"))?;
        }
        for fault in &self.faults {
            output.line(&format!("fault    entry {}: {}", fault.seq, fault.detail))?;
        }
        for left in &self.left_out {
            let text = format!("left out {} by {}: {}", left.time, left.witness, left.why);
            output.line(&text)?;
        }
        Ok(())
    }
}
