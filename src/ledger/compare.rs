//! Two copies of one log, side by side: how far they agree, where they part, and
//! whether the log's key contradicted itself.
//!
//! Both are read once, together, entry by entry of the same number; memory is
//! that of two batches. Entries that only one of them was asked to hold, because
//! the other begins later, are passed over.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::entry::{Entry, EntryError};
use super::epoch::SignedEpoch;
use super::equivocation::{Equivocation, Signed};
use super::hash::Hash;
use super::head::SignedHead;
use super::judge::read_raw;
use super::key::PublicKey;
use super::kind;
use super::opening::Opening;
use super::position::{EpochNumber, Seq};
use super::source::{Event, Raw, ReadError, Source};
use super::statement::Statement;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Same,
    FirstIsPrefix,
    SecondIsPrefix,
    Differ,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LogSide {
    Entry(Box<Entry>),
    Unreadable(EntryError),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogDifference {
    pub seq: Seq,
    /// What each of the two has there; `None` if it left it out.
    pub sides: [Option<LogSide>; 2],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    pub equivocation: Equivocation,
    /// Whether one of the copies acknowledges the fork: an entry that records a
    /// rollback names, as the head that was lost, one that the other copy holds.
    pub acknowledged: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub relation: Relation,
    pub first_seq: Seq,
    /// How many entries from there on are the same.
    pub common: u64,
    /// The hash of the last of them; zeros if there is none.
    pub head: Hash,
    pub difference: Option<LogDifference>,
    pub entries: [u64; 2],
    /// What the log's key signed twice, the first that was found.
    pub proven: Option<Proven>,
    /// The keys under which that was looked for; without any it was not.
    pub keys: Vec<PublicKey>,
}

/// Compares two copies. Under `keys` it is looked for contradictions, and under
/// those that the copies name as their own.
pub fn compare(
    a: &mut dyn Source,
    b: &mut dyn Source,
    keys: &[PublicKey],
    progress: &mut dyn FnMut(u64),
) -> Result<Comparison, ReadError> {
    let first_seq = a.subject().first_seq.max(b.subject().first_seq);
    let mut found = Parting {
        keys: keys.to_vec(),
        first_seq,
        common: 0,
        head: Hash::ZERO,
        difference: None,
        shorter: None,
        equivocation: None,
        rollback: None,
        acknowledged: false,
        epochs: BTreeMap::new(),
        heads: BTreeMap::new(),
    };
    found.keys.extend(a.subject().log);
    found.keys.extend(b.subject().log);
    let mut a = CompareReading::new(a);
    let mut b = CompareReading::new(b);
    let mut compared = 0;
    loop {
        let (left, right) = rayon::join(|| a.peek(), || b.peek());
        let (left, right) = (left?, right?);
        found.statements(&mut a);
        found.statements(&mut b);
        match (left, right) {
            (None, None) => break,
            (Some(seq), other) if other.is_none_or(|other| seq < other) => {
                let taken = a.take();
                found.only(0, seq, other.is_some(), taken);
            }
            (Some(seq), Some(other)) if seq == other => {
                if let (Some(left), Some(right)) = (a.take(), b.take()) {
                    found.both(seq, left, right);
                }
            }
            (_, Some(seq)) => {
                let taken = b.take();
                found.only(1, seq, left.is_some(), taken);
            }
            (Some(_), None) => break,
        }
        compared += 1;
        if compared % 4_096 == 0 {
            progress(compared);
        }
    }
    found.statements(&mut a);
    found.statements(&mut b);
    Ok(found.finish([a.entries, b.entries]))
}

/// The hashes of the entries at `wanted`, as far as `source` has them. Nothing is
/// judged.
pub fn hashes_at(
    source: &mut dyn Source,
    wanted: &BTreeSet<Seq>,
) -> Result<BTreeMap<Seq, Hash>, ReadError> {
    let mut reading = CompareReading::new(source);
    let mut found = BTreeMap::new();
    while let Some(seq) = reading.peek()? {
        if let Some(Ok(entry)) = reading.take()
            && wanted.contains(&seq)
        {
            found.insert(seq, entry.hash());
        }
        if wanted.last().is_none_or(|last| *last <= seq) {
            break;
        }
    }
    Ok(found)
}

/// An entry as it was read, or why it is none.
type EntryRead = Result<Entry, EntryError>;

struct CompareReading<'s> {
    source: &'s mut dyn Source,
    numbered: bool,
    ready: std::collections::VecDeque<(Seq, EntryRead)>,
    epochs: Vec<SignedEpoch>,
    heads: Vec<SignedHead>,
    next: Seq,
    entries: u64,
    ended: bool,
}

impl<'s> CompareReading<'s> {
    fn new(source: &'s mut dyn Source) -> CompareReading<'s> {
        let subject = source.subject();
        CompareReading {
            source,
            numbered: subject.format != super::fault::Format::Logbook,
            ready: std::collections::VecDeque::new(),
            epochs: Vec::new(),
            heads: Vec::new(),
            next: subject.first_seq,
            entries: 0,
            ended: false,
        }
    }

    fn peek(&mut self) -> Result<Option<Seq>, ReadError> {
        while self.ready.is_empty() && !self.ended {
            let mut batch = Vec::new();
            self.source.next_batch(&mut batch)?;
            self.ended = batch.is_empty();
            let mut raws: Vec<Raw> = Vec::new();
            for event in batch {
                match event {
                    Event::Entry(raw, _) => raws.push(raw),
                    Event::Epoch(epoch, _) => self.epochs.push(*epoch),
                    Event::Head(head, _) => self.heads.push(*head),
                    _ => {}
                }
            }
            let read: Vec<_> = raws.par_iter().with_min_len(16).map(read_raw).collect();
            for (seq, entry) in read {
                let seq = seq.filter(|_| self.numbered).unwrap_or(self.next);
                self.next = Seq(seq.0.saturating_add(1));
                self.ready.push_back((seq, entry));
            }
        }
        Ok(self.ready.front().map(|(seq, _)| *seq))
    }

    fn take(&mut self) -> Option<EntryRead> {
        let (_, entry) = self.ready.pop_front()?;
        self.entries += 1;
        Some(entry)
    }
}

struct Parting {
    keys: Vec<PublicKey>,
    first_seq: Seq,
    common: u64,
    head: Hash,
    difference: Option<LogDifference>,
    shorter: Option<usize>,
    equivocation: Option<Equivocation>,
    /// The head that one copy says was lost, and which copy does.
    rollback: Option<(usize, SignedHead)>,
    acknowledged: bool,
    epochs: BTreeMap<EpochNumber, SignedEpoch>,
    heads: BTreeMap<Seq, SignedHead>,
}

impl Parting {
    /// An entry of one copy that the other does not have.
    fn only(&mut self, side: usize, seq: Seq, goes_on: bool, entry: Option<EntryRead>) {
        if seq < self.first_seq {
            return;
        }
        let entry = entry.map(side_of);
        if let Some(LogSide::Entry(entry)) = &entry {
            self.acknowledge(side, seq, entry);
        }
        if !goes_on {
            self.shorter = self.shorter.or(Some(1 - side));
        } else if self.difference.is_none() {
            let sides = match side {
                0 => [entry, None],
                _ => [None, entry],
            };
            self.difference = Some(LogDifference { seq, sides });
        }
    }

    fn both(&mut self, seq: Seq, a: EntryRead, b: EntryRead) {
        if seq == Seq::FIRST {
            self.keys.extend([&a, &b].into_iter().filter_map(own_key));
        }
        if let (Ok(a), Ok(b)) = (&a, &b) {
            if a.record() == b.record() && self.difference.is_none() {
                self.common += 1;
                self.head = a.hash();
                return;
            }
            self.acknowledge(0, seq, a);
            self.acknowledge(1, seq, b);
            if a.hash() != b.hash() && a.prev_hash() == b.prev_hash() {
                let sides = [a, b].map(|entry| Signed::Entry(Box::new(entry.clone())));
                self.contradiction(sides);
            }
        }
        let same = matches!((&a, &b), (Ok(a), Ok(b)) if a.record() == b.record());
        if self.difference.is_none() && !same {
            let sides = [Some(side_of(a)), Some(side_of(b))];
            self.difference = Some(LogDifference { seq, sides });
        }
    }

    fn contradiction(&mut self, sides: [Signed; 2]) {
        if self.equivocation.is_some() {
            return;
        }
        let [a, b] = sides;
        let proven = |key: &PublicKey| Equivocation::prove(*key, a.clone(), b.clone()).ok();
        self.equivocation = self.keys.iter().find_map(proven);
    }

    fn statements(&mut self, reading: &mut CompareReading<'_>) {
        for epoch in reading.epochs.drain(..) {
            let number = epoch.content.epoch;
            match self.epochs.remove(&number) {
                Some(other) if other.content != epoch.content => {
                    let sides = [other, epoch].map(|epoch| Signed::Epoch(Box::new(epoch)));
                    self.contradiction(sides);
                }
                Some(_) => {}
                None => {
                    self.epochs.insert(number, epoch);
                }
            }
        }
        for head in reading.heads.drain(..) {
            let seq = head.content.seq;
            match self.heads.remove(&seq) {
                Some(other) if other.content.hash != head.content.hash => {
                    let sides = [other, head].map(|head| Signed::Head(Box::new(head)));
                    self.contradiction(sides);
                }
                Some(_) => {}
                None => {
                    self.heads.insert(seq, head);
                }
            }
        }
    }

    /// Looks for the entry that records a rollback in one copy, and for the head
    /// that it names in the other.
    fn acknowledge(&mut self, side: usize, seq: Seq, entry: &Entry) {
        if entry.kind() == kind::ROLLBACK && self.rollback.is_none() {
            self.rollback = lost_head(entry).map(|head| (side, head));
        }
        if let Some((by, lost)) = &self.rollback {
            let lost = &lost.content;
            self.acknowledged |= *by != side && lost.seq == seq && lost.hash == entry.hash();
        }
    }

    fn finish(self, entries: [u64; 2]) -> Comparison {
        let relation = match (&self.difference, self.shorter) {
            (Some(_), _) => Relation::Differ,
            (None, None) => Relation::Same,
            (None, Some(0)) => Relation::FirstIsPrefix,
            (None, Some(_)) => Relation::SecondIsPrefix,
        };
        let acknowledged = self.acknowledged;
        Comparison {
            relation,
            first_seq: self.first_seq,
            common: self.common,
            head: self.head,
            difference: self.difference,
            entries,
            proven: self.equivocation.map(|equivocation| Proven {
                equivocation,
                acknowledged,
            }),
            keys: self.keys,
        }
    }
}

fn side_of(read: EntryRead) -> LogSide {
    match read {
        Ok(entry) => LogSide::Entry(Box::new(entry)),
        Err(error) => LogSide::Unreadable(error),
    }
}

/// The key that entry 0 of a ledger names as its own.
fn own_key(read: &EntryRead) -> Option<PublicKey> {
    let entry = read
        .as_ref()
        .ok()
        .filter(|entry| entry.kind() == kind::OPEN)?;
    let opening = Opening::from_object(&entry.check_payload().ok()?).ok()?;
    Some(opening.log)
}

/// The signed head that an entry says was lost. Without one, nothing was
/// acknowledged that could be compared.
fn lost_head(entry: &Entry) -> Option<SignedHead> {
    let payload = entry.check_payload().ok()?;
    let head: SignedHead = Statement::from_value(payload.get("lost")?).ok()?;
    head.verify().then_some(head)
}
