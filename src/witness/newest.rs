//! What witnesses show of a log: the monitor's side of c2sp.org/tlog-witness.

use std::thread;

use super::{ANSWER_BYTES, checkpoint_url, fault_of};
use crate::fetch::Fetcher;
use crate::ledger::note::VerifierKey;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::witness_policy::{Witness, WitnessPolicy};
use crate::ledger::witnessing::WitnessFault;

/// The checkpoint of a log that each witness of a policy shows, in the policy's order,
/// under the log's key and its own. They are asked all at once, at the URL that the policy
/// names. A witness may be up to an hour behind what it cosigned.
#[must_use]
pub fn newest_of(
    fetcher: &Fetcher,
    policy: &WitnessPolicy,
    log: &VerifierKey,
) -> Vec<Result<SignedCheckpoint, WitnessFault>> {
    thread::scope(|scope| {
        let ask = |witness| scope.spawn(move || one(fetcher, witness, log));
        let running: Vec<_> = policy.witnesses.iter().map(ask).collect();
        let joined = running.into_iter().map(|running| running.join());
        joined
            .map(|found| found.unwrap_or(Err(WitnessFault::Unreachable)))
            .collect()
    })
}

fn one(
    fetcher: &Fetcher,
    witness: &Witness,
    log: &VerifierKey,
) -> Result<SignedCheckpoint, WitnessFault> {
    let prefix = witness.url.as_deref().ok_or(WitnessFault::NoUrl)?;
    let origin = log.name().as_str();
    let fetched = fetcher.get(&checkpoint_url(prefix, origin), ANSWER_BYTES);
    let fetched = fetched.map_err(|error| fault_of(&error))?;
    match fetched.status {
        200 => {}
        404 => return Err(WitnessFault::UnknownLog),
        status => return Err(WitnessFault::Status(status)),
    }
    let shown = SignedCheckpoint::parse(&fetched.body).ok();
    let shown = shown.filter(|shown| shown.content().origin == origin);
    let shown = shown.ok_or(WitnessFault::NotCheckpoint)?;
    // What the log did not sign says nothing of it, whoever cosigned.
    if log.verify(shown.note()).is_err() {
        return Err(WitnessFault::NotCheckpoint);
    }
    witness.key.verify(shown.note())?;
    Ok(shown)
}
