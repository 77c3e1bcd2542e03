//! Tells what was done to a broken book from the stretches that are left of it.
//!
//! The file is taken as a row of stretches ([`Trace`]) that were once one chain.
//! Each says by the `prev_hash` of its first entry whose place it has; whether
//! the entry named there, or a copy of its own first entry, stands inside of
//! another stretch, a second reading of the file found out ([`Places`]).
//!
//! | a stretch of the key's own entries … | is |
//! |---|---|
//! | begins with an entry that stands elsewhere | duplication |
//! | follows the end of a later one | reordering |
//! | follows the end of an earlier one | whole again: part of what came between |
//! | follows the inside of one, or an end that another follows | fork |
//! | follows nothing here, and the one before it goes on later | insertion |
//! | follows nothing here, and the one before it ends | deletion |
//!
//! In a selection no entry has to follow another one, so a stretch ends only
//! where entries are not the key's.
//!
//! Entries that are not the key's are an insertion if the chain closes without
//! them, a foreign key's if it closes over them, and else an edit of what stood
//! in their place. What the file alone does not tell apart is said beside.

use super::explanation::{Evidence, Explanation, Incident, Prefix, Tie, WholeAgain};
use super::fault::{At, FaultClass, FaultCode, Report};
use super::hash::Hash;
use super::search::Places;
use super::trace::{Nature, Stretch, Trace};
use super::verify::Policy;

mod ending;
mod joints;
mod strangers;

use joints::Joints;

/// Explains the faults of `report`, and gives each its class. `places` has what
/// [`Trace::wanted`] asks for.
pub fn explain(
    report: &mut Report,
    policy: &Policy,
    trace: &Trace,
    places: &Places,
) -> Explanation {
    let mut findings = StretchFindings {
        trace,
        places,
        joints: Joints::of(trace),
        of_stretch: vec![None; trace.stretches.len()],
        incidents: Vec::new(),
        undisputed: None,
    };
    let mut at = 0;
    while let Some(stretch) = trace.stretches.get(at) {
        if stretch.nature == Nature::Linked {
            findings.linked(at, stretch);
            at += 1;
        } else {
            at = findings.strangers(at);
        }
    }
    let trusted = findings.trusted();
    findings.give_classes(report);
    ending::explain_end(report, policy, places, &mut findings.incidents);
    Explanation {
        chained: !trace.apart,
        trusted,
        incidents: findings.incidents,
        cut: trace.cut,
    }
}

/// What was found so far, from the first stretch on.
struct StretchFindings<'a> {
    trace: &'a Trace,
    places: &'a Places,
    joints: Joints,
    /// The incident that each stretch belongs to, or the fault before it.
    of_stretch: Vec<Option<usize>>,
    incidents: Vec<Incident>,
    /// Where the first fork leaves the chain: entries up to there, and their
    /// head.
    undisputed: Option<Prefix>,
}

impl<'a> StretchFindings<'a> {
    fn stretch(&self, at: usize) -> Option<&'a Stretch> {
        self.trace.stretches.get(at)
    }

    /// The hash that the entry after stretch `at` would name; for what stands
    /// before the first, that which the book begins with.
    fn end_before(&self, at: usize) -> Hash {
        let before = at.checked_sub(1).and_then(|before| self.stretch(before));
        let beginning = self.trace.before.unwrap_or(Hash::ZERO);
        before.map_or(beginning, |stretch| stretch.last_hash)
    }

    /// Judges the seam before a stretch of the key's own entries.
    fn linked(&mut self, at: usize, stretch: &Stretch) {
        let before = at.checked_sub(1).and_then(|before| self.stretch(before));
        let follows = stretch.first_prev == self.end_before(at);
        // After entries that are not the key's the seam is part of their story.
        if self.trace.apart
            || before.is_some_and(|before| before.nature != Nature::Linked)
            || follows
        {
            return;
        }
        let prev = stretch.first_prev;
        if let Some(copy) = self.copy_of(stretch) {
            let evidence = Evidence::SameEntryElsewhere { at: copy };
            let known = self.length_of_copy(at, stretch, copy);
            let tie = self.tie_of(stretch);
            self.begin(
                at,
                FaultClass::Duplication,
                Vec::new(),
                known,
                evidence,
                tie,
            );
        } else if let Some(parent) = self.joints.ending_with(&prev) {
            self.after_an_end(at, stretch, parent);
        } else if prev == Hash::ZERO {
            self.beginning_in_the_middle(at, stretch);
        } else if let Some(&parent) = self.places.of(&prev).first() {
            self.fork(at, stretch, parent);
        } else {
            self.after_nothing(at, stretch);
        }
    }

    /// Another place of the entry that a stretch begins with, if that is where
    /// it belongs.
    fn copy_of(&self, stretch: &Stretch) -> Option<u64> {
        let places = self.places.of(&stretch.first_hash);
        let original = |place: &&u64| {
            **place < stretch.start || (**place > stretch.start && !self.joints.begins_at(**place))
        };
        places.iter().find(original).copied()
    }

    /// How many entries are copies: all of the stretch where the next goes on
    /// from before it; what stands between where it simply goes on.
    fn length_of_copy(&self, at: usize, stretch: &Stretch, original: u64) -> Option<u64> {
        let before = self.end_before(at);
        match self.stretch(at + 1) {
            Some(next) if next.first_prev == before => Some(stretch.len),
            _ => stretch
                .start
                .checked_sub(original)
                .map(|n| n.min(stretch.len)),
        }
    }

    fn after_an_end(&mut self, at: usize, stretch: &Stretch, parent: usize) {
        let place = self.stretch(parent).map_or(0, Stretch::end);
        let place = place.saturating_sub(1);
        if let Some(rival) = self.joints.first_after(&stretch.first_prev)
            && rival < at
        {
            self.fork(at, stretch, place);
        } else if parent > at {
            let evidence = Evidence::OneBeforeElsewhere { at: place };
            let moved = self.displaced_before(at);
            if let Some(incident) = moved {
                self.join(at, incident, stretch);
            } else {
                let tie = Some(Tie::Entry { at: place });
                self.begin(at, FaultClass::Reordering, Vec::new(), None, evidence, tie);
            }
            self.joints.displace(at);
        } else if let Some(incident) = self.of_stretch.get(parent + 1).copied().flatten() {
            self.join(at, incident, stretch);
        } else {
            let evidence = Evidence::OneBeforeElsewhere { at: place };
            let tie = Some(Tie::Entry { at: place });
            self.begin(at, FaultClass::Reordering, Vec::new(), None, evidence, tie);
        }
    }

    /// The incident of the stretch before, if that one is out of its place too.
    fn displaced_before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        let goes_on_later = self
            .joints
            .first_after(&self.end_before(at))
            .is_some_and(|next| next > at);
        let out_of_place = self.joints.is_displaced(before) && goes_on_later;
        self.of_stretch
            .get(before)
            .copied()
            .flatten()
            .filter(|_| out_of_place)
    }

    fn beginning_in_the_middle(&mut self, at: usize, stretch: &Stretch) {
        // The book's own beginning, moved: then it did not begin with it.
        let first = self.of_stretch.first().copied().flatten();
        let moved = first.filter(|incident| {
            let class = self.incidents.get(*incident).map(|incident| incident.class);
            class == Some(FaultClass::Reordering)
        });
        if let Some(incident) = moved {
            self.join(at, incident, stretch);
            return;
        }
        let entries = self.goes_on_after(at).then_some(stretch.len);
        let evidence = Evidence::AnotherBeginning;
        let tie = Some(Tie::KeyAlone);
        self.begin(
            at,
            FaultClass::Insertion,
            Vec::new(),
            entries,
            evidence,
            tie,
        );
    }

    fn fork(&mut self, at: usize, stretch: &Stretch, parent: u64) {
        let evidence = Evidence::TwoAfterOne { at: parent };
        let tie = Some(Tie::Entry { at: parent });
        self.begin(at, FaultClass::Fork, Vec::new(), None, evidence, tie);
        let prefix = Prefix {
            entries: parent + 1,
            head: stretch.first_prev,
        };
        let shorter = self
            .undisputed
            .is_none_or(|found| prefix.entries < found.entries);
        if shorter {
            self.undisputed = Some(prefix);
        }
    }

    fn after_nothing(&mut self, at: usize, stretch: &Stretch) {
        let missing = stretch.first_prev;
        let evidence = Evidence::OneBeforeMissing { missing };
        let tie = Some(Tie::MissingEntry { hash: missing });
        if self.goes_on_after(at) {
            let evidence = Evidence::ChainClosesWithout;
            let entries = Some(stretch.len);
            self.begin(
                at,
                FaultClass::Insertion,
                Vec::new(),
                entries,
                evidence,
                tie,
            );
        } else {
            // Entries of another book of the same key look the same.
            let or = vec![FaultClass::Insertion];
            self.begin(at, FaultClass::Deletion, or, None, evidence, tie);
        }
    }

    fn goes_on_after(&self, at: usize) -> bool {
        let end = self.end_before(at);
        let next = self.joints.last_after(&end);
        next.is_some_and(|next| next > at)
    }

    fn tie_of(&self, stretch: &Stretch) -> Option<Tie> {
        if self.trace.apart {
            return Some(Tie::KeyAlone);
        }
        let prev = &stretch.first_prev;
        let end = self.joints.ending_with(prev).and_then(|s| self.stretch(s));
        let at = end.map(|end| end.end().saturating_sub(1));
        let at = at.or_else(|| self.places.of(prev).first().copied());
        Some(match at {
            Some(at) => Tie::Entry { at },
            None if *prev == Hash::ZERO => Tie::KeyAlone,
            None => Tie::MissingEntry { hash: *prev },
        })
    }

    /// Begins an incident at a stretch, from which on the book is whole again
    /// by `tie` until another one joins it.
    fn begin(
        &mut self,
        at: usize,
        class: FaultClass,
        or: Vec<FaultClass>,
        entries: Option<u64>,
        evidence: Evidence,
        tie: Option<Tie>,
    ) {
        let Some(stretch) = self.stretch(at) else {
            return;
        };
        if let Some(of_stretch) = self.of_stretch.get_mut(at) {
            *of_stretch = Some(self.incidents.len());
        }
        self.incidents.push(Incident {
            class,
            or,
            index: Some(stretch.index),
            line: stretch.line,
            entries,
            evidence,
            whole_again: tie.map(|tie| WholeAgain {
                index: stretch.index,
                line: stretch.line,
                tie,
            }),
        });
    }

    /// The book is whole again from this stretch on, after an incident.
    fn join(&mut self, at: usize, incident: usize, stretch: &Stretch) {
        if let Some(of_stretch) = self.of_stretch.get_mut(at) {
            *of_stretch = Some(incident);
        }
        let tie = self.tie_of(stretch);
        if let Some(incident) = self.incidents.get_mut(incident) {
            incident.whole_again = tie.map(|tie| WholeAgain {
                index: stretch.index,
                line: stretch.line,
                tie,
            });
        }
    }

    /// Everything before the first incident, or before the earliest fork.
    fn trusted(&self) -> Prefix {
        let mut prefix = Prefix {
            entries: self.trace.from,
            head: self.trace.before.unwrap_or(Hash::ZERO),
        };
        for (stretch, incident) in self.trace.stretches.iter().zip(&self.of_stretch) {
            if incident.is_some() || stretch.nature != Nature::Linked {
                break;
            }
            prefix = Prefix {
                entries: stretch.end(),
                head: stretch.last_hash,
            };
        }
        match self.undisputed {
            Some(undisputed) if undisputed.entries < prefix.entries => undisputed,
            _ => prefix,
        }
    }

    /// Gives every fault of an entry the class of its incident.
    fn give_classes(&self, report: &mut Report) {
        let codes = [
            FaultCode::PrevHashMismatch,
            FaultCode::SignatureInvalid,
            FaultCode::SchemaViolation,
            FaultCode::SequenceGap,
        ];
        for fault in &mut report.faults {
            let Some(index) = fault.index.filter(|_| fault.at == At::Entry) else {
                continue;
            };
            let after = self.trace.stretches.partition_point(|s| s.index <= index);
            let at = after.checked_sub(1);
            let incident = at.and_then(|at| self.of_stretch.get(at).copied().flatten());
            let incident = incident.and_then(|incident| self.incidents.get(incident));
            if let Some(incident) = incident.filter(|_| codes.contains(&fault.code)) {
                fault.class = Some(incident.class);
            }
        }
    }
}
