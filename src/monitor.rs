//! Public logs, watched by a third party: their checkpoints are kept and compared,
//! their growth and their entries are checked, and what convicts a log is kept.
//!
//! What is known of a log lies in a folder named by the SHA-256 of its origin, so that
//! two places that serve the same log are compared with each other:
//! ```text
//! STATE/<hex>/checkpoint     the newest checkpoint that was in order
//! STATE/<hex>/seen.json      {"checked": entries, "since": when it was first seen}
//! STATE/<hex>/evidence/      notes that contradict it
//! ```
//! Needs no ledger and no store.

mod place;
mod report;
mod state;

use thiserror::Error;

use crate::ledger::note::{SignatureFault, VerifierKey};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::tlog::resource::{Resource, WIDTH};
use crate::ledger::tlog::source::{ReadError, Source, entries, root_before};
use crate::ledger::witness_policy::{CosignedAt, Side, WitnessPolicy};
use crate::ledger::witnessing::{CLOCK_TOLERANCE, time_of};

#[cfg(feature = "client")]
pub use place::Server;
pub use place::{Folder, PlaceError};
pub use report::{Code, Finding, Watched, Witnessing, prometheus};
use state::Forked;
pub use state::{State, StateError};

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
    State(#[from] StateError),
}

impl Monitor<'_> {
    /// Looks at the log at `place` as it is `now`, holds it against what is known of
    /// it, and keeps what is new.
    ///
    /// # Errors
    /// [`MonitorError`]; what is wrong with the log is in the report.
    pub fn look<S: Source>(
        &self,
        place: &str,
        source: &S,
        now: Timestamp,
    ) -> Result<Watched, MonitorError> {
        if self.policy.logs.is_empty() {
            return Err(MonitorError::NoLog);
        }
        let mut watched = Watched::new(place, self.policy.quorum_name());
        let note = match source.read(Resource::Checkpoint) {
            Ok(Some(note)) => note,
            Ok(None) => {
                watched.find(Code::Unreachable, "there is no checkpoint");
                return Ok(watched);
            }
            Err(error) => {
                watched.find(Code::Unreachable, &error.to_string());
                return Ok(watched);
            }
        };
        let Some(checkpoint) = self.signed(&note, &mut watched) else {
            return Ok(watched);
        };
        watched.is_at(checkpoint.content());
        self.compare(source, &checkpoint, now, &mut watched)?;
        Ok(watched)
    }

    /// The checkpoint, if a log of the policy signed it.
    fn signed(&self, note: &[u8], watched: &mut Watched) -> Option<SignedCheckpoint> {
        let checkpoint = match SignedCheckpoint::parse(note) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                watched.find(Code::CheckpointInvalid, &error.to_string());
                return None;
            }
        };
        let origin = &checkpoint.content().origin;
        let of_origin = |key: &&VerifierKey| key.name().as_str() == origin;
        let keys = self.policy.logs.iter().map(|log| &log.key);
        let keys: Vec<_> = keys.filter(of_origin).collect();
        if keys.is_empty() {
            let detail = format!("the policy names no log `{origin}`");
            watched.find(Code::UntrustedKey, &detail);
            return None;
        }
        let verdicts = keys.iter().map(|key| key.verify(checkpoint.note()));
        let mut faults = Vec::new();
        for verdict in verdicts {
            match verdict {
                Ok(_) => return Some(checkpoint),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        watched.find(Code::UntrustedKey, &faults.join("; "));
        None
    }

    fn compare<S: Source>(
        &self,
        source: &S,
        checkpoint: &SignedCheckpoint,
        now: Timestamp,
        watched: &mut Watched,
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
                let evidence = match found.code {
                    Code::FilesWrong | Code::Unreachable => Vec::new(),
                    _ => {
                        let both = [&known.checkpoint, checkpoint];
                        log.keep_evidence(both, found.forked.as_ref())?
                    }
                };
                watched.find_with(found.code, &found.detail, evidence);
                watched.checked = checked;
                return Ok(());
            }
        }
        watched.checked = check_entries(source, content, checked, watched);
        log.write(checkpoint, watched.checked, since)?;
        Ok(())
    }

    /// Who cosigned, whether they are enough, and how old their word is.
    fn judge_witnesses(
        &self,
        checkpoint: &SignedCheckpoint,
        since: Timestamp,
        now: Timestamp,
        watched: &mut Watched,
    ) {
        let mut cosigned = Vec::new();
        for (witness, known) in self.policy.witnesses.iter().enumerate() {
            match known.key.verify(checkpoint.note()) {
                Err(SignatureFault::Absent { .. }) => {}
                Err(fault) => watched.find(Code::CosignatureInvalid, &fault.to_string()),
                Ok(vouched) => match time_of(vouched) {
                    Some(time) if time.micros_since(now) > CLOCK_TOLERANCE => {
                        let detail = format!("{} cosigned at {time}, which is to come", known.name);
                        watched.find(Code::CosignatureInvalid, &detail);
                    }
                    Some(time) => cosigned.push(CosignedAt { witness, time }),
                    None => {
                        let detail = format!("the cosignature of {} names no time", known.name);
                        watched.find(Code::CosignatureInvalid, &detail);
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
            watched.cosigned.push(Witnessing {
                witness,
                time: at.time,
            });
        }
        if !self
            .policy
            .is_met(|witness| cosigned.iter().any(|at| at.witness == witness))
        {
            let detail = format!(
                "{} of the policy's witnesses cosigned, which is no quorum of {}",
                cosigned.len(),
                self.policy.quorum_name()
            );
            watched.find(Code::QuorumMissing, &detail);
        }
        // Without witnesses nobody else says when it was the newest.
        let fresh = self.policy.bound(Side::NotEarlier, &cosigned);
        let fresh = fresh.map_or(since, |bound| bound.time);
        let age = u64::try_from(now.micros_since(fresh) / 1_000_000).unwrap_or(0);
        watched.age_seconds = age;
        if age > self.max_age {
            let detail = format!("the newest checkpoint is {age} seconds old");
            watched.find(Code::Stale, &detail);
        }
    }
}

/// How a log did not go on from what is known of it.
struct Contradiction {
    code: Code,
    detail: String,
    /// Where both notes are needed with a proof between them.
    forked: Option<Forked>,
}

impl Contradiction {
    fn new(code: Code, detail: String) -> Contradiction {
        Contradiction {
            code,
            detail,
            forked: None,
        }
    }
}

/// Whether the log went on from what is known of it.
fn grown<S: Source>(source: &S, old: &Checkpoint, new: &Checkpoint) -> Result<(), Contradiction> {
    if old.size == new.size && old.root == new.root {
        return Ok(());
    }
    if old.size == new.size {
        let detail = two_roots(old.size, &old.root, &new.root);
        return Err(Contradiction::new(Code::Equivocation, detail));
    }
    if new.size < old.size {
        let detail = format!(
            "the log has {} entries, and had {} before",
            new.size, old.size
        );
        return Err(Contradiction::new(Code::RolledBack, detail));
    }
    match root_before(source, old.size, new) {
        Ok((root, _)) if root == old.root => Ok(()),
        // Not by the log's tiles, but by its newer checkpoint: they lead to its root.
        Ok((root, proof)) => Err(Contradiction {
            forked: Some(Forked { root, proof }),
            ..Contradiction::new(Code::Forked, two_roots(old.size, &old.root, &root))
        }),
        Err(ReadError::Source(error)) => {
            Err(Contradiction::new(Code::Unreachable, error.to_string()))
        }
        Err(error) => Err(Contradiction::new(Code::FilesWrong, error.to_string())),
    }
}

fn two_roots(size: u64, one: &Sha256Digest, other: &Sha256Digest) -> String {
    format!("two checkpoints of {size} entries have the roots {one} and {other}")
}

/// Checks the entries from `checked` on, and says up to which they are.
fn check_entries<S: Source>(
    source: &S,
    checkpoint: &Checkpoint,
    checked: u64,
    watched: &mut Watched,
) -> u64 {
    // A bundle that was not full is read again when it is.
    let mut done = checked.min(checkpoint.size);
    while done < checkpoint.size {
        let bundle = done / WIDTH;
        match entries(source, checkpoint, bundle) {
            Ok(_) => done = checkpoint.size.min((bundle + 1) * WIDTH),
            Err(ReadError::Source(error)) => {
                watched.find(Code::Unreachable, &error.to_string());
                return done;
            }
            Err(error) => {
                watched.find(Code::FilesWrong, &error.to_string());
                return done;
            }
        }
    }
    done
}
