//! Witnesses over HTTP: a checkpoint is submitted to each of a policy, all at
//! once, and what they answer is judged (c2sp.org/tlog-witness).
//!
//! A witness is not believed anything: its cosignature is checked, its claims
//! count by the rules of [`witnessing`](crate::ledger::witnessing).
#![cfg(feature = "client")]

mod answer;
mod newest;
mod panel;

use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fetch::{FetchError, Fetched, Fetcher};
use crate::ledger::note::VerifierKey;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witness_policy::{Witness, WitnessPolicy};
use crate::ledger::witnessing::{
    Conclusion, Exchange, Outcome, Shown, Stop, WitnessFault, conclude,
};

pub use newest::newest_of;
pub use panel::{Cosigned, Panel, WitnessFail};

/// For one request to a witness, from name resolution to the last byte.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read: some dozens of the longest cosignatures.
const ANSWER_BYTES: u64 = 256 << 10;

/// Our own tree: the root of so many leaves, and the consistency proof from there to
/// the checkpoint (RFC 6962 §2.1.2). None if it cannot be read.
pub type Grown<'a> = dyn Fn(u64) -> Option<(Sha256Digest, Vec<Sha256Digest>)> + Sync + 'a;

/// A checkpoint that witnesses are asked to cosign.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The checkpoint, signed by the log.
    pub checkpoint: &'a SignedCheckpoint,
    /// The log's key, by which notes that a witness shows are judged.
    pub log: &'a VerifierKey,
    /// What time it is.
    pub now: Timestamp,
}

/// What all witnesses answered.
#[derive(Clone, Debug)]
pub struct Round {
    /// Of each witness of the policy, in its order.
    pub outcomes: Vec<Outcome>,
    /// Whether they are a quorum.
    pub conclusion: Conclusion,
}

/// A round after which nothing may be signed.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Why.
    pub stop: Stop,
    /// The notes under our key that witnesses showed.
    pub evidence: Vec<Vec<u8>>,
}

/// Asks every witness of `policy`, all at once. `known` says which size a witness,
/// by its place, is thought to have cosigned last.
///
/// # Errors
/// [`Stopped`]: the log was put back, or its key has signed another history.
pub fn cosign(
    fetcher: &Fetcher,
    policy: &WitnessPolicy,
    submission: Submission<'_>,
    grown: &Grown<'_>,
    known: &(dyn Fn(usize) -> u64 + Sync),
) -> Result<Round, Box<Stopped>> {
    let asked: Vec<_> = thread::scope(|scope| {
        let ask = |(at, witness)| {
            let one = WitnessQuestion {
                fetcher,
                witness,
                submission,
                grown,
            };
            scope.spawn(move || one.ask(known(at)))
        };
        let running: Vec<_> = policy.witnesses.iter().enumerate().map(ask).collect();
        let joined = running.into_iter().map(|running| running.join());
        let gone = |_| WitnessReply::of(Outcome::Faulty(WitnessFault::Unreachable));
        joined.map(|asked| asked.unwrap_or_else(gone)).collect()
    });
    let outcomes: Vec<_> = asked
        .iter()
        .map(|one| (one.outcome.clone(), one.shown))
        .collect();
    match conclude(policy, &outcomes) {
        Ok(conclusion) => {
            let outcomes = asked.into_iter().map(|one| one.outcome).collect();
            Ok(Round {
                outcomes,
                conclusion,
            })
        }
        Err(stop) => {
            let evidence = asked.into_iter().filter_map(|one| one.evidence).collect();
            Err(Box::new(Stopped { stop, evidence }))
        }
    }
}

/// What one witness answered, and what it showed for it.
struct WitnessReply {
    outcome: Outcome,
    shown: Shown,
    evidence: Option<Vec<u8>>,
}

impl WitnessReply {
    fn of(outcome: Outcome) -> WitnessReply {
        WitnessReply {
            outcome,
            shown: Shown::Nothing,
            evidence: None,
        }
    }
}

/// One witness and what it is asked.
struct WitnessQuestion<'a> {
    fetcher: &'a Fetcher,
    witness: &'a Witness,
    submission: Submission<'a>,
    grown: &'a Grown<'a>,
}

impl WitnessQuestion<'_> {
    fn ask(&self, known: u64) -> WitnessReply {
        let Some(url) = &self.witness.url else {
            return WitnessReply::of(Outcome::Faulty(WitnessFault::NoUrl));
        };
        let prefix = url.trim_end_matches('/');
        let size = self.size();
        let mut exchange = Exchange::new(size, known);
        let outcome = loop {
            let Some(body) = self.request(exchange.old()) else {
                break Outcome::Faulty(WitnessFault::ClaimsOther);
            };
            let url = format!("{prefix}/add-checkpoint");
            let answered =
                self.fetcher
                    .post(&url, "text/plain; charset=utf-8", &body, ANSWER_BYTES);
            let answer = answer::read(self.witness, self.submission, answered);
            if let Some(outcome) = exchange.answered(answer) {
                break outcome;
            }
        };
        match outcome {
            Outcome::Ahead { .. } | Outcome::Other { .. } => self.with_its_note(prefix, outcome),
            outcome => WitnessReply::of(outcome),
        }
    }

    fn size(&self) -> u64 {
        self.submission.checkpoint.content().size
    }

    /// The body of `add-checkpoint`: old size, proof, and the note.
    fn request(&self, old: u64) -> Option<Vec<u8>> {
        let size = self.size();
        let proof = match old {
            0 => Vec::new(),
            old if old == size => Vec::new(),
            old => (self.grown)(old)?.1,
        };
        let mut body = format!("old {old}\n");
        for hash in &proof {
            body.push_str(&STANDARD.encode(hash.as_bytes()));
            body.push('\n');
        }
        Some(format!("{body}\n{}", self.submission.checkpoint).into_bytes())
    }

    /// A claim that our log was put back, with the note that the witness has of
    /// our log, where it shows one.
    fn with_its_note(&self, prefix: &str, outcome: Outcome) -> WitnessReply {
        let origin = &self.submission.checkpoint.content().origin;
        let url = checkpoint_url(prefix, origin);
        let fetched = self.fetcher.get(&url, ANSWER_BYTES).ok();
        let note = fetched.filter(|fetched| fetched.status == 200);
        let shown = note
            .as_ref()
            .map_or(Shown::Nothing, |note| self.judge(&note.body));
        let evidence = match shown {
            Shown::More { .. } | Shown::Contradiction { .. } => note.map(|note| note.body),
            Shown::Nothing | Shown::Ours => None,
        };
        WitnessReply {
            outcome,
            shown,
            evidence,
        }
    }

    fn judge(&self, bytes: &[u8]) -> Shown {
        let Ok(shown) = SignedCheckpoint::parse(bytes) else {
            return Shown::Nothing;
        };
        let checkpoint = shown.content();
        let ours = self.submission.log.verify(shown.note()).is_ok();
        if !ours || checkpoint.origin != self.submission.checkpoint.content().origin {
            return Shown::Nothing;
        }
        let size = checkpoint.size;
        if size > self.size() {
            return Shown::More { size };
        }
        match (self.grown)(size).map(|(root, _)| root) {
            Some(root) if root == checkpoint.root => Shown::Ours,
            Some(_) => Shown::Contradiction { size },
            None => Shown::Nothing,
        }
    }
}

/// Where a witness shows its checkpoint of the log of that origin.
fn checkpoint_url(prefix: &str, origin: &str) -> String {
    let origin = Sha256Digest::of(origin.as_bytes());
    format!("{}/{origin}/checkpoint", prefix.trim_end_matches('/'))
}

/// What a failed request says of a witness.
fn fault_of(error: &FetchError) -> WitnessFault {
    match error {
        FetchError::Timeout => WitnessFault::Timeout,
        FetchError::TooLong { .. } => WitnessFault::TooLong,
        FetchError::Url(_) | FetchError::Transport(_) => WitnessFault::Unreachable,
    }
}

/// What is asked for when nothing is known of a witness.
#[must_use]
pub fn nothing_known(_: usize) -> u64 {
    0
}

/// An answer that was not looked at yet.
type Answered = Result<Fetched, FetchError>;
