//! The entries of a report, held against the case that it names.

use crate::ledger::bundle_line::parse_entry;
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::source::{Event, Raw, ReadError, Source, Subject};
use crate::store::facts::Facts;
use crate::store::term::Field;

const OTHER_CASE: &str = "this entry is not of the case that the report names";

/// A bundle as a source, with a fault after each entry of another case.
pub(super) struct OfCase<'a, S> {
    pub(super) inner: S,
    pub(super) correlation: Option<&'a str>,
    /// Entries passed on.
    pub(super) entries: u64,
}

impl<S: Source> Source for OfCase<'_, S> {
    fn subject(&self) -> Subject {
        self.inner.subject()
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let mut events = Vec::new();
        self.inner.next_batch(&mut events)?;
        for event in events {
            let fault = match &event {
                Event::Entry(raw, line) => {
                    let index = self.entries;
                    self.entries += 1;
                    self.judge(raw, index, *line)
                }
                _ => None,
            };
            batch.push(event);
            batch.extend(fault.map(Event::Fault));
        }
        Ok(())
    }
}

impl<S> OfCase<'_, S> {
    fn judge(&self, raw: &Raw, index: u64, line: Option<u64>) -> Option<Fault> {
        let (Some(correlation), Raw::BundleLine(bytes)) = (self.correlation, raw) else {
            return None;
        };
        // What is no entry is for verification to say.
        let parsed = parse_entry(bytes).ok()?;
        if Facts::of(&parsed.entry).has(Field::Correlation, correlation) {
            return None;
        }
        let fault = Fault::at(FaultCode::FormatMismatch, At::Entry, index, OTHER_CASE);
        Some(fault.with_seq(Some(parsed.seq.0)).on_line(line))
    }
}
