//! The witnesses of a policy, asked about each checkpoint before it is published.

use super::{Round, Stopped, Submission, cosign};
use crate::fetch::Fetcher;
use crate::ledger::note::VerifierKey;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::tlog::source::{TileSource, root_before};
use crate::ledger::witness_policy::{Witness, WitnessPolicy};
use crate::ledger::witnessing::{Conclusion, Outcome, Standing, WitnessStanding};

/// What becomes of a checkpoint that no quorum cosigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WitnessFail {
    /// It is published with the cosignatures that there are.
    #[default]
    Open,
    /// It is not published, and the one before stays.
    Closed,
}

/// Witnesses, and how to reach them.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Whose cosignatures count.
    pub policy: WitnessPolicy,
    /// What becomes of a checkpoint without a quorum.
    pub fail: WitnessFail,
    /// By which they are reached.
    pub fetcher: Fetcher,
}

/// A checkpoint after its witnesses were asked.
#[derive(Clone, Debug)]
pub struct Cosigned {
    /// With the cosignatures of those that gave one.
    pub checkpoint: SignedCheckpoint,
    /// Whether it may be published.
    pub publish: bool,
    /// What each witness did.
    pub standing: Standing,
}

impl Panel {
    /// Asks every witness to cosign `checkpoint`. `source` has the tiles of its tree,
    /// `published` is the checkpoint before it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask<S: TileSource + Sync>(
        &self,
        source: &S,
        checkpoint: SignedCheckpoint,
        published: Option<&SignedCheckpoint>,
        log: &VerifierKey,
        now: Timestamp,
    ) -> Result<Cosigned, Box<Stopped>> {
        let submission = Submission {
            checkpoint: &checkpoint,
            log,
            now,
        };
        let grown = |old| root_before(source, old, checkpoint.content()).ok();
        // A witness that cosigned what is published has that size.
        let known = |at: usize| {
            let key = self.policy.witnesses.get(at).map(|witness| &witness.key);
            let of = published.zip(key);
            let of = of.filter(|(published, key)| key.verify(published.note()).is_ok());
            of.map_or(0, |(published, _)| published.content().size)
        };
        let round = cosign(&self.fetcher, &self.policy, submission, &grown, &known)?;
        let standing = self.standing(checkpoint.content().size, &round);
        let publish = standing.quorum || self.fail == WitnessFail::Open;
        Ok(Cosigned {
            checkpoint: with_cosignatures(checkpoint, &round),
            publish,
            standing,
        })
    }

    fn standing(&self, size: u64, round: &Round) -> Standing {
        let witnesses = self.policy.witnesses.iter().zip(&round.outcomes);
        let standing = |(witness, outcome): (&Witness, &Outcome)| WitnessStanding {
            name: witness.name.clone(),
            cosigned: match outcome {
                Outcome::Cosigned(cosigned) => Some(cosigned.at),
                _ => None,
            },
            fault: outcome.fault().map(|fault| fault.to_string()),
        };
        Standing {
            size,
            quorum: round.conclusion == Conclusion::Quorum,
            witnesses: witnesses.map(standing).collect(),
        }
    }
}

/// The checkpoint with every cosignature that was given.
fn with_cosignatures(checkpoint: SignedCheckpoint, round: &Round) -> SignedCheckpoint {
    let mut note = checkpoint.clone().into_note();
    for outcome in &round.outcomes {
        if let Outcome::Cosigned(cosigned) = outcome
            && note.add(cosigned.line.clone()).is_err()
        {
            // As many as a note has room for: the policy has more witnesses than that.
            break;
        }
    }
    SignedCheckpoint::of_note(note).unwrap_or(checkpoint)
}
