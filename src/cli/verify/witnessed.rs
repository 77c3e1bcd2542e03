//! What the witnesses of a policy say of a ledger or file that is verified.

use std::path::Path;

use serde::Serialize;

use crate::api::{Between, Ledger, PostQuantum, SaidBound, SaidUnlikely, Times, TimesFault};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::ledger::fault::{Fault, FaultCode, Format, Report, Verdict};
use crate::ledger::position::Seq;
use crate::ledger::witness_policy::WitnessPolicy;

/// Entries of a report whose times are printed.
const NAMED: usize = 20;

/// The cosigned checkpoints that a log keeps, under a policy.
#[derive(Serialize)]
pub(super) struct WitnessedVerdict {
    /// Up to how many entries a quorum cosigned.
    entries: u64,
    /// Between which times the last entry was made.
    last: Option<Between>,
    /// Up to how many entries a signature reaches that no quantum computer forges.
    #[serde(skip_serializing_if = "Option::is_none")]
    post_quantum: Option<PostQuantum>,
    /// Checkpoints that say nothing, or speak of other entries.
    pub(super) faults: Vec<TimesFault>,
    /// How many checkpoints are over entries that are not here.
    #[serde(skip_serializing_if = "is_zero")]
    not_here: u64,
    /// Cosignatures whose times are in no bound.
    left_out: Vec<SaidUnlikely>,
    /// Of a report, between which times each of its entries was made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    each: Vec<EntryTimes>,
    /// Whether the policy names a key of post-quantum signatures.
    #[serde(skip)]
    names_post_quantum: bool,
}

/// Between which times an entry was made, and the first checkpoint over it with a
/// post-quantum signature.
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

/// What the policy's witnesses say of what was verified. A quorum that the policy asks
/// for and that is nowhere is a fault of the report. None without a policy, and of a
/// proof, which is judged under it already.
pub(super) fn of(
    context: &Context,
    path: &Path,
    policy: Option<&WitnessPolicy>,
    report: &mut Report,
) -> Result<Option<WitnessedVerdict>, CliError> {
    let Some(policy) = policy.cloned() else {
        return Ok(None);
    };
    if report.logs.is_some() {
        let text = "--policy is for one log: take the bundles of this report out of it with \
            `report --extract`";
        return Err(CliError::usage(text));
    }
    let last = report.entries.checked_sub(1);
    let (times, last) = match (report.format, report.log) {
        (Format::TlogProof | Format::TlogTiles, _) => return Ok(None),
        (Format::Ledger, _) => {
            let ledger = Ledger::open_read(path, context.options())?;
            (ledger.times(policy)?, ledger.store().last_seq()?)
        }
        (Format::Logbook, Some(log)) => (Times::of_file(path, log, policy)?, last.map(Seq)),
        (Format::Bundle, Some(log)) => {
            let times = Times::of_file(path, log, policy)?;
            let last = times.last();
            (times, last)
        }
        (Format::Report, Some(log)) => {
            let times = Times::of_report(path, log, report.genesis, policy)?;
            let last = times.last();
            (times, last)
        }
        (Format::Logbook | Format::Bundle | Format::Report, None) => return Ok(None),
        _ => {
            return Err(CliError::usage(
                "--policy is for what holds entries, or a tlog-proof",
            ));
        }
    };
    if times.lacks_quorum() {
        let detail = match report.format {
            Format::Report => {
                "no checkpoint that it carries has the quorum that the policy asks for"
            }
            _ => "no checkpoint that it keeps has the quorum that the policy asks for",
        };
        report
            .faults
            .push(Fault::of_file(FaultCode::QuorumMissing, detail));
        report.verdict = Verdict::Fail;
    }
    Ok(Some(WitnessedVerdict {
        entries: times.witnessed(),
        last: last.map(|last| times.between(last)),
        post_quantum: times.post_quantum(),
        faults: times.faults().to_vec(),
        not_here: times.not_here(),
        left_out: times.left_out(),
        each: times
            .entries()
            .iter()
            .map(|seq| EntryTimes {
                seq: *seq,
                between: times.between(*seq),
                post_quantum: times.protected(*seq),
            })
            .collect(),
        names_post_quantum: times.names_post_quantum(),
    }))
}

impl WitnessedVerdict {
    pub(super) fn print(&self, output: &mut Output) -> Result<(), CliError> {
        output.line(&format!("witnessed  {} entries", self.entries))?;
        let each = self.each.iter();
        let each = each.map(|one| (format!("entry {}", one.seq), Some(&one.between), Some(one)));
        let last = ("last entry".to_owned(), self.last.as_ref(), None);
        let last = Some(last).filter(|_| self.each.is_empty());
        for (entry, between, one) in each.take(NAMED).chain(last) {
            for (name, bound) in [
                ("not before", between.and_then(|it| it.not_earlier.as_ref())),
                ("not after", between.and_then(|it| it.not_later.as_ref())),
            ] {
                let said = bound.map_or_else(|| "nobody says".to_owned(), SaidBound::text);
                output.line(&format!("{entry} {name} {said}"))?;
            }
            if let Some(one) = one.filter(|_| self.names_post_quantum) {
                let said = one.post_quantum.as_ref();
                let said = said.map_or_else(|| "by nobody".to_owned(), protected);
                output.line(&format!("{entry} post-quantum {said}"))?;
            }
        }
        if let Some(more) = self.each.len().checked_sub(NAMED).filter(|more| *more > 0) {
            output.line(&format!("and of {more} entries more: --json names them"))?;
        }
        if let Some(PostQuantum { entries, witnesses }) = &self.post_quantum {
            let by = witnesses.join(", ");
            output.line(&match entries.checked_sub(1) {
                Some(last) => format!("post-quantum up to entry {last}, by {by}"),
                None => "post-quantum no entry".to_owned(),
            })?;
        }
        if self.not_here > 0 {
            output.line(&format!(
                "not checked: {} checkpoints over entries that are not here",
                self.not_here
            ))?;
        }
        for fault in &self.faults {
            output.line(&format!("fault    entry {}: {}", fault.seq, fault.detail))?;
        }
        for left in &self.left_out {
            let text = format!("left out {} by {}: {}", left.time, left.witness, left.why);
            output.line(&text)?;
        }
        Ok(())
    }
}

fn protected(by: &PostQuantum) -> String {
    let PostQuantum { entries, witnesses } = by;
    format!(
        "by {} (checkpoint of {entries} entries)",
        witnesses.join(", ")
    )
}
