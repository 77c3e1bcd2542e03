//! Public logs, watched by a third party: their checkpoints are kept and compared,
//! their growth and their entries are checked, and what convicts a log is kept.
//!
//! What is known of a log lies in a folder named by the SHA-256 of its origin, so that
//! two places that serve the same log are compared with each other:
//! ```text
//! STATE/<hex>/checkpoint     the newest checkpoint that was in order
//! STATE/<hex>/seen.json      {"checked": entries, "since": when it was first seen}
//! STATE/<hex>/evidence/      notes that contradict it, and the proof that convicts it
//! STATE/<hex>/key            the key of a book that continues another, as that one's last
//!                            checkpoint names it
//! ```
//! Needs no ledger and no store.

mod growth;
mod place;
mod report;
mod state;

use thiserror::Error;

use crate::ledger::note::{Algorithm, SignatureFault, VerifierKey};
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint};
use crate::ledger::tlog::name::LogName;
use crate::ledger::tlog::resource::{Resource, WIDTH};
use crate::ledger::tlog::source::{TileReadError, TileSource, entries};
use crate::ledger::witness_policy::{BoundSide, CosignedAt, WitnessPolicy};
use crate::ledger::witnessing::{CLOCK_TOLERANCE, time_of};

use growth::grown;
#[cfg(feature = "client")]
pub use place::Server;
pub use place::{FolderPlace, PlaceError};
pub use report::{CheckedCosignature, LogFindings, MonitorCode, MonitorFinding, prometheus};
pub use state::{MonitorStateError, State};

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub struct Monitor<'a> {
    /// Whose logs and whose witnesses count.
    pub policy: &'a WitnessPolicy,
    /// Where what is known of the logs is kept.
    pub state: &'a State,
    /// How old the newest checkpoint may be, in seconds.
    pub max_age: u64,
}

/// Why a log could not be watched at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// The policy names no log, so that nobody's checkpoint counts.
    #[error("the policy names no log: add a line `log <vkey>`")]
    NoLog,
    /// What is known could not be read or written.
    #[error(transparent)]
    State(#[from] MonitorStateError),
}

impl Monitor<'_> {
    /// Looks at the log at `place` as it is `now`, holds it against what is known of
    /// it, and keeps what is new.
    ///
    /// # Errors
    /// [`MonitorError`]; what is wrong with the log is in the report.
    pub fn look<S: TileSource>(
        &self,
        place: &str,
        source: &S,
        now: Timestamp,
    ) -> Result<LogFindings, MonitorError> {
        if self.policy.logs.is_empty() {
            return Err(MonitorError::NoLog);
        }
        let mut watched = LogFindings::new(place, self.policy.quorum_name());
        let note = match source.read(Resource::Checkpoint) {
            Ok(Some(note)) => note,
            Ok(None) => {
                watched.find(MonitorCode::Unreachable, "there is no checkpoint");
                return Ok(watched);
            }
            Err(error) => {
                watched.find(MonitorCode::Unreachable, &error.to_string());
                return Ok(watched);
            }
        };
        let Some((checkpoint, keys)) = self.signed(&note, &mut watched)? else {
            return Ok(watched);
        };
        watched.is_at(checkpoint.content());
        self.compare(source, &checkpoint, &keys, now, &mut watched)?;
        Ok(watched)
    }

    /// The checkpoint, if a log of the policy signed it, or the book that continues one;
    /// and the keys that such a log may have.
    fn signed(
        &self,
        note: &[u8],
        watched: &mut LogFindings,
    ) -> Result<Option<(SignedCheckpoint, Vec<VerifierKey>)>, MonitorStateError> {
        let checkpoint = match SignedCheckpoint::parse(note) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                watched.find(MonitorCode::CheckpointInvalid, &error.to_string());
                return Ok(None);
            }
        };
        let origin = &checkpoint.content().origin;
        let of_origin = |key: &&VerifierKey| key.name().as_str() == origin;
        let keys = self.policy.logs.iter().map(|log| &log.key);
        let mut keys: Vec<_> = keys.filter(of_origin).cloned().collect();
        keys.extend(self.state.log(origin).key()?);
        if keys.is_empty() {
            let detail = format!("the policy names no log `{origin}`");
            watched.find(MonitorCode::UntrustedKey, &detail);
            return Ok(None);
        }
        let mut faults = Vec::new();
        for key in &keys {
            match key.verify(checkpoint.note()) {
                Ok(_) => return Ok(Some((checkpoint, keys))),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        watched.find(MonitorCode::UntrustedKey, &faults.join("; "));
        Ok(None)
    }

    fn compare<S: TileSource>(
        &self,
        source: &S,
        checkpoint: &SignedCheckpoint,
        keys: &[VerifierKey],
        now: Timestamp,
        watched: &mut LogFindings,
    ) -> Result<(), MonitorError> {
        let content = checkpoint.content();
        let log = self.state.log(&content.origin);
        let known = log.read()?;
        let since = match &known {
            Some(known) if known.checkpoint.content() == content => known.seen.since,
            _ => now,
        };
        self.judge_witnesses(checkpoint, since, now, watched);
        let mut checked = 0;
        if let Some(known) = &known {
            checked = known.seen.checked;
            if let Err(found) = grown(source, known.checkpoint.content(), content) {
                let both = [&known.checkpoint, checkpoint];
                let evidence = match found.is_by_the_log() {
                    true => log.keep_evidence(both, found.convict(keys, both).as_ref())?,
                    false => Vec::new(),
                };
                watched.find_with(found.code, &found.detail, evidence);
                watched.checked = checked;
                return Ok(());
            }
        }
        watched.checked = check_entries(source, content, checked, watched);
        log.write(checkpoint, watched.checked, since)?;
        self.follow(content, watched)?;
        Ok(())
    }

    /// Takes the key of the book that continues this one from its last checkpoint: from
    /// then on that book is watched as the policy's own logs are, wherever it is served.
    fn follow(
        &self,
        content: &CheckpointText,
        watched: &mut LogFindings,
    ) -> Result<(), MonitorStateError> {
        let named = content.extensions.iter();
        let Some(named) = named
            .filter_map(|line| line.strip_prefix("successor "))
            .next()
        else {
            return Ok(());
        };
        let next = content
            .origin
            .parse()
            .ok()
            .and_then(|name: LogName| name.successor().ok());
        let key = named.parse().ok().filter(|key: &VerifierKey| {
            let named = next.as_ref().map(LogName::as_key_name) == Some(key.name());
            named && matches!(key.algorithm(), Algorithm::Ed25519(_))
        });
        let Some(key) = key else {
            let detail = format!("`{named}` is not a key of the book that continues this one");
            watched.find(MonitorCode::SuccessorInvalid, &detail);
            return Ok(());
        };
        watched.successor = Some(key.to_string());
        let log = self.state.log(key.name().as_str());
        match log.key()? {
            None => log.keep_key(&key),
            Some(known) if known == key => Ok(()),
            Some(known) => {
                let detail = format!("it named {known} before, and names {key} now");
                watched.find(MonitorCode::SuccessorInvalid, &detail);
                Ok(())
            }
        }
    }

    /// Who cosigned, whether they are enough, and how old their word is.
    fn judge_witnesses(
        &self,
        checkpoint: &SignedCheckpoint,
        since: Timestamp,
        now: Timestamp,
        watched: &mut LogFindings,
    ) {
        let mut cosigned = Vec::new();
        for (witness, known) in self.policy.witnesses.iter().enumerate() {
            match known.key.verify(checkpoint.note()) {
                Err(SignatureFault::Absent { .. }) => {}
                Err(fault) => watched.find(MonitorCode::CosignatureInvalid, &fault.to_string()),
                Ok(vouched) => match time_of(vouched) {
                    Some(time) if time.micros_since(now) > CLOCK_TOLERANCE => {
                        let detail = format!("{} cosigned at {time}, which is to come", known.name);
                        watched.find(MonitorCode::CosignatureInvalid, &detail);
                    }
                    Some(time) => cosigned.push(CosignedAt { witness, time }),
                    None => {
                        let detail = format!("the cosignature of {} names no time", known.name);
                        watched.find(MonitorCode::CosignatureInvalid, &detail);
                    }
                },
            }
        }
        for at in &cosigned {
            let name = self
                .policy
                .witnesses
                .get(at.witness)
                .map(|known| known.name.clone());
            let witness = name.unwrap_or_default();
            watched.cosigned.push(CheckedCosignature {
                witness,
                time: at.time,
            });
        }
        if !self
            .policy
            .is_met(|witness| cosigned.iter().any(|at| at.witness == witness))
        {
            let detail = format!(
                "{} of the policy's witnesses cosigned, which is not a quorum of {}",
                cosigned.len(),
                self.policy.quorum_name()
            );
            watched.find(MonitorCode::QuorumMissing, &detail);
        }
        // Without witnesses nobody else says when it was the newest.
        let fresh = self.policy.bound(BoundSide::NotEarlier, &cosigned);
        let fresh = fresh.map_or(since, |bound| bound.time);
        let age = u64::try_from(now.micros_since(fresh) / 1_000_000).unwrap_or(0);
        watched.age_seconds = age;
        if age > self.max_age {
            let detail = format!("the newest checkpoint is {age} seconds old");
            watched.find(MonitorCode::Stale, &detail);
        }
    }
}

/// Checks the entries from `checked` on, and says up to which they are.
fn check_entries<S: TileSource>(
    source: &S,
    checkpoint: &CheckpointText,
    checked: u64,
    watched: &mut LogFindings,
) -> u64 {
    // A bundle that was not full is read again when it is.
    let mut done = checked.min(checkpoint.size);
    while done < checkpoint.size {
        let bundle = done / WIDTH;
        match entries(source, checkpoint, bundle) {
            Ok(_) => done = checkpoint.size.min((bundle + 1) * WIDTH),
            Err(TileReadError::Source(error)) => {
                watched.find(MonitorCode::Unreachable, &error.to_string());
                return done;
            }
            Err(error) => {
                watched.find(MonitorCode::FilesWrong, &error.to_string());
                return done;
            }
        }
    }
    done
}
