//! What is held against something that shows at most one entry of a log: a tlog-proof,
//! a folder of tiles, the proof of an equivocation.
//!
//! What a policy brings is judged as everywhere, by the same walk, over the entry that
//! there is. What cannot be shown by one entry or none is a fault and never passed over:
//! a revocation that cannot be applied, a head, a receipt or a selection that is not here.

use super::verify;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{FaultCode, NotChecked, Report, Verdict, WarningCode};
use crate::ledger::policy::Policy;
use crate::ledger::position::Seq;
use crate::ledger::source::{Event, Raw, ReadError, Source, Subject};

/// Adds to a report what comes of what `policy` holds against the log besides keys.
pub(crate) fn hold(report: &mut Report, entry: Option<(Seq, &Entry)>, policy: &Policy) {
    let asks = policy.expect_head.is_some()
        || policy.receipts.is_some()
        || !(policy.contains.is_empty()
            && policy.checkpoints.is_empty()
            && policy.revocations.is_empty()
            && policy.selection.is_empty());
    if !asks {
        return;
    }
    let mut shown = Shown {
        subject: Subject {
            format: report.format,
            log: report.log,
            genesis: None,
            first_seq: entry.map_or(Seq::FIRST, |(seq, _)| seq),
            last_seq: entry.map(|(seq, _)| seq),
            contiguous: entry.is_some(),
            not_checked: Vec::new(),
        },
        event: entry.map(|(seq, entry)| {
            let read = Raw::Read(Some(seq), Box::new(entry.clone()), None);
            Event::Entry(read, None)
        }),
    };
    // Signatures are judged where what they stand in is known.
    let held = Policy {
        keys: report.log.into_iter().collect(),
        signatures: false,
        witnesses: None,
        entry: None,
        known: Vec::new(),
        auditors: Vec::new(),
        audits: Vec::new(),
        ..policy.clone()
    };
    let Ok(outcome) = verify(&mut shown, &held, &mut |_| ()) else {
        return;
    };
    let found = outcome.report;
    // Its place in the log is judged by what it came with; and without a key nothing is
    // the log's, which was said.
    let new = |code: FaultCode| match code {
        FaultCode::ProofInvalid => false,
        FaultCode::UntrustedKey => report.log.is_some(),
        _ => true,
    };
    let faults = found.faults.into_iter().filter(|fault| new(fault.code));
    let faults: Vec<_> = faults.collect();
    report.faults.extend(faults);
    let warnings = found.warnings.into_iter();
    report
        .warnings
        .extend(warnings.filter(|warning| warning.code != WarningCode::Empty));
    let open = found.not_checked.into_iter().filter(|open| {
        use NotChecked::{Heads, Receipts, RevocationNotApplicable};
        matches!(open, Heads | Receipts | RevocationNotApplicable)
    });
    report.not_checked.extend(open);
    report.not_checked.sort_unstable();
    report.not_checked.dedup();
    if !report.faults.is_empty() {
        report.verdict = Verdict::Fail;
    }
}

/// The entry that there is, or none.
struct Shown {
    subject: Subject,
    event: Option<Event>,
}

impl Source for Shown {
    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        batch.extend(self.event.take());
        Ok(())
    }
}
