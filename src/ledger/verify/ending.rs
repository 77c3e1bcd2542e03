//! The end of a walk: what must be the last entry, and from where a later walk
//! may go on.

use super::super::checkpoint::Checkpoint;
use super::super::fault::{Fault, FaultCode, Findings, NotChecked, WarningCode};
use super::super::opening::FormatVersion;
use super::super::position::Seq;
use super::super::source::Offset;
use super::Walk;

impl Walk<'_> {
    /// The source stands between two lines. What was walked up to here may be
    /// gone on from later, if nothing was wrong with it.
    pub(super) fn reach(&mut self, offset: Offset) {
        let Some(log) = self.log.filter(|_| self.findings.is_clean()) else {
            return;
        };
        self.reached = Some(Checkpoint {
            format: FormatVersion,
            log,
            genesis: self.genesis,
            n: self.chain.count,
            head: self.chain.head,
            last_ts: self.chain.last_ts,
            lines: offset.lines,
            bytes: offset.bytes,
            hash: offset.hash,
            signatures: self.policy.signatures,
            ledger_rules: self.own,
        });
    }

    /// The last entry must be the one that the source, its head statement and
    /// the caller say.
    pub(super) fn check_end(&mut self) {
        let last = self.chain.last_seq;
        if let Some(claimed) = self
            .subject
            .last_seq
            .filter(|claimed| last != Some(*claimed))
        {
            let found = Fault::of_file(
                FaultCode::Truncated,
                "it does not end at the entry that it says",
            );
            let actual = last.map_or_else(|| "none".to_owned(), |s| s.to_string());
            self.findings.fault(found.compared(claimed, actual));
        }
        if let Some(head) = self.head.as_ref().map(|head| &head.content)
            && (last != Some(head.seq) || self.chain.head != head.hash)
        {
            let detail = "the last entry is not that of the head statement";
            let found = Fault::of_file(FaultCode::HeadMismatch, detail).with_seq(Some(head.seq.0));
            self.findings
                .fault(found.compared(head.hash, self.chain.head));
        }
        if let Some(expected) = self
            .policy
            .expect_head
            .filter(|hash| *hash != self.chain.head)
        {
            let detail = "the last entry is not the head that was expected";
            let found = Fault::of_file(FaultCode::HeadMismatch, detail);
            self.findings
                .fault(found.compared(expected, self.chain.head));
        }
    }
}

/// What was kept of a log shows that it reached an entry, and nothing of what
/// comes after: only what names the last entry says that the end is here.
pub(super) fn say_what_is_not_covered(
    last: Option<Seq>,
    covered: Option<Seq>,
    not_checked: &mut Vec<NotChecked>,
    findings: &mut Findings,
) {
    let Some(covered) = covered else {
        return;
    };
    let beyond = last.map_or(0, |last| last.0.saturating_sub(covered.0));
    if beyond == 0 {
        not_checked.retain(|what| *what != NotChecked::Truncation);
    } else if not_checked.contains(&NotChecked::Truncation) {
        let detail = format!(
            "the newest of what was given is of entry {covered}: the {beyond} entries after it \
             are not covered, and whether the end is missing is not known"
        );
        findings.warning(WarningCode::NotCovered, detail);
    }
}
