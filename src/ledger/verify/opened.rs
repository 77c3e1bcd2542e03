//! Openings of redacted members, each behind its entry: what they show must be what
//! the entry commits to (format §3.6).

use super::super::fault::{At, Fault, FaultCode, Findings, Redacted};
use super::super::hash::Hash;
use super::super::position::Seq;
use super::super::redact::opened::Opened;
use super::super::redact::pointer::Pointer;

/// The last entry's members that are not opened yet, and how many there were.
#[derive(Default)]
pub(super) struct OpenedMembers {
    seq: Option<Seq>,
    closed: Vec<(Pointer, Hash)>,
    counted: Redacted,
}

impl OpenedMembers {
    pub(super) fn entry(&mut self, seq: Seq, redacted: &[(Pointer, Hash)]) {
        self.seq = Some(seq);
        self.closed = redacted.to_vec();
        self.counted.members += redacted.len() as u64;
    }

    pub(super) fn open(
        &mut self,
        opened: &Opened,
        genesis: Option<Hash>,
        line: Option<u64>,
        findings: &mut Findings,
    ) {
        let of_it = self.seq == Some(opened.seq);
        let opens = |genesis: Hash| opened.opens(&genesis, &self.closed);
        if of_it && genesis.is_some_and(opens) {
            // Each once: a second opening of the same member is none.
            let pointer = &opened.opening.pointer;
            self.closed.retain(|(at, _)| at != pointer);
            self.counted.opened += 1;
            return;
        }
        let (seq, pointer) = (opened.seq, &opened.opening.pointer);
        let detail = match of_it {
            true => format!(
                "the opening of `{pointer}` is not that of a redacted member of entry {seq}, or \
                 stands twice"
            ),
            false => format!(
                "the opening of `{pointer}` of entry {seq} does not stand behind that entry"
            ),
        };
        let index = line.unwrap_or(1).saturating_sub(1);
        let found = Fault::at(FaultCode::OpeningMismatch, At::Document, index, detail);
        findings.fault(found.on_line(line).with_seq(Some(seq.0)));
    }

    /// How many there were, if there were any.
    pub(super) fn counted(&self) -> Option<Redacted> {
        (self.counted.members > 0).then_some(self.counted)
    }
}
