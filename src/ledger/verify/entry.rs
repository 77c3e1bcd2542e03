//! One entry of the walk, in the order of the format document's 4.4: link, signature,
//! what a ledger's own kinds say, time, epoch, path or tree, document; then what
//! was kept of it.

use super::super::chain::ChainPosition;
use super::super::fault::{At, Fault, FaultCode, Format, WarningCode};
use super::super::hash::Hash;
use super::super::judge::{JudgedEntry, Readable};
use super::super::opening::Opening;
use super::super::position::Seq;
use super::super::receipts::Whose;
use super::Walk;

impl Walk<'_> {
    pub(super) fn entry(&mut self, judged: &JudgedEntry, line: Option<u64>) {
        let (seq, place) = self.chain.step(judged, line, &mut self.findings);
        self.trace.take(judged, place.index, line);
        let readable = match judged {
            JudgedEntry::Read(entry) => Some(&**entry),
            JudgedEntry::Unreadable { .. } => None,
        };
        if let (Some(entry), Some(seq)) = (readable, seq) {
            self.open(seq, entry, &place);
            self.close(seq, entry, &place);
            self.chain
                .time(entry.ts, &place, !self.own, &mut self.findings);
        }
        if self.subject.format != Format::Logbook {
            let (index, findings) = (place.index, &mut self.findings);
            let covered = self.seals.entry(seq, readable, line, index, findings);
            if !covered && self.head.is_none() && self.subject.format != Format::Ledger {
                let detail = "no epoch header and no head covers it";
                findings.fault(place.fault(FaultCode::ProofInvalid, detail));
            }
        }
        if let (Some(entry), Some(seq)) = (readable, seq) {
            let mentions = &entry.mentions;
            self.documents.entry(mentions, place, &mut self.findings);
            self.begins(seq, entry, &place);
            self.index_entry(seq, entry, &place);
            self.revoked.entry(seq, entry.hash, place.index, line);
            self.public.entry(seq, entry, &place, &mut self.findings);
            self.compare(seq, entry);
            self.opened.entry(seq, &entry.redacted);
            if self.selects() {
                self.answered.take(seq, entry.ts, &entry.facts);
            }
        }
    }

    /// Entry 0 says which log this is.
    fn open(&mut self, seq: Seq, entry: &Readable, place: &ChainPosition) {
        if !self.own {
            if seq == Seq::FIRST {
                self.genesis = Some(entry.hash);
            }
            return;
        }
        if entry.acknowledges_rollback {
            let detail = format!("entry {seq} acknowledges a rollback");
            self.findings
                .warning(WarningCode::AcknowledgedRollback, detail);
        }
        if seq != Seq::FIRST {
            return;
        }
        self.opens(entry, |code, detail| place.fault(code, detail));
        self.name(entry.hash, place);
    }

    /// The log's entry 0 where it stands beside the others (format §4.8): what it
    /// must be is known from its hash.
    pub(super) fn beside(&mut self, judged: &JudgedEntry, line: Option<u64>) {
        let index = line.unwrap_or(1).saturating_sub(1);
        let fault =
            |code, detail: String| Fault::at(code, At::Document, index, detail).on_line(line);
        let entry = match judged {
            JudgedEntry::Read(entry) => entry,
            JudgedEntry::Unreadable { error, .. } => {
                let found = fault(FaultCode::SchemaViolation, error.to_string());
                return self.findings.fault(found);
            }
        };
        if entry.prev != Hash::ZERO {
            let detail = "the entry that opened the log names one before it".to_owned();
            let found = fault(FaultCode::PrevHashMismatch, detail);
            self.findings.fault(found.compared(Hash::ZERO, entry.prev));
        }
        if entry.signature_valid == Some(false) {
            let detail = "the signature is not the log key's on this entry".to_owned();
            self.findings
                .fault(fault(FaultCode::SignatureInvalid, detail));
        }
        self.opens(entry, fault);
        if let Some(named) = self.genesis.filter(|named| *named != entry.hash) {
            let detail = "it is not the genesis that is named".to_owned();
            let found = fault(FaultCode::GenesisMismatch, detail);
            self.findings.fault(found.compared(named, entry.hash));
        }
    }

    /// What entry 0 says of the log.
    fn opens(&mut self, entry: &Readable, fault: impl Fn(FaultCode, String) -> Fault) {
        let Some(object) = &entry.opening else {
            let detail = "entry 0 does not open a ledger".to_owned();
            let found = fault(FaultCode::SchemaViolation, detail);
            return self.findings.fault(found);
        };
        match Opening::from_object(object) {
            Ok(opening) => {
                if let Some(log) = self.log.filter(|key| *key != opening.log) {
                    let detail = "entry 0 names another log key".to_owned();
                    let found = fault(FaultCode::LogKeyMismatch, detail);
                    self.findings.fault(found.compared(log, opening.log));
                }
                self.opening = Some(opening);
            }
            Err(error) => {
                // What the log's own key signed of a later version is not a fault.
                if entry.signature_valid == Some(true)
                    && let Err(unsupported) = Opening::known(object)
                {
                    self.unsupported = Some(unsupported);
                }
                let found = fault(FaultCode::SchemaViolation, error.to_string());
                self.findings.fault(found);
            }
        }
    }

    /// The genesis, as entry 0 has it, must be the one that was named.
    fn name(&mut self, genesis: Hash, place: &ChainPosition) {
        match self.genesis {
            Some(named) if named != genesis => {
                let detail = "entry 0 is not the genesis that is named";
                let found = place.fault(FaultCode::GenesisMismatch, detail);
                self.findings.fault(found.compared(named, genesis));
            }
            _ => {
                self.genesis = Some(genesis);
                self.seals.expect_genesis(genesis);
            }
        }
    }

    /// Nothing may follow the entry that closes a book.
    fn close(&mut self, seq: Seq, entry: &Readable, place: &ChainPosition) {
        if let Some((closed, _)) = self.closing
            && self.own
            && seq.before() == Some(closed)
        {
            let detail = format!("entry {closed} closed the book, and this one follows");
            let found = place.fault(FaultCode::SchemaViolation, detail);
            self.findings.fault(found);
        }
        let believed = entry.signature_valid != Some(false);
        let closing = entry.closing.filter(|_| believed);
        self.closing = closing.map(|closing| (seq, closing)).or(self.closing);
    }

    /// Holds an entry against what was kept of the log.
    fn compare(&mut self, seq: Seq, entry: &Readable) {
        self.anchors
            .entry(seq, entry.hash, entry.leaf, &mut self.findings);
        let whose = self.whose();
        if let (Some(receipts), Some(rest)) = (&mut self.receipts, entry.receipt) {
            receipts.entry(seq, entry.hash, rest, whose, &mut self.findings);
        }
    }

    pub(super) fn whose(&self) -> Whose {
        Whose {
            log: self.log,
            genesis: self.genesis,
        }
    }
}
