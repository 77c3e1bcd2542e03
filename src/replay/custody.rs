//! The source that verification reads, watched: its entries become the
//! timeline while their signatures are judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::ReplayOptions;
use super::counts::Counts;
use super::item::{Item, RecordedOutcome, ReplayedDecision, TimelineEvent};
use super::library::Library;
use super::otherwise::{Brief, Otherwise, OtherwiseCounts};
use super::recompute::{Recomputed, recompute};
use super::trust::InputTrust;
use crate::ledger::bundle_line;
use crate::ledger::entry::Entry;
use crate::ledger::fault::{At, Fault, FaultCode, Findings};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::{Opening, mentions_form, open_all};
use crate::ledger::shape::MemberError;
use crate::ledger::source::{self, Raw, ReadError, Source, Subject};
use crate::ledger::spill::Spill;
use crate::ledger::time::Timestamp;
use crate::producers::{self, Kind, Role};
use crate::record::{DecisionRecord, Document, DocumentDigest};
use crate::wcp::bulk::CaseReader;
use crate::wcp::stamp::{DecisionId, DecisionStamp};

/// What was found so far.
#[derive(Default)]
pub(super) struct CustodySoFar {
    pub(super) items: Vec<Item>,
    pub(super) findings: Findings,
    pub(super) counts: Counts,
    pub(super) otherwise: Vec<(u64, Otherwise)>,
    pub(super) otherwise_counts: OtherwiseCounts,
    /// By kind: whether what passed last is what is there today.
    pub(super) today: BTreeMap<&'static str, bool>,
}

pub(super) struct Custody<'a> {
    inner: &'a mut dyn Source,
    options: &'a ReplayOptions<'a>,
    library: Library,
    /// What is known to have been erased, once it is asked for.
    erased: Option<BTreeSet<Hash>>,
    /// Entries seen so far, which is how faults count them in a file.
    count: u64,
    found: Arc<Mutex<CustodySoFar>>,
    stop: Arc<AtomicBool>,
}

struct ReadEntry {
    index: u64,
    /// A document that stands beside the entries of a bundle.
    beside: bool,
    /// None if it is not part of the timeline.
    item: Option<Item>,
    content: EntryContent,
    faults: Vec<Fault>,
}

enum EntryContent {
    Document(Box<Document>),
    Decision(Box<DecisionRecord>),
    Done,
}

impl<'a> Custody<'a> {
    pub(super) fn new(
        inner: &'a mut dyn Source,
        options: &'a ReplayOptions<'a>,
        found: Arc<Mutex<CustodySoFar>>,
    ) -> Custody<'a> {
        Custody {
            inner,
            options,
            library: Library::new(options.evaluator),
            erased: None,
            count: 0,
            found,
            stop: Arc::default(),
        }
    }

    /// Ends the stream early once set: nobody wants the rest.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Documents first and in order, then every decision, on all cores.
    fn watch(&mut self, batch: &[source::Event]) {
        let mut entries: Vec<(u64, &Raw, Vec<&Opening>)> = Vec::new();
        for event in batch {
            match event {
                source::Event::Entry(raw, _) => {
                    entries.push((self.count, raw, Vec::new()));
                    self.count += 1;
                }
                // Counted with nothing: it is before all entries.
                source::Event::Document(raw, _) => entries.push((self.count, raw, Vec::new())),
                source::Event::Opened(opened, _) => {
                    if let Some((_, _, openings)) = entries.last_mut() {
                        openings.push(&opened.opening);
                    }
                }
                _ => {}
            }
        }
        let options = self.options;
        let genesis = self.inner.subject().genesis;
        let read = entries.par_iter().with_min_len(16);
        let mut read: Vec<ReadEntry> = read
            .filter_map(|(index, raw, openings)| {
                let openings = genesis.map(|genesis| (genesis, &**openings));
                read_entry(*index, raw, openings, options)
            })
            .collect();
        let mut documents = 0;
        for entry in &mut read {
            if let EntryContent::Document(document) = &entry.content {
                let index = (!entry.beside).then_some(entry.index);
                self.library.add(index, Document::clone(document));
                documents += 1;
            }
        }
        let (library, alternative) = (&self.library, options.alternative.as_ref());
        let erased = self.erased.get_or_insert_with(|| self.inner.erased());
        let erased = &*erased;
        let again = read.par_iter().with_min_len(4).map(|entry| {
            let EntryContent::Decision(record) = &entry.content else {
                return None;
            };
            Some(recompute(record, entry.index, library, alternative, erased))
        });
        let again: Vec<Option<Recomputed>> = again.collect();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.counts.documents += documents;
        for (entry, again) in read.into_iter().zip(again) {
            found.take(entry, again);
        }
    }
}

impl Source for Custody<'_> {
    fn subject(&self) -> Subject {
        self.inner.subject()
    }

    fn spill(&self) -> Option<Arc<dyn Spill>> {
        self.inner.spill()
    }

    fn next_batch(&mut self, batch: &mut Vec<source::Event>) -> Result<(), ReadError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.next_batch(batch)?;
        self.watch(batch);
        Ok(())
    }
}

impl CustodySoFar {
    fn take(&mut self, read: ReadEntry, again: Option<Recomputed>) {
        for fault in read.faults {
            self.findings.fault(fault);
        }
        let Some(mut item) = read.item else { return };
        if let (EntryContent::Decision(record), Some(again)) = (read.content, again) {
            self.judge(&mut item, read.index, record, again);
        }
        self.count(&item);
        self.items.push(item);
    }

    /// Adds what came of taking a decision again.
    fn judge(
        &mut self,
        item: &mut Item,
        index: u64,
        record: Box<DecisionRecord>,
        again: Recomputed,
    ) {
        let seq = Some(item.seq.0);
        let fault = |code, detail: String| Fault::at(code, At::Entry, index, detail).with_seq(seq);
        for (code, detail) in again.documents {
            self.findings.fault(fault(code, detail));
        }
        for difference in &again.differences {
            let detail = format!("{} comes out otherwise", difference.field);
            let fault = fault(FaultCode::DecisionMismatch, detail);
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            let (recomputed, recorded) = (&difference.recomputed, &difference.recorded);
            self.findings
                .fault(fault.compared(text(recomputed), text(recorded)));
        }
        if let Some(otherwise) = &again.otherwise {
            self.otherwise_counts.add(otherwise);
            let told = otherwise.changed() || !otherwise.undetermined.is_empty();
            if told && self.otherwise.len() < limits::REPORTED {
                self.otherwise.push((item.seq.0, otherwise.clone()));
            }
        }
        item.event = TimelineEvent::Decided(Box::new(ReplayedDecision {
            record,
            same: again.possible.then_some(again.differences.is_empty()),
            could_not_evaluate: again.could_not_evaluate,
            without_budget: again.without_budget,
            version_as_first: again.version_as_first,
            inputs: again.inputs,
            unenforced: again.unenforced,
            differences: again.differences,
            otherwise: again.otherwise,
        }));
    }

    fn count(&mut self, item: &Item) {
        let counts = &mut self.counts;
        match &item.event {
            TimelineEvent::Decided(decided) => {
                let on_trust = |(_, trust): &(&str, InputTrust)| *trust != InputTrust::Recomputed;
                counts.decisions += 1;
                counts.recomputed += u64::from(decided.same.is_some());
                counts.mismatched += u64::from(decided.same == Some(false));
                counts.could_not_evaluate += u64::from(decided.could_not_evaluate);
                counts.without_budget += u64::from(decided.without_budget);
                counts.policy_version_wrong += u64::from(decided.version_as_first);
                counts.denied += u64::from(decided.denied());
                counts.dry_runs += u64::from(decided.dry_run());
                counts.unenforced += u64::from(!decided.unenforced.is_empty());
                counts.on_trust += u64::from(decided.inputs.0.iter().any(on_trust));
                counts.without_input += u64::from(decided.inputs.is_gone());
            }
            TimelineEvent::Claimed { .. } => counts.claimed += 1,
            TimelineEvent::Recorded(recorded) => {
                *counts.others.entry(recorded.kind.counted).or_default() += 1;
                let same = recorded.today.as_ref().and_then(|today| today.get("same"));
                // The last one that passed is what today's content is held
                // against: what failed attests nothing.
                if recorded.kind.denies(&recorded.summary) == Some(false)
                    && let Some(same) = same.and_then(Value::as_bool)
                {
                    self.today.insert(recorded.kind.name, same);
                }
            }
            TimelineEvent::Other => {}
        }
    }
}

/// Reads an entry that is a document, or that is wanted. What is not an entry is
/// for verification to say.
fn read_entry(
    index: u64,
    raw: &Raw,
    openings: Option<(Hash, &[&Opening])>,
    options: &ReplayOptions<'_>,
) -> Option<ReadEntry> {
    let (index, seq, entry) = match raw {
        Raw::Record(seq, record) => (seq.0, *seq, Entry::from_record(record.clone()).ok()?),
        Raw::BundleLine(line) => {
            let parsed = bundle_line::parse_entry(line).ok()?;
            (index, parsed.seq, parsed.entry)
        }
        Raw::DocumentLine(line) => {
            let entry = bundle_line::parse_beside("document", line).ok()?;
            (index, Seq::FIRST, entry)
        }
        Raw::Read(Some(seq), entry, _) => (index, *seq, Entry::clone(entry)),
        // In a foreign logbook our kinds mean nothing.
        Raw::LogbookLine(_) | Raw::OpeningLine(_) | Raw::Read(None, ..) | Raw::TooLong { .. } => {
            return None;
        }
    };
    let known = producers::find(entry.kind());
    let is_document = known.is_some_and(|known| known.role == Role::Document);
    let wanted = !is_document && (options.wanted)(seq, &entry);
    if !is_document && (!wanted || known.is_none() && !options.others) {
        return None;
    }
    let mut read = ReadEntry {
        index,
        beside: matches!(raw, Raw::DocumentLine(_)),
        item: wanted.then(|| Item {
            seq,
            ts: entry.ts(),
            kind: entry.kind().to_owned(),
            hash: entry.hash(),
            event: TimelineEvent::Other,
        }),
        content: EntryContent::Done,
        faults: Vec::new(),
    };
    if let Some(known) = known {
        // What is not a payload, or not in its one spelling, is for verification
        // to say, too.
        let mut payload = parse::parse(entry.payload_bytes()).ok()?;
        let redacted = mentions_form(entry.payload_bytes());
        if let Some((genesis, openings)) = openings.filter(|_| redacted) {
            open_all(&mut payload, openings, &genesis);
        }
        let Value::Object(payload) = payload else {
            return None;
        };
        if let Err(error) = read.interpret(known, payload, redacted, options) {
            let (code, detail) = (FaultCode::SchemaViolation, error.to_string());
            read.fault(code, seq, detail);
        }
    }
    Some(read)
}

impl ReadEntry {
    fn fault(&mut self, code: FaultCode, seq: Seq, detail: String) -> Option<&mut Fault> {
        let fault = Fault::at(code, At::Entry, self.index, detail);
        self.faults.push(fault.with_seq(Some(seq.0)));
        self.faults.last_mut()
    }

    fn interpret(
        &mut self,
        known: &'static Kind,
        payload: Object,
        redacted: bool,
        options: &ReplayOptions<'_>,
    ) -> Result<(), MemberError> {
        let event = match producers::role(known.name) {
            Role::Document => {
                self.document(Document::from_payload(&payload)?);
                return Ok(());
            }
            Role::Choice => {
                // Its event is what comes of taking it again.
                let record = match redacted {
                    true => DecisionRecord::read_redacted(payload)?,
                    false => DecisionRecord::read(&payload)?,
                };
                self.content = EntryContent::Decision(Box::new(record));
                return Ok(());
            }
            Role::Claim => {
                let body = payload.get("body").cloned().unwrap_or(Value::Null);
                let nested = body.get("decision");
                let nested = nested.filter(|it| matches!(it, Value::Object(_)));
                TimelineEvent::Claimed {
                    submitter: payload.get("submitter").cloned().unwrap_or(Value::Null),
                    brief: Brief::of_record(nested.unwrap_or(&body)),
                    again: of_its_inputs(&body),
                }
            }
            _ => TimelineEvent::Recorded(RecordedOutcome {
                kind: known,
                summary: known.summary(&payload),
                today: today(&payload, options),
            }),
        };
        if let Some(item) = &mut self.item {
            item.event = event;
        }
        Ok(())
    }

    /// A document is what its name says, or nobody gets it; verification says
    /// which is not.
    fn document(&mut self, (named, document): (DocumentDigest, Document)) {
        if named == document.digest() {
            self.content = EntryContent::Document(Box::new(document));
        }
    }
}

/// What comes out of what a claim brings: `input`, `rules` and `hall`, as a line of
/// bulk deciding has them.
fn of_its_inputs(body: &Value) -> Option<Brief> {
    let case = CaseReader::default().read(body).ok()?;
    let stamp = DecisionStamp {
        decision_id: DecisionId::from_random([0; 16]),
        timestamp: Timestamp::MIN,
    };
    Some(Brief::of_record(&case.decide(stamp).decision.to_value()))
}

/// What was verified then, held against what is there now.
fn today(payload: &Object, options: &ReplayOptions<'_>) -> Option<Object> {
    #[cfg(feature = "files")]
    return options.today.and_then(|today| today.compare(payload));
    #[cfg(not(feature = "files"))]
    {
        let _ = (payload, options);
        None
    }
}
