//! The witnesses that are asked about each checkpoint before it is published.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::api::{Error, Ledger, check_not_halted, keep_witnessed, show_witnesses};
use crate::fetch::Fetcher;
use crate::ledger::note::Note;
use crate::ledger::position::Seq;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witness_policy::{self, MAX_BYTES};
use crate::ledger::witnessing::Standing;
use crate::publish::{Folder, PublicLog, Published, alone};
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

/// What was published, and what the witnesses did.
pub(super) struct Done {
    pub(super) published: Published,
    pub(super) standing: Option<Standing>,
    /// Whether the checkpoint before stays, for want of a quorum.
    pub(super) withheld: bool,
    /// The entry that keeps the cosignatures.
    pub(super) kept: Option<Seq>,
}

impl Args {
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
        &mut self,
        dir: &Path,
        ledger: &Ledger,
        log: &mut PublicLog<Folder>,
    ) -> Result<Done, Error> {
        if let Some(named) = ledger.public_name()? {
            check_not_halted(dir, named.name.as_str())?;
        }
        let now = ledger.clock().wall();
        let (mut shown, mut own) = (None, None);
        let published = match &self.panel {
            None => ledger.publish(log, &mut |proposed| {
                let note = alone(proposed)?;
                own.clone_from(&note);
                Ok(note)
            })?,
            Some(panel) => ledger.publish(log, &mut |proposed| {
                let done = show_witnesses(panel, dir, proposed, now)?;
                let note = done.note.clone();
                shown = Some(done);
                Ok(note)
            })?,
        };
        let mut done = Done {
            published,
            standing: None,
            withheld: false,
            kept: None,
        };
        // Under the second key it is worth keeping in any case.
        let own = own.filter(|note: &Note| note.signatures().len() > 1);
        if let Some(checkpoint) = own.and_then(|note| SignedCheckpoint::of_note(note).ok()) {
            let kept = keep_witnessed(ledger.logbook()?, &checkpoint, self.every, now)?;
            done.kept = kept.map(|receipt| receipt.seq);
        }
        if let Some(shown) = shown {
            done.withheld = shown.note.is_none();
            let signed_besides = |note: &Note| note.signatures().len() > 1;
            let second = ledger.second_key()?.is_some();
            let note = shown
                .note
                .filter(|note| shown.standing.quorum || (second && signed_besides(note)));
            if let Some(checkpoint) = note.and_then(|note| SignedCheckpoint::of_note(note).ok()) {
                let kept = keep_witnessed(ledger.logbook()?, &checkpoint, self.every, now)?;
                done.kept = kept.map(|receipt| receipt.seq);
            }
            done.standing = Some(shown.standing);
        }
        Ok(done)
    }
}
