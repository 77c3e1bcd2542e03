//! The walk along the chain (format rules E3 and E4): per entry the link before the
//! signature, and what a fault means for the judgement of the next.

use super::checkpoint::Checkpoint;
use super::fault::{At, Fault, FaultCode, Findings, Format, WarningCode};
use super::hash::Hash;
use super::judge::{JudgedEntry, Readable};
use super::position::Seq;
use super::time::Timestamp;

/// Where the walk stands.
#[derive(Debug)]
pub(crate) struct ChainWalk {
    format: Format,
    /// What the next link must name; `None` where it cannot be judged, because
    /// the entry before is not to be believed or was not given.
    expected: Option<Hash>,
    expected_seq: Option<Seq>,
    pub(crate) last_ts: Option<Timestamp>,
    pub(crate) count: u64,
    pub(crate) head: Hash,
    pub(crate) last_seq: Option<Seq>,
}

impl ChainWalk {
    /// A walk that begins at `first`. `contiguous` is false for a selection,
    /// whose entries have no common chain.
    pub(crate) fn new(format: Format, first: Seq, contiguous: bool) -> ChainWalk {
        ChainWalk {
            format,
            expected: (contiguous && first == Seq::FIRST).then_some(Hash::ZERO),
            expected_seq: contiguous.then_some(first),
            last_ts: None,
            count: 0,
            head: Hash::ZERO,
            last_seq: None,
        }
    }

    /// A walk through a logbook that goes on after a checkpoint.
    pub(crate) fn after(at: &Checkpoint) -> ChainWalk {
        let next = Seq(at.n);
        ChainWalk {
            expected: Some(at.head),
            expected_seq: Some(next),
            last_ts: at.last_ts,
            count: at.n,
            head: at.head,
            last_seq: next.before(),
            ..ChainWalk::new(Format::Logbook, Seq::FIRST, true)
        }
    }

    /// The number of the entry that must come next.
    pub(crate) fn next_seq(&self) -> Seq {
        self.expected_seq.unwrap_or_default()
    }

    /// Takes the next entry and reports its faults. Returns its number.
    pub(crate) fn step(
        &mut self,
        judged: &JudgedEntry,
        line: Option<u64>,
        findings: &mut Findings,
    ) -> (Option<Seq>, ChainPosition) {
        let index = self.count;
        self.count += 1;
        let seq = match judged {
            JudgedEntry::Read(entry) => entry.seq,
            JudgedEntry::Unreadable { seq, .. } => *seq,
        };
        // A logbook has no numbers: an entry's place is its number.
        let numbered = self.format != Format::Logbook;
        let seq = if numbered {
            seq.or(self.expected_seq)
        } else {
            Some(Seq(index))
        };
        let place = ChainPosition {
            index: if self.format == Format::Ledger {
                seq.map_or(index, |s| s.0)
            } else {
                index
            },
            seq: seq.filter(|_| numbered),
            line,
        };
        if numbered {
            self.check_sequence(seq, &place, findings);
        }
        match judged {
            JudgedEntry::Read(entry) => {
                // The first of a log names none before it, also where links are
                // not judged.
                if numbered && self.expected_seq.is_none() && seq == Some(Seq::FIRST) {
                    self.expected = Some(Hash::ZERO);
                }
                self.read(entry, &place, findings);
            }
            JudgedEntry::Unreadable { error, .. } => {
                findings.fault(place.fault(FaultCode::SchemaViolation, error.to_string()));
                self.expected = None;
            }
        }
        self.last_seq = seq.or(self.last_seq);
        (seq, place)
    }

    fn check_sequence(&mut self, seq: Option<Seq>, place: &ChainPosition, findings: &mut Findings) {
        let (Some(expected), Some(actual)) = (self.expected_seq, seq) else {
            // A selection leaves entries out, but gives the others in order.
            if let (Some(before), Some(actual)) = (self.last_seq, seq)
                && actual <= before
            {
                let detail = format!("entry {actual} stands after entry {before}");
                findings.fault(place.fault(FaultCode::SequenceGap, detail));
            }
            return;
        };
        if expected != actual {
            let detail = format!("entry {actual} stands where entry {expected} must");
            let fault = place.fault(FaultCode::SequenceGap, detail);
            findings.fault(fault.compared(expected, actual));
        }
        self.expected_seq = actual.next();
    }

    fn read(&mut self, entry: &Readable, place: &ChainPosition, findings: &mut Findings) {
        if let Some(expected) = self.expected.filter(|hash| *hash != entry.prev) {
            let detail = "prev_hash is not the hash of the entry before";
            let fault = place.fault(FaultCode::PrevHashMismatch, detail);
            findings.fault(fault.compared(expected, entry.prev));
        }
        let believed = entry.signature_valid != Some(false);
        if !believed {
            let detail = "the signature is not the log key's on this entry";
            findings.fault(place.fault(FaultCode::SignatureInvalid, detail));
        }
        let contiguous = self.expected_seq.is_some();
        self.expected = (believed && contiguous).then_some(entry.hash);
        self.head = entry.hash;
    }

    /// Takes the time of the entry that was stepped on. In the books of `others`
    /// it may go back.
    pub(crate) fn time(
        &mut self,
        ts: Timestamp,
        place: &ChainPosition,
        others: bool,
        findings: &mut Findings,
    ) {
        if let Some(before) = self.last_ts.filter(|before| ts < *before) {
            if others {
                let detail = format!("entry {}: {ts} comes after {before}", place.index);
                findings.warning(WarningCode::TimestampRegression, detail);
            } else {
                let detail = "time goes backwards";
                let fault = place.fault(FaultCode::TimestampRegression, detail);
                findings.fault(fault.compared(before, ts));
            }
        }
        self.last_ts = Some(ts);
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainPosition {
    pub(crate) index: u64,
    /// Its number, where the format has them.
    pub(crate) seq: Option<Seq>,
    pub(crate) line: Option<u64>,
}

impl ChainPosition {
    pub(crate) fn fault(&self, code: FaultCode, detail: impl Into<String>) -> Fault {
        Fault::at(code, At::Entry, self.index, detail)
            .with_seq(self.seq.map(|s| s.0))
            .on_line(self.line)
    }
}
