//! The end of a walk: what must be the last entry, and from where a later walk
//! may go on.

use super::super::answered::Mismatch;
use super::super::checkpoint::Checkpoint;
use super::super::fault::{Fault, FaultCode, Findings, Format, NotChecked, WarningCode};
use super::super::json::{Form, Object, Value};
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

impl Walk<'_> {
    /// A bundle must be the whole answer to what the caller asks for, no answer
    /// to less or to something else.
    pub(super) fn check_answer(&mut self) {
        let asked = &self.policy.selection;
        if asked.is_empty() {
            return;
        }
        let answered = self.answers.as_ref().and_then(Value::as_object);
        let same = answered.is_some_and(|filter| {
            let narrowing = filter.keys().filter(|name| *name != ALSO_ATTESTATIONS);
            narrowing.count() == asked.len()
                && asked
                    .iter()
                    .all(|(name, value)| filter.get(name).and_then(Value::as_str) == Some(value))
        });
        if !same {
            let detail = match &self.answers {
                Some(_) => "the selection that it answers is another one",
                None => "it does not say, under a signature, which selection it answers",
            };
            let asked: Object = asked.iter().cloned().collect();
            let spelt = |value: &Value| value.canonical(Form::Utf8);
            let actual = self.answers.as_ref().map_or("none".to_owned(), spelt);
            let found = Fault::of_file(FaultCode::FilterMismatch, detail);
            self.findings
                .fault(found.compared(spelt(&Value::Object(asked)), actual));
        }
    }
}

impl Walk<'_> {
    /// Whether it is a selection.
    pub(super) fn selects(&self) -> bool {
        self.subject.format == Format::Bundle && !self.subject.contiguous
    }

    /// Every entry of a selection must be one that its signed filter asks for.
    pub(super) fn check_answered(&mut self) {
        let Some(filter) = self.answers.as_ref().and_then(Value::as_object) else {
            return;
        };
        let found = match self.answered.check(filter) {
            _ if !self.selects() => {
                let detail = "a range says that it answers a selection";
                Fault::of_file(FaultCode::FilterMismatch, detail)
            }
            Ok(()) => return,
            Err(mismatch) => mismatch.fault(),
        };
        self.findings.fault(found);
    }
}

impl Mismatch {
    fn fault(self) -> Fault {
        let (seq, detail) = match self {
            Mismatch::Asked(error) => (None, format!("what it answers cannot be read: {error}")),
            Mismatch::TooManyKinds => (None, "it answers for too many kinds".to_owned()),
            Mismatch::Attestations => {
                let detail = "attestations stand beside a case, and beside nothing else";
                (None, detail.to_owned())
            }
            Mismatch::TooMany { limit, entries } => {
                let detail = format!("it answers for {limit} entries, and gives {entries}");
                (None, detail)
            }
            Mismatch::Other { seq, member } => {
                let detail = format!(
                    "entry {seq} is not one that the selection asks for: see `{member}` of its \
                     filter"
                );
                (Some(seq.0), detail)
            }
        };
        Fault::of_file(FaultCode::FilterMismatch, detail).with_seq(seq)
    }
}

/// Said in a filter of a case with which the attestations of its workers are
/// given, too: that takes nothing from the case.
pub const ALSO_ATTESTATIONS: &str = "attestations";

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
