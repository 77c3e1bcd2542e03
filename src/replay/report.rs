//! What a replay says at its end.

use std::collections::BTreeMap;

use super::books::BookReach;
use super::counts::Counts;
use super::custody::CustodySoFar;
use super::otherwise::OtherwiseCounts;
use crate::ledger::fault::{Redacted, Report, Verdict, Warning, WarningCode};

#[derive(Clone, Debug)]
pub struct Replay {
    /// What verification found, and every fault of the recorded decisions.
    pub report: Report,
    pub counts: Counts,
    /// What would have come out otherwise: each decision that would have been
    /// another, or that nobody can tell of, by its entry's number.
    pub otherwise: Vec<(u64, super::otherwise::Otherwise)>,
    pub otherwise_counts: OtherwiseCounts,
    /// By kind, such as `wcp.attestation`: whether what passed last is what is
    /// there today.
    pub today: BTreeMap<&'static str, bool>,
    /// Of several books, each.
    pub books: Vec<BookReach>,
}

impl Replay {
    pub(super) fn of(mut report: Report, found: CustodySoFar) -> Replay {
        super::merge(found.findings, &mut report);
        Replay {
            report,
            counts: found.counts,
            otherwise: found.otherwise,
            otherwise_counts: found.otherwise_counts,
            today: found.today,
            books: Vec::new(),
        }
    }

    /// Goes on with the book that continues this one. Numbers of entries, in faults
    /// too, are each book's own. What one book is complete by is said of it alone.
    pub fn join(&mut self, next: Replay) {
        let report = next.report;
        if report.verdict == Verdict::Fail {
            self.report.verdict = Verdict::Fail;
        }
        self.report.entries += report.entries;
        self.report.epochs += report.epochs;
        self.report.head = report.head;
        self.report.complete = None;
        self.report.redacted = match (self.report.redacted, report.redacted) {
            (Some(these), Some(those)) => Some(Redacted {
                members: these.members + those.members,
                opened: these.opened + those.opened,
            }),
            (these, those) => these.or(those),
        };
        self.report.faults.extend(report.faults);
        self.report.warnings.extend(report.warnings);
        for what in report.not_checked {
            if !self.report.not_checked.contains(&what) {
                self.report.not_checked.push(what);
            }
        }
        self.counts.join(&next.counts);
        self.otherwise.extend(next.otherwise);
        self.otherwise_counts.same += next.otherwise_counts.same;
        self.otherwise_counts.changed += next.otherwise_counts.changed;
        self.otherwise_counts.undetermined += next.otherwise_counts.undetermined;
        self.today.extend(next.today);
        self.books.extend(next.books);
    }

    /// Whether each of several books continues the one before, so that nothing is left out
    /// between them; none if there is one.
    #[must_use]
    pub fn chained(&self) -> Option<bool> {
        let missing = |warning: &Warning| warning.code == WarningCode::BookNotHere;
        (!self.books.is_empty()).then(|| {
            self.report.verdict == Verdict::Pass
                && self.books.iter().all(|book| book.continues != Some(false))
                && !self.report.warnings.iter().any(missing)
        })
    }
}
