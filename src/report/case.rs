//! What belongs to a case: one rule, for the writer of a report and for its
//! reader.
//!
//! An entry belongs if it has the case's correlation id; or if it is the
//! attestation of a worker that a decision of the case, further on **in the same
//! report**, names. What the report leaves out brings nothing in.

use std::collections::BTreeSet;

use crate::ledger::answered::{WAITING, WaitingEntries};
use crate::ledger::bundle_line::parse_entry;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::source::{Event, Raw, ReadError, Source, Subject};
use crate::producers::{self, Role};
use crate::store::facts::Facts;
use crate::store::term::SearchField;

const OTHER_CASE: &str = "this entry is not of the case that the report names";

/// Attestations that a report carries beside its case, at most.
pub const MOST_RELATED: usize = WAITING;

#[derive(Clone, Copy, Debug)]
pub struct Case<'a>(pub &'a str);

impl Case<'_> {
    /// Whether an entry is of the case by itself.
    pub fn has(&self, entry: &Entry) -> bool {
        Facts::of(entry).has(SearchField::Correlation, self.0)
    }

    /// The workers whose earlier attestations stand beside the case because of
    /// this entry of it.
    pub fn chosen_by(&self, entry: &Entry) -> Vec<String> {
        match producers::role(entry.kind()) == Role::Choice && self.has(entry) {
            true => workers_of(entry),
            false => Vec::new(),
        }
    }
}

/// The workers that an entry names, by id or species, each once.
fn workers_of(entry: &Entry) -> Vec<String> {
    let facts = Facts::of(entry);
    let workers = facts
        .values()
        .filter(|(field, _)| *field == SearchField::Worker);
    workers.map(|(_, worker)| worker.to_owned()).collect()
}

fn hashes(workers: Vec<String>) -> BTreeSet<Hash> {
    let hash = |worker: String| Hash::of(worker.as_bytes());
    workers.into_iter().map(hash).collect()
}

/// A bundle as a source, with a fault for each entry of another case.
pub(super) struct OfCase<'a, S> {
    inner: S,
    case: Option<Case<'a>>,
    entries: u64,
    /// Attestations whose workers no decision has named yet.
    related: WaitingEntries<Fault>,
}

impl<'a, S> OfCase<'a, S> {
    pub(super) fn new(inner: S, case: Option<Case<'a>>) -> Self {
        Self {
            inner,
            case,
            entries: 0,
            related: WaitingEntries::default(),
        }
    }

    /// What is known to be of another case now that this entry is read.
    fn judge(&mut self, raw: &Raw, line: Option<u64>) -> Option<Fault> {
        let index = self.entries;
        self.entries += 1;
        let (Some(case), Raw::BundleLine(bytes)) = (self.case, raw) else {
            return None;
        };
        // What is not an entry is for verification to say.
        let parsed = parse_entry(bytes).ok()?;
        let entry = &parsed.entry;
        if case.has(entry) {
            self.related.named(&hashes(case.chosen_by(entry)));
            return None;
        }
        let fault = Fault::at(FaultCode::FormatMismatch, At::Entry, index, OTHER_CASE);
        let fault = fault.with_seq(Some(parsed.seq.0)).on_line(line);
        match producers::role(entry.kind()) {
            Role::Evidence => self.related.add(hashes(workers_of(entry)), fault).err(),
            _ => Some(fault),
        }
    }
}

impl<S: Source> Source for OfCase<'_, S> {
    fn subject(&self) -> Subject {
        self.inner.subject()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let mut events = Vec::new();
        self.inner.next_batch(&mut events)?;
        if events.is_empty() {
            let strangers = std::mem::take(&mut self.related);
            batch.extend(strangers.left().cloned().map(Event::Fault));
        }
        for event in events {
            let fault = match &event {
                Event::Entry(raw, line) => self.judge(raw, *line),
                _ => None,
            };
            batch.push(event);
            batch.extend(fault.map(Event::Fault));
        }
        Ok(())
    }
}
