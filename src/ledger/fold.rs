//! Verification by parts: what a verified part of a log says of its two ends, so that
//! parts that were verified apart join to the verdict over the whole.
//!
//! A [`FoldPart`] is a row of [`EpochRun`]s, each verified from its first entry to its last and
//! with its neighbours not joined yet. Joining two parts puts the rows behind each other
//! and joins what fits at the seam; what does not fit stays apart, and [`FoldPart::judge`]
//! names it. So joining is associative, and the order of parts is what counts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::document::{DocumentDigest, Mentions};
use super::entry::Entry;
use super::epoch::{EpochHeader, SignedEpoch};
use super::fault::{FaultCode, Verdict};
use super::hash::Hash;
use super::judge::read_raw;
use super::key::PublicKey;
use super::kind;
use super::position::{EpochNumber, Seq};
use super::shape;
use super::source::{Event, ReadError, Source, Subject};
use super::time::Timestamp;

/// Epochs that follow each other, verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRun {
    pub log: PublicKey,
    pub genesis: Hash,
    pub entries: u64,
    pub epochs: u64,
    pub first: RunEnd,
    pub last: RunEnd,
    /// The header before the first one, as that one names it.
    pub prev: Hash,
    /// The entry before the first one, as that one names it.
    pub prev_hash: Hash,
    /// The last header.
    pub header: Hash,
    /// The last entry.
    pub head: Hash,
    /// The last entry closes the book.
    pub closed: bool,
    /// The documents among the entries, in the order of the digests.
    pub documents: Vec<DocumentDigest>,
    /// Those that entries refer to and that are not among them.
    pub refers: Vec<DocumentDigest>,
    /// The decisions among the entries, taken again; none where that was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<TakenAgain>,
}

/// Decisions that were taken again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenAgain {
    /// How many there are.
    pub decisions: u64,
    /// Of these, those whose policy could not be evaluated.
    pub could_not_evaluate: u64,
}

/// Where a run begins or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEnd {
    pub seq: Seq,
    pub ts: Timestamp,
    pub epoch: EpochNumber,
    pub hour: Timestamp,
    pub sealed_at: Timestamp,
}

/// A part of a log, verified, or what was found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldPart {
    pub runs: Vec<EpochRun>,
    pub faults: Vec<PartFault>,
}

/// What is wrong with an epoch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFault {
    pub epoch: u64,
    pub code: String,
    pub detail: String,
}

impl PartFault {
    pub fn new(epoch: u64, code: FaultCode, detail: &str) -> PartFault {
        let name = shape::write(&code);
        PartFault {
            epoch,
            code: name.as_str().unwrap_or_default().to_owned(),
            detail: detail.to_owned(),
        }
    }
}

impl FoldPart {
    /// The part behind this one.
    #[must_use]
    pub fn join(mut self, next: FoldPart) -> FoldPart {
        for run in next.runs {
            let fits = self
                .runs
                .last()
                .is_some_and(|last| last.seam(&run).is_none());
            match self.runs.last_mut().filter(|_| fits) {
                Some(last) => last.extend(run),
                None => self.runs.push(run),
            }
        }
        self.faults.extend(next.faults);
        self
    }

    fn entries(&self) -> u64 {
        let counts = self.runs.iter().map(|run| run.entries);
        counts.fold(0, u64::saturating_add)
    }

    fn epochs(&self) -> u64 {
        let counts = self.runs.iter().map(|run| run.epochs);
        counts.fold(0, u64::saturating_add)
    }

    fn decisions(&self) -> Option<TakenAgain> {
        let decisions = self.runs.iter().map(|run| run.decisions);
        decisions
            .reduce(|all, next| Some(all?.and(next?)))
            .flatten()
    }

    /// The verdict: over a whole log, or over a part of one, before and after which
    /// something is missing by right.
    #[must_use]
    pub fn verdict(&self, whole: bool) -> Folded<'_> {
        let faults = match whole {
            true => self.judge(),
            false => self.faults.clone(),
        };
        Folded {
            verdict: match faults.is_empty() {
                true => Verdict::Pass,
                false => Verdict::Fail,
            },
            entries: self.entries(),
            epochs: self.epochs(),
            head: self.runs.last().map(|run| run.head),
            log: self.runs.first().map(|run| run.log),
            genesis: self.runs.first().map(|run| run.genesis),
            decisions: self.decisions(),
            faults,
            part: self,
        }
    }

    /// Everything that is wrong with what should be a whole log, in the order of its
    /// epochs. None if it holds.
    pub fn judge(&self) -> Vec<PartFault> {
        let mut faults = self.faults.clone();
        let known = |epoch: u64| self.faults.iter().any(|fault| fault.epoch == epoch);
        let begins = |first: &EpochRun| {
            first.first.epoch == EpochNumber::FIRST && first.first.seq == Seq::FIRST
        };
        match self.runs.first() {
            Some(first) if !begins(first) && !known(0) => {
                let detail = "the part begins after the log's first entry";
                faults.push(PartFault::new(0, FaultCode::SequenceGap, detail));
            }
            None if self.faults.is_empty() => {
                faults.push(PartFault::new(0, FaultCode::Truncated, "there is no epoch"));
            }
            _ => {}
        }
        for (before, after) in self.runs.iter().zip(self.runs.iter().skip(1)) {
            let seam = before.seam(after);
            faults.extend(seam.filter(|fault| !known(fault.epoch)));
        }
        let given: BTreeSet<_> = self.runs.iter().flat_map(|run| &run.documents).collect();
        for run in &self.runs {
            let missing = run.refers.iter().filter(|digest| !given.contains(digest));
            faults.extend(missing.map(|digest| {
                let detail = format!("the document {digest} is referred to and not there");
                PartFault::new(run.first.epoch.0, FaultCode::DocumentMissing, &detail)
            }));
        }
        faults.sort();
        faults
    }
}

/// The verdict over parts that were joined.
#[derive(Clone, Debug, Serialize)]
pub struct Folded<'a> {
    pub verdict: Verdict,
    pub entries: u64,
    pub epochs: u64,
    /// The last entry; none of nothing.
    pub head: Option<Hash>,
    pub log: Option<PublicKey>,
    pub genesis: Option<Hash>,
    /// What was taken again; none where some epoch's decisions were not.
    pub decisions: Option<TakenAgain>,
    pub faults: Vec<PartFault>,
    pub part: &'a FoldPart,
}

impl TakenAgain {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: TakenAgain) -> TakenAgain {
        TakenAgain {
            decisions: self.decisions.saturating_add(other.decisions),
            could_not_evaluate: self
                .could_not_evaluate
                .saturating_add(other.could_not_evaluate),
        }
    }
}

impl EpochRun {
    /// Why `next` does not follow.
    fn seam(&self, next: &EpochRun) -> Option<PartFault> {
        let (ends, begins) = (&self.last, &next.first);
        let at = begins.epoch.0;
        let fault = |code, detail| Some(PartFault::new(at, code, detail));
        if self.log != next.log {
            return fault(FaultCode::LogKeyMismatch, "the epoch is of another key");
        }
        if self.genesis != next.genesis {
            return fault(FaultCode::GenesisMismatch, "the epoch is of another log");
        }
        let expected = ends.epoch.0.saturating_add(1);
        if at < expected {
            let detail = "the epoch stands behind one that does not come before it";
            return fault(FaultCode::EpochInvariant, detail);
        }
        if at > expected {
            let detail = "the epoch is missing";
            return Some(PartFault::new(expected, FaultCode::SequenceGap, detail));
        }
        if next.prev != self.header {
            let detail = "the header names another one before it";
            return fault(FaultCode::EpochChainBroken, detail);
        }
        if Some(begins.seq) != ends.seq.next() {
            let detail = "its first entry does not follow the last one before";
            return fault(FaultCode::EpochInvariant, detail);
        }
        if next.prev_hash != self.head {
            let detail = "its first entry names another one before it";
            return fault(FaultCode::PrevHashMismatch, detail);
        }
        if begins.ts < ends.ts {
            return fault(FaultCode::TimestampRegression, "its time goes back");
        }
        if begins.hour < ends.hour || begins.sealed_at < ends.sealed_at {
            let detail = "its hour or sealing is earlier than that of the one before";
            return fault(FaultCode::EpochInvariant, detail);
        }
        if self.closed {
            return fault(FaultCode::SchemaViolation, "the book was closed before it");
        }
        None
    }

    fn extend(&mut self, next: EpochRun) {
        self.entries = self.entries.saturating_add(next.entries);
        self.epochs = self.epochs.saturating_add(next.epochs);
        self.last = next.last;
        self.header = next.header;
        self.head = next.head;
        self.closed = next.closed;
        self.documents.extend(next.documents);
        self.refers.extend(next.refers);
        self.decisions = match (self.decisions, next.decisions) {
            (Some(own), Some(next)) => Some(own.and(next)),
            _ => None,
        };
        self.settle();
    }

    /// The run from the first epoch to this header, as far as what follows it is held
    /// against it: its entries and documents are not known.
    pub fn up_to(header: &EpochHeader) -> EpochRun {
        let end = |seq, epoch| RunEnd {
            seq,
            ts: header.hour,
            epoch,
            hour: header.hour,
            sealed_at: header.sealed_at,
        };
        EpochRun {
            log: header.log,
            genesis: header.genesis,
            entries: header.last_seq.0.saturating_add(1),
            epochs: header.epoch.0.saturating_add(1),
            first: end(Seq::FIRST, EpochNumber::FIRST),
            last: end(header.last_seq, header.epoch),
            prev: Hash::ZERO,
            prev_hash: Hash::ZERO,
            header: header.hash(),
            head: header.head,
            closed: false,
            documents: Vec::new(),
            refers: Vec::new(),
            decisions: None,
        }
    }

    fn settle(&mut self) {
        self.documents.sort_unstable();
        self.documents.dedup();
        self.refers.sort_unstable();
        self.refers.dedup();
        let given = &self.documents;
        self.refers
            .retain(|digest| given.binary_search(digest).is_err());
    }
}

/// A source that is read for a verification, and what goes by is folded. What it gives is
/// worth as much as the verdict.
pub struct Folding<S> {
    source: S,
    part: FoldPart,
    header: Option<SignedEpoch>,
    run: Option<EpochRun>,
    /// Entries under the header.
    sealed: u64,
}

impl<S: Source> Folding<S> {
    pub fn over(source: S) -> Folding<S> {
        Folding {
            source,
            part: FoldPart::default(),
            header: None,
            run: None,
            sealed: 0,
        }
    }

    /// What was folded, of a source that passed; and the source.
    pub fn finish(mut self) -> (FoldPart, S) {
        self.end();
        (self.part, self.source)
    }

    fn end(&mut self) {
        if let Some(mut run) = self.run.take() {
            run.settle();
            let header = self.header.as_ref().map(|header| &header.content);
            let whole = header.is_some_and(|header| {
                run.first.seq == header.first_seq && self.sealed == header.tree_size
            });
            let detail = "entries of the epoch are not there";
            let missing = PartFault::new(run.first.epoch.0, FaultCode::SequenceGap, detail);
            let next = FoldPart {
                runs: vec![run],
                faults: if whole { Vec::new() } else { vec![missing] },
            };
            self.part = std::mem::take(&mut self.part).join(next);
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Epoch(epoch, _) => {
                self.end();
                self.header = Some((**epoch).clone());
                self.sealed = 0;
            }
            Event::Entry(raw, _) => {
                if let (Some(seq), Ok(entry)) = read_raw(raw) {
                    self.entry(seq, &entry);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, seq: Seq, entry: &Entry) {
        let Some(header) = self.header.as_ref().map(|header| &header.content) else {
            return;
        };
        if seq <= header.last_seq {
            self.sealed = self.sealed.saturating_add(1);
        }
        let run = self.run.get_or_insert_with(|| begun(header, seq, entry));
        run.entries = run.entries.saturating_add(1);
        run.last.seq = seq;
        run.last.ts = entry.ts();
        run.head = entry.hash();
        run.closed = entry.kind() == kind::CLOSE;
        let mentions = Mentions::of(entry);
        run.documents.extend(mentions.is.and_then(Result::ok));
        run.refers.extend(mentions.refers);
    }
}

/// The run of an epoch, at its first entry.
fn begun(header: &EpochHeader, seq: Seq, entry: &Entry) -> EpochRun {
    let end = RunEnd {
        seq,
        ts: entry.ts(),
        epoch: header.epoch,
        hour: header.hour,
        sealed_at: header.sealed_at,
    };
    EpochRun {
        log: header.log,
        genesis: header.genesis,
        entries: 0,
        epochs: 1,
        first: end.clone(),
        last: end,
        prev: header.prev,
        prev_hash: entry.prev_hash(),
        header: header.hash(),
        head: entry.hash(),
        closed: false,
        documents: Vec::new(),
        refers: Vec::new(),
        decisions: None,
    }
}

impl<S: Source> Source for Folding<S> {
    fn subject(&self) -> Subject {
        self.source.subject()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let before = batch.len();
        self.source.next_batch(batch)?;
        for event in batch.iter().skip(before) {
            self.take(event);
        }
        Ok(())
    }
}
