//! The witnesses that are asked about each checkpoint before it is published.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::api::{Error, Ledger, PublishedLog};
use crate::fetch::Fetcher;
use crate::ledger::witness_policy::{self, MAX_BYTES};
use crate::publish::{AnyStorage, PublicLog};
use crate::witness::{Panel, WitnessFail};

use super::document::{in_file, read};
use super::error::{CliError, LogError};

/// How witnesses are asked.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The witnesses that are asked to cosign each checkpoint: a file of c2sp.org/tlog-policy
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// Without a quorum: publish all the same (open), or leave the checkpoint before (closed)
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Fail::Open, requires = "witness_policy")]
    witness_fail: Fail,
    /// Seconds to wait for each answer of a witness
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        requires = "witness_policy"
    )]
    witness_timeout: u64,
    /// Record cosignatures in the log at most once in so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        requires = "witness_policy"
    )]
    witness_every: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Fail {
    Open,
    Closed,
}

/// Witnesses to ask, if there are any.
pub(super) struct Asking {
    panel: Option<Panel>,
    text: Option<String>,
    every: Duration,
}

impl Args {
    /// Whether witnesses were named.
    pub(super) const fn are_given(&self) -> bool {
        self.witness_policy.is_some()
    }

    /// The file of the policy.
    #[cfg(feature = "bucket")]
    pub(super) fn policy(&self) -> Option<&std::path::Path> {
        self.witness_policy.as_deref()
    }

    /// Reads the policy.
    pub(super) fn read(&self) -> Result<Asking, CliError> {
        let every = Duration::from_secs(self.witness_every);
        let Some(path) = &self.witness_policy else {
            let (panel, text) = (None, None);
            return Ok(Asking { panel, text, every });
        };
        let bytes = read(path, MAX_BYTES)?;
        let policy = witness_policy::parse(&bytes);
        let policy = policy.map_err(|error| in_file(path)(LogError::from(error)))?;
        let panel = Panel {
            policy,
            fail: match self.witness_fail {
                Fail::Open => WitnessFail::Open,
                Fail::Closed => WitnessFail::Closed,
            },
            fetcher: Fetcher::new(Duration::from_secs(self.witness_timeout)),
        };
        Ok(Asking {
            panel: Some(panel),
            text: Some(String::from_utf8_lossy(&bytes).into_owned()),
            every,
        })
    }
}

impl Asking {
    /// The text of the policy, which is recorded with the name.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Publishes, and records the cosignatures of a quorum.
    pub(super) fn publish(
        &self,
        ledger: &Ledger,
        log: &mut PublicLog<AnyStorage>,
    ) -> Result<PublishedLog, Error> {
        ledger.publish_to(log, self.panel.as_ref(), self.every)
    }
}
