//! Cosignatures that came back into the log, and what they say of time.
//!
//! An entry of kind `sealbook:witnessed` keeps a checkpoint of the log itself as its
//! witnesses cosigned it:
//! ```text
//! {"checkpoint": "<the note>"}
//! ```
//! What stands after it was not there before those cosignatures, which nobody could
//! know earlier. What a cosigned checkpoint holds was there when it was cosigned. So
//! every entry stands between two times that others signed, by the quorum of a
//! verifier's policy; without one nothing is claimed.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::json::Object;
use super::key::PublicKey;
use super::note::{Algorithm, SignatureFault};
use super::position::Seq;
use super::sha256::Sha256Digest;
use super::shape::{self, MemberError};
use super::time::Timestamp;
use super::tlog::checkpoint::{SignedCheckpoint, SignedCheckpointError};
use super::witness_policy::{BoundSide, CosignedAt, WitnessPolicy};
use super::witnessing::{CLOCK_TOLERANCE, time_of};

/// The payload of `sealbook:witnessed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witnessed {
    /// The note, with its cosignatures.
    pub checkpoint: String,
}

impl Witnessed {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn from_object(object: &Object) -> Result<Witnessed, MemberError> {
        shape::read_object(object, "payload")
    }

    /// The inverse of [`Witnessed::from_object`].
    #[must_use]
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}

/// A checkpoint that the log keeps, or publishes, and what a policy's witnesses said
/// under it. Whether its root is that of the log's entries is for the caller to
/// compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The entry that keeps it, and that entry's own time; none if it is only
    /// published.
    pub kept: Option<(Seq, Timestamp)>,
    /// The log's name, by its word.
    pub origin: String,
    /// How many entries it holds.
    pub size: u64,
    /// The root over them.
    pub root: Sha256Digest,
    /// Who cosigned, and when.
    pub at: Vec<CosignedAt>,
    /// Whose ML-DSA-44 cosignature holds, by their places in the policy.
    pub post_quantum: Vec<usize>,
    /// Cosignatures whose time nobody can believe.
    pub left_out: Vec<LeftOut>,
}

/// A cosignature that is left out of every bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose, by its place in the policy.
    pub witness: usize,
    /// The time that it names.
    pub time: Timestamp,
    /// Why.
    pub why: Unlikely,
}

/// Why a time cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlikely {
    /// Before the last entry that the checkpoint holds, by the log's own word.
    BeforeItsEntries,
    /// After the entry that keeps it, by the log's own word.
    AfterItWasKept,
}

impl fmt::Display for Unlikely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unlikely::BeforeItsEntries => "before the entries that it covers",
            Unlikely::AfterItWasKept => "after the entry that records it",
        })
    }
}

/// Why a checkpoint says nothing under a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CosignedError {
    /// No signed checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] SignedCheckpointError),
    /// The policy names logs, and this is none of them.
    #[error("the policy does not name the log `{origin}` with this key")]
    OtherLog {
        /// The checkpoint's origin.
        origin: String,
    },
    /// The log did not sign it, or a witness's signature is wrong.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
}

impl Cosigned {
    /// Judges the signatures of a checkpoint of the log of this key. `kept` is the
    /// entry that keeps it. Cosignatures from before the last entry that it holds are
    /// left out by [`Cosigned::hold`].
    ///
    /// # Errors
    /// [`CosignedError`]: also for a wrong signature under a known witness's name,
    /// which makes a note worthless.
    pub fn judge(
        note: &[u8],
        log: PublicKey,
        policy: &WitnessPolicy,
        kept: Option<(Seq, Timestamp)>,
    ) -> Result<Cosigned, CosignedError> {
        let checkpoint = SignedCheckpoint::parse(note)?;
        let (content, note) = (checkpoint.content(), checkpoint.note());
        let origin = &content.origin;
        policy.check_log(origin, log, note)?;
        let mut cosigned = Cosigned {
            kept,
            origin: origin.clone(),
            size: content.size,
            root: content.root,
            at: Vec::new(),
            post_quantum: Vec::new(),
            left_out: Vec::new(),
        };
        for (witness, known) in policy.witnesses.iter().enumerate() {
            let vouched = match known.key.verify(note) {
                Ok(vouched) => vouched,
                Err(SignatureFault::Absent { .. }) => continue,
                Err(fault) => return Err(fault.into()),
            };
            if matches!(known.key.algorithm(), Algorithm::MlDsa44(_)) {
                cosigned.post_quantum.push(witness);
            }
            let Some(time) = time_of(vouched) else {
                continue;
            };
            match kept.is_some_and(|(_, kept)| time.micros_since(kept) > CLOCK_TOLERANCE) {
                true => cosigned.left_out.push(LeftOut {
                    witness,
                    time,
                    why: Unlikely::AfterItWasKept,
                }),
                false => cosigned.at.push(CosignedAt { witness, time }),
            }
        }
        Ok(cosigned)
    }

    /// Leaves out what was cosigned before `held`, the time of the last entry that the
    /// checkpoint holds.
    pub fn hold(&mut self, held: Timestamp) {
        let before = |time: Timestamp| held.micros_since(time) > CLOCK_TOLERANCE;
        let why = Unlikely::BeforeItsEntries;
        for left in self.left_out.iter_mut().filter(|left| before(left.time)) {
            left.why = why;
        }
        let (early, at) = self.at.iter().partition(|at| before(at.time));
        let early: Vec<CosignedAt> = early;
        self.at = at;
        let left = early.into_iter();
        self.left_out
            .extend(left.map(|CosignedAt { witness, time }| LeftOut { witness, time, why }));
    }
}

impl WitnessPolicy {
    /// Whether the log of this key signed a note of this origin, and the policy
    /// accepts it: it names the log, or names none.
    ///
    /// # Errors
    /// [`CosignedError::OtherLog`], [`CosignedError::Signature`].
    pub fn check_log(
        &self,
        origin: &str,
        log: PublicKey,
        note: &super::note::Note,
    ) -> Result<(), CosignedError> {
        let other = || CosignedError::OtherLog {
            origin: origin.to_owned(),
        };
        let name = origin.parse().map_err(|_| other())?;
        let own = super::note::VerifierKey::new(name, Algorithm::Ed25519(log));
        if !self.logs.is_empty() && !self.logs.iter().any(|known| known.key == own) {
            return Err(other());
        }
        own.verify(note)?;
        Ok(())
    }
}

/// A bound on when an entry was made, by a quorum's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// The bound.
    pub time: Timestamp,
    /// Whose word, by their places in the policy.
    pub witnesses: Vec<usize>,
    /// How many entries the checkpoint holds that says it.
    pub size: u64,
    /// The entry that keeps the checkpoint, if one does.
    pub kept: Option<Seq>,
}

/// Between which times the entry `seq` was made: not earlier than the first, not
/// later than the second. `cosigned` are checkpoints of this log whose roots are
/// those of its entries, in the order of their sizes.
#[must_use]
pub fn between(
    seq: Seq,
    cosigned: &[Cosigned],
    policy: &WitnessPolicy,
) -> (Option<When>, Option<When>) {
    let bound = |of: &Cosigned, side| {
        let bound = policy.bound(side, &of.at)?;
        Some(When {
            time: bound.time,
            witnesses: bound.witnesses,
            size: of.size,
            kept: of.kept.map(|(seq, _)| seq),
        })
    };
    let before = cosigned.iter().rev();
    let before = before.filter(|of| of.kept.is_some_and(|(kept, _)| kept < seq));
    let earliest = before
        .filter_map(|of| bound(of, BoundSide::NotEarlier))
        .next();
    let holds = cosigned.iter().filter(|of| of.size > seq.0);
    let latest = holds.filter_map(|of| bound(of, BoundSide::NotLater)).next();
    (earliest, latest)
}
