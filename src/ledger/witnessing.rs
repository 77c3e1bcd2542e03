//! What follows from a witness's answer, and from those of all (the protocol is
//! c2sp.org/tlog-witness).
//!
//! A witness answers a checkpoint with its cosignature; with 409 and the size that
//! it has cosigned last; or with 422 where the proof does not lead from there to
//! ours. A log can go on whatever one witness says:
//!
//! * 409 below our size: the same checkpoint again, proven from there.
//! * 409 above our size, or 422: the witness has seen another history than ours,
//!   or it lies. That counts only with a **note under our key** that shows it, or
//!   when more witnesses say it than the policy can lose, and never less than
//!   [`FEWEST_CLAIMS`]. Then nothing is signed any more. Otherwise this witness is
//!   faulty, and the others go on.
//!
//! A status alone convicts nobody: two notes do
//! ([`Equivocation`](super::equivocation::Equivocation)).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::note::{NoteSignature, SignatureFault, Vouched};
use super::time::Timestamp;
use super::witness_policy::WitnessPolicy;

/// How often a witness may name another size before it is given up. Another
/// publisher of the same log may have been faster once or twice.
pub const MOST_CONFLICTS: u8 = 4;

/// How many witnesses must claim another history before that counts without a note.
/// Where the policy can lose none, the word of one would do otherwise: one that lies
/// would halt the log, while a checkpoint of another history gets no quorum without it
/// in any case.
pub const FEWEST_CLAIMS: usize = 2;

/// How far a witness's clock may be before ours, in microseconds: 5 minutes.
pub const CLOCK_TOLERANCE: i64 = 300_000_000;

/// A checked cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The line of the note.
    pub line: NoteSignature,
    /// When, by the witness's clock.
    pub at: Timestamp,
}

/// What one answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned, and the cosignature is valid.
    Cosigned(Cosigned),
    /// 409: it has cosigned this size last.
    HasSize(u64),
    /// 422: our proof does not lead from what it has to our checkpoint.
    Unprovable,
    /// Anything else.
    Fault(WitnessFault),
}

/// Why a witness gave no cosignature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessFault {
    /// Nothing answered at its address.
    #[error("it cannot be reached")]
    Unreachable,
    /// It took too long.
    #[error("it did not answer in time")]
    Timeout,
    /// Its answer is longer than any may be.
    #[error("its answer is too long")]
    TooLong,
    /// The policy names no address for it.
    #[error("the policy names no URL for it")]
    NoUrl,
    /// 404.
    #[error("it does not know this log")]
    UnknownLog,
    /// 403.
    #[error("it does not trust the log's key")]
    Untrusted,
    /// Another status.
    #[error("it answered {0}")]
    Status(u16),
    /// A 409 that names no size.
    #[error("it answered 409 without a size")]
    NoSize,
    /// A 409 with the size that was sent, or one size after the other.
    #[error("it names one size after the other")]
    SizesWithoutEnd,
    /// A 200 that is not lines of signatures.
    #[error("its answer is not a note's signatures")]
    NotSignatures,
    /// What it shows is not a checkpoint that the log signed.
    #[error("what it shows is not a checkpoint of this log")]
    NotCheckpoint,
    /// Lines of signatures, none of them by the witness.
    #[error("its answer has no signature by its key")]
    NotItsKey,
    /// Its signature is there, and is wrong.
    #[error("its cosignature does not count: {0}")]
    Cosignature(#[from] SignatureFault),
    /// A cosignature without a time makes no statement on the newest tree.
    #[error("its cosignature names no time")]
    NoTime,
    /// It cosigned in the future.
    #[error("its cosignature is of {0}, which is still to come")]
    Future(Timestamp),
    /// It claims to have cosigned more than there is, and shows nothing.
    #[error("it claims to have cosigned {0} entries and shows no checkpoint of that size")]
    ClaimsMore(u64),
    /// It claims another history, and shows nothing.
    #[error("it claims another history and shows no checkpoint of it")]
    ClaimsOther,
}

/// The exchange with one witness about one checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    size: u64,
    old: u64,
    conflicts: u8,
}

/// What became of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A cosignature.
    Cosigned(Cosigned),
    /// It says that it has cosigned more than our checkpoint has.
    Ahead {
        /// How much.
        size: u64,
    },
    /// It says that our checkpoint does not continue what it has.
    Other {
        /// The size that our proof began from.
        from: u64,
    },
    /// Nothing of use.
    Faulty(WitnessFault),
}

impl Exchange {
    /// About a checkpoint of `size` entries, with a witness that is thought to
    /// have cosigned `old` of them; 0 where nothing is known.
    #[must_use]
    pub fn new(size: u64, old: u64) -> Exchange {
        Exchange {
            size,
            old: old.min(size),
            conflicts: 0,
        }
    }

    /// The size to prove consistency from in the next request.
    #[must_use]
    pub const fn old(&self) -> u64 {
        self.old
    }

    /// Takes an answer: what became of it, or none if the checkpoint is to be
    /// sent again, from [`old`](Exchange::old).
    pub fn answered(&mut self, answer: Answer) -> Option<Outcome> {
        Some(match answer {
            Answer::Cosigned(cosigned) => Outcome::Cosigned(cosigned),
            Answer::Unprovable => Outcome::Other { from: self.old },
            Answer::Fault(fault) => Outcome::Faulty(fault),
            Answer::HasSize(size) if size > self.size => Outcome::Ahead { size },
            Answer::HasSize(size) if size != self.old && self.conflicts < MOST_CONFLICTS => {
                self.old = size;
                self.conflicts += 1;
                return None;
            }
            Answer::HasSize(_) => Outcome::Faulty(WitnessFault::SizesWithoutEnd),
        })
    }
}

/// A note under our key that a witness showed for its claim, judged against our
/// own tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing, or nothing under our key.
    Nothing,
    /// A checkpoint of our own history.
    Ours,
    /// A checkpoint of more entries than we have.
    More {
        /// How many.
        size: u64,
    },
    /// A checkpoint that is none of our history.
    Contradiction {
        /// How many entries it has.
        size: u64,
    },
}

/// Why nothing is signed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stop {
    /// A checkpoint under our key has more entries than the ledger.
    #[error("a checkpoint under the log's key has {size} entries, more than the ledger")]
    RolledBack {
        /// How many.
        size: u64,
    },
    /// A checkpoint under our key is of another history.
    #[error("a checkpoint of {size} entries under the log's key is of another history")]
    Forked {
        /// How many entries it has.
        size: u64,
    },
    /// More witnesses say that the ledger was put back than the policy can lose.
    #[error(
        "{witnesses} witnesses have cosigned another history, and the policy can lose {can_lose}"
    )]
    Outvoted {
        /// How many say it.
        witnesses: usize,
        /// How many the policy can lose.
        can_lose: usize,
    },
}

/// What follows from the outcomes of all witnesses of a policy, in its order, and
/// from what those showed that are [`Outcome::Ahead`] or [`Outcome::Other`].
///
/// # Errors
/// [`Stop`]: nothing may be signed.
pub fn conclude(policy: &WitnessPolicy, outcomes: &[(Outcome, Shown)]) -> Result<Conclusion, Stop> {
    let mut claims = 0;
    for (outcome, shown) in outcomes {
        match shown {
            Shown::More { size } => return Err(Stop::RolledBack { size: *size }),
            Shown::Contradiction { size } => return Err(Stop::Forked { size: *size }),
            Shown::Nothing | Shown::Ours => {}
        }
        claims += usize::from(matches!(
            outcome,
            Outcome::Ahead { .. } | Outcome::Other { .. }
        ));
    }
    let outvoted = |can_lose: &usize| claims > *can_lose && claims >= FEWEST_CLAIMS;
    if let Some(can_lose) = policy.can_lose().filter(outvoted) {
        return Err(Stop::Outvoted {
            witnesses: claims,
            can_lose,
        });
    }
    let cosigned = |at| matches!(outcomes.get(at), Some((Outcome::Cosigned(_), _)));
    Ok(match policy.is_met(cosigned) {
        true => Conclusion::Quorum,
        false => Conclusion::NoQuorum,
    })
}

/// How the witnesses of a policy stand after a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How many entries the checkpoint has.
    pub size: u64,
    /// Whether a quorum cosigned it.
    pub quorum: bool,
    /// Each witness, in the order of the policy.
    pub witnesses: Vec<WitnessStanding>,
}

/// What one witness did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessStanding {
    /// What the policy calls it.
    pub name: String,
    /// When it cosigned; none if it did not.
    pub cosigned: Option<Timestamp>,
    /// Why it did not.
    pub fault: Option<String>,
}

/// Whether a checkpoint has what its policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// A quorum cosigned.
    Quorum,
    /// Too few did.
    NoQuorum,
}

impl Outcome {
    /// Why there is no cosignature; a claim that did not stop the log is a fault
    /// of its witness.
    #[must_use]
    pub fn fault(&self) -> Option<WitnessFault> {
        match self {
            Outcome::Cosigned(_) => None,
            Outcome::Ahead { size } => Some(WitnessFault::ClaimsMore(*size)),
            Outcome::Other { .. } => Some(WitnessFault::ClaimsOther),
            Outcome::Faulty(fault) => Some(fault.clone()),
        }
    }
}

/// When a cosignature was made; none if it names no time, or one after the year
/// 9999.
#[must_use]
pub fn time_of(vouched: Vouched) -> Option<Timestamp> {
    let seconds = vouched.time.filter(|seconds| *seconds > 0)?;
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Timestamp::from_unix_micros(micros)
}
