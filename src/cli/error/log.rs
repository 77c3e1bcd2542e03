//! What goes wrong around public logs: policies of witnesses, monitors, timestamps.

use thiserror::Error;

#[cfg(feature = "client")]
use crate::fetch::FetchError;
use crate::ledger::tlog::checkpoint::SignedCheckpointError;
use crate::ledger::witness_policy::PolicyError;
use crate::monitor::MonitorError;
#[cfg(feature = "timestamps")]
use crate::timestamp::TimestampError;

/// Why a command on a public log has no answer.
#[derive(Debug, Error)]
pub(in crate::cli) enum LogError {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Checkpoint(#[from] SignedCheckpointError),
    #[error(transparent)]
    Monitor(#[from] MonitorError),
    #[cfg(feature = "client")]
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[cfg(feature = "timestamps")]
    #[error("{url}: the authority answered {status}, {media_type}")]
    Authority {
        url: String,
        status: u16,
        media_type: String,
    },
    #[cfg(feature = "timestamps")]
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
}

impl LogError {
    pub(super) fn code(&self) -> &'static str {
        match self {
            LogError::Policy(_) | LogError::Monitor(MonitorError::NoLog) => "bad_witness_policy",
            LogError::Checkpoint(_) => "bad_checkpoint",
            LogError::Monitor(_) => "io",
            #[cfg(feature = "client")]
            LogError::Fetch(FetchError::Url(_)) => "usage",
            #[cfg(feature = "client")]
            LogError::Fetch(_) => "authority_unreachable",
            #[cfg(feature = "timestamps")]
            LogError::Authority { .. } => "authority_unreachable",
            #[cfg(feature = "timestamps")]
            LogError::Timestamp(_) => "timestamp_invalid",
        }
    }
}
