//! The counts of one epoch, gathered entry by entry.
//!
//! Those of the places that are met first are held and counted at once. Of other places,
//! where there are too many, it is noted which entries have them: notes lie sorted in a
//! file, run after run, and are counted at the end of the epoch, run beside run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use super::super::hash::Hash;
use super::super::position::Seq;
use super::super::spill::{RECORD, Record, RecordWriter, Records, Spill, SpillError};
use super::leaf::{Count, Leaf, merged};
use super::sorted::LeafStream;

/// The counts of an epoch so far.
#[derive(Debug)]
pub(crate) struct Counting {
    spill: Option<Arc<dyn Spill>>,
    held: HashMap<Hash, Count>,
    /// Of places that are not held, in the order of the log.
    notes: Vec<TermNote>,
    runs: Option<Runs>,
}

/// That an entry has the term of a place.
#[derive(Clone, Copy, Debug)]
struct TermNote {
    place: Hash,
    seq: Seq,
    leaf: Hash,
}

/// Notes in a file, in runs that are sorted by place. Of one place, all are in the order
/// of the log: within a run, and run after run.
#[derive(Debug)]
struct Runs {
    file: RecordWriter,
    /// Where each run ends.
    ends: Vec<u64>,
}

impl Counting {
    pub(crate) fn new(spill: Option<&Arc<dyn Spill>>) -> Counting {
        Counting {
            spill: spill.cloned(),
            held: HashMap::new(),
            notes: Vec::new(),
            runs: None,
        }
    }

    /// Counts the next entry that has the term of a place.
    pub(crate) fn take(&mut self, place: Hash, seq: Seq, leaf: &Hash) -> Result<(), SpillError> {
        let most = self.spill.as_ref().map(|spill| spill.in_memory());
        if most.is_none_or(|most| self.held.len() < most) {
            let count = self.held.entry(place).or_insert(Count::NONE);
            *count = count.and(seq, leaf);
            return Ok(());
        }
        if let Some(count) = self.held.get_mut(&place) {
            *count = count.and(seq, leaf);
            return Ok(());
        }
        self.notes.push(TermNote {
            place,
            seq,
            leaf: *leaf,
        });
        match most.is_some_and(|most| self.notes.len() >= most) {
            true => self.write_run(),
            false => Ok(()),
        }
    }

    fn write_run(&mut self) -> Result<(), SpillError> {
        let Some(spill) = &self.spill else {
            return Ok(());
        };
        let runs = match &mut self.runs {
            Some(runs) => runs,
            none => none.insert(Runs {
                file: RecordWriter::begin(spill)?,
                ends: Vec::new(),
            }),
        };
        sort(&mut self.notes);
        for note in self.notes.drain(..) {
            runs.file.push(&note)?;
        }
        runs.ends.push(runs.file.records());
        Ok(())
    }

    /// The leaves of the epoch's tree, in their order.
    pub(crate) fn into_leaves(self) -> Result<LeafStream, SpillError> {
        let counts = self.held.into_iter();
        let mut held: Vec<_> = counts.map(|(place, count)| Leaf { place, count }).collect();
        held.sort_unstable_by_key(|leaf| leaf.place);
        let held = held.into_iter().map(Ok);
        let mut notes = self.notes;
        if notes.is_empty() && self.runs.is_none() {
            return Ok(Box::new(held));
        }
        sort(&mut notes);
        let most = self.spill.map_or(usize::MAX, |spill| spill.in_memory());
        let mut merging = Merging::of(self.runs, most)?;
        merging.add(Run::held(notes))?;
        // No place is in both.
        Ok(Box::new(merged(held, counted(merging))))
    }
}

/// Sorts by place, and leaves those of one place in their order.
fn sort(notes: &mut [TermNote]) {
    notes.sort_by_key(|note| note.place);
}

/// The leaf of each place, out of its notes.
fn counted(
    notes: impl Iterator<Item = Result<TermNote, SpillError>>,
) -> impl Iterator<Item = Result<Leaf, SpillError>> {
    let mut notes = notes.peekable();
    std::iter::from_fn(move || {
        let first = match notes.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let place = first.place;
        let mut count = Count::NONE.and(first.seq, &first.leaf);
        let has = |note: &Result<TermNote, _>| note.as_ref().is_ok_and(|note| note.place == place);
        while let Some(Ok(note)) = notes.next_if(has) {
            count = count.and(note.seq, &note.leaf);
        }
        Some(Ok(Leaf { place, count }))
    })
}

/// Runs that are read beside each other.
struct Merging {
    file: Option<Records>,
    runs: Vec<Run>,
    /// The next place of each run, and the run's number: of one place the earlier run is
    /// first.
    next: BinaryHeap<Reverse<(Hash, usize)>>,
    /// Notes that are read together.
    step: usize,
}

/// A run, as far as it was not given yet.
struct Run {
    read: VecDeque<TermNote>,
    /// What is still in the file.
    start: u64,
    end: u64,
}

impl Run {
    fn held(notes: Vec<TermNote>) -> Run {
        Run {
            read: notes.into(),
            start: 0,
            end: 0,
        }
    }
}

impl Merging {
    /// Holds about `most` notes of all runs together.
    fn of(runs: Option<Runs>, most: usize) -> Result<Merging, SpillError> {
        let mut merging = Merging {
            file: None,
            runs: Vec::new(),
            next: BinaryHeap::new(),
            step: most,
        };
        let Some(Runs { file, ends }) = runs else {
            return Ok(merging);
        };
        merging.file = Some(file.finish()?);
        merging.step = (most / ends.len().max(1)).max(1);
        let mut start = 0;
        for end in ends {
            let read = VecDeque::new();
            merging.add(Run { read, start, end })?;
            start = end;
        }
        Ok(merging)
    }

    /// Takes the run that comes after the others.
    fn add(&mut self, run: Run) -> Result<(), SpillError> {
        self.runs.push(run);
        self.advance(self.runs.len() - 1)
    }

    /// Puts the next place of a run among those of the others, if there is one.
    fn advance(&mut self, number: usize) -> Result<(), SpillError> {
        let Some(run) = self.runs.get_mut(number) else {
            return Ok(());
        };
        if run.read.is_empty()
            && run.start < run.end
            && let Some(file) = &mut self.file
        {
            let left = usize::try_from(run.end - run.start).unwrap_or(usize::MAX);
            let records = left.min(self.step);
            run.read = file.read(run.start, records)?.into();
            run.start += records as u64;
        }
        if let Some(note) = run.read.front() {
            self.next.push(Reverse((note.place, number)));
        }
        Ok(())
    }

    fn next_note(&mut self) -> Result<Option<TermNote>, SpillError> {
        let Some(Reverse((_, number))) = self.next.pop() else {
            return Ok(None);
        };
        let run = self.runs.get_mut(number);
        let note = run.and_then(|run| run.read.pop_front());
        self.advance(number)?;
        Ok(note)
    }
}

impl Iterator for Merging {
    type Item = Result<TermNote, SpillError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_note();
        if next.is_err() {
            self.next.clear();
        }
        next.transpose()
    }
}

/// A note lies in a file as a leaf does: place, number, hash.
impl Record for TermNote {
    fn to_record(&self) -> [u8; RECORD] {
        let count = Count {
            entries: self.seq.0,
            digest: self.leaf,
        };
        let place = self.place;
        Leaf { place, count }.to_bytes()
    }

    fn from_record(bytes: &[u8; RECORD]) -> Option<TermNote> {
        let Leaf { place, count } = Leaf::from_bytes(bytes)?;
        Some(TermNote {
            place,
            seq: Seq(count.entries),
            leaf: count.digest,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::super::super::spill::tests::InMemory;
    use super::*;

    /// Entries with places, of which some come again and again.
    fn entries() -> Vec<(Hash, Seq, Hash)> {
        let entry = |n: u64| {
            let place = Hash::of(&[[3, 7, 31, 200][n as usize % 4].min(n * n % 53) as u8]);
            (place, Seq(n / 2), Hash::of(&n.to_be_bytes()))
        };
        (0..300).map(entry).collect()
    }

    fn counted_in(
        spill: Option<Arc<dyn Spill>>,
        entries: &[(Hash, Seq, Hash)],
    ) -> Result<Vec<Leaf>, SpillError> {
        let mut counting = Counting::new(spill.as_ref());
        for (place, seq, leaf) in entries {
            counting.take(*place, *seq, leaf)?;
        }
        counting.into_leaves()?.collect()
    }

    #[test]
    fn the_counts_are_the_same_wherever_they_were_gathered() {
        let all = entries();
        for length in 0..all.len() {
            let entries = &all[..length];
            let expected = counted_in(None, entries).unwrap();
            assert!(expected.is_sorted_by(|a, b| a.place < b.place));
            for in_memory in [0, 1, 2, 3, 7, 50] {
                let spill = InMemory::with(in_memory);
                let own = counted_in(Some(spill.clone()), entries).unwrap();
                assert_eq!(own, expected, "{length} {in_memory}");
                let is_filed = in_memory == 0 && length > 0;
                assert!(spill.made() >= usize::from(is_filed));
            }
        }
    }

    #[test]
    fn entries_out_of_order_are_counted_as_they_came() {
        let mut entries = entries();
        entries.reverse();
        let expected = counted_in(None, &entries).unwrap();
        for in_memory in [0, 1, 5] {
            let own = counted_in(Some(InMemory::with(in_memory)), &entries).unwrap();
            assert_eq!(own, expected);
        }
    }

    #[test]
    fn a_file_that_fails_at_any_time_is_an_error() {
        let entries = entries();
        let expected = counted_in(None, &entries).unwrap();
        let mut calls = 0;
        loop {
            match counted_in(Some(InMemory::failing_after(5, calls)), &entries) {
                Ok(own) => break assert_eq!(own, expected),
                Err(error) => assert_eq!(error.place, "memory"),
            }
            calls += 1;
        }
        assert!(calls > 10, "{calls}");
    }
}
