//! What the witnesses of a policy say of what was verified.

use std::path::Path;

use sealbook::api::{Between, PostQuantum, SaidUnlikely, Times, TimesFault};
use sealbook::ledger::fault::{Fault, FaultCode, Format, Report, Verdict};
use sealbook::ledger::position::Seq;
use sealbook::ledger::witness_policy::WitnessPolicy;
use serde::Serialize;

use crate::errors::Failure;

/// The cosigned checkpoints that evidence carries, under a policy, as `sealbook verify
/// --policy --json` prints them.
#[derive(Serialize)]
pub(crate) struct Witnessed {
    entries: u64,
    last: Option<Between>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_quantum: Option<PostQuantum>,
    faults: Vec<TimesFault>,
    #[serde(skip_serializing_if = "is_zero")]
    not_here: u64,
    left_out: Vec<SaidUnlikely>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    each: Vec<EntryTimes>,
}

#[derive(Serialize)]
struct EntryTimes {
    seq: Seq,
    #[serde(flatten)]
    between: Between,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_quantum: Option<PostQuantum>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is said of the file at `path`. A quorum that the policy asks for and that is
/// nowhere is a fault of the report. None of a proof, which is judged under it already.
pub(crate) fn of(
    path: &Path,
    policy: &WitnessPolicy,
    report: &mut Report,
) -> Result<Option<Witnessed>, Failure> {
    if report.logs.is_some() {
        let text = "a policy is for one log: take the bundles of this report out of it with \
                    `sealbook report --extract`";
        return Err(Failure::new("usage", text));
    }
    let (times, last) = match (report.format, report.log) {
        (Format::TlogProof | Format::TlogTiles, _) => return Ok(None),
        (Format::Logbook, Some(log)) => {
            let last = report.entries.checked_sub(1).map(Seq);
            (Times::of_file(path, log, policy.clone())?, last)
        }
        (Format::Bundle, Some(log)) => {
            let times = Times::of_file(path, log, policy.clone())?;
            let last = times.last();
            (times, last)
        }
        (Format::Report, Some(log)) => {
            let times = Times::of_report(path, log, report.genesis, policy.clone())?;
            let last = times.last();
            (times, last)
        }
        (Format::Logbook | Format::Bundle | Format::Report, None) => return Ok(None),
        _ => {
            let text = "a policy is for what holds entries, or a tlog-proof";
            return Err(Failure::new("usage", text));
        }
    };
    if times.lacks_quorum() {
        let verb = match report.format {
            Format::Report => "carries",
            _ => "keeps",
        };
        let detail =
            format!("no checkpoint that it {verb} has the quorum that the policy asks for");
        let fault = Fault::of_file(FaultCode::QuorumMissing, detail);
        report.faults.push(fault);
        report.verdict = Verdict::Fail;
    }
    let each = times.entries().iter().map(|seq| EntryTimes {
        seq: *seq,
        between: times.between(*seq),
        post_quantum: times.protected(*seq),
    });
    Ok(Some(Witnessed {
        entries: times.witnessed(),
        last: last.map(|last| times.between(last)),
        post_quantum: times.post_quantum(),
        faults: times.faults().to_vec(),
        not_here: times.not_here(),
        left_out: times.left_out(),
        each: each.collect(),
    }))
}
