//! The recorder: decides, makes durable, and only then answers.

use std::sync::Arc;

use super::changes::{changes, texts};
use super::decided_under::REGISTRY_DOCUMENT;
use super::decision::{Style, compose};
pub use super::decision_receipt::DecisionReceipt;
use super::document::Document;
use super::document_store::DocumentStore;
pub use super::document_store::SubmittedEntry;
use super::error::{OUTCOME_BYTES, RecordError};
use super::governance::Governance;
use super::hall::Hall;
use super::input::RequestContent;
use super::kind;
use super::outcome::Outcome;
use super::prepare::{prepare, prepare_text};
use super::receipt::EvidenceReceipt;
use super::redacting::Redacting;
use super::slice::Slices;
use crate::ledger::json::{Object, Value};
use crate::ledger::redact::Redactable;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{self as logbook, Receipt};
use crate::logbook::{Identity, Logbook};
use crate::wcp::basis::RegistryView;
use crate::wcp::decision::RouteDecision;
use crate::wcp::input::RouteInput;
use crate::wcp::router::make_decision;
use crate::wcp::stamp::DecisionStamp;

/// Records outcomes in one ledger. Shared between threads; a ledger has one,
/// for it remembers which documents are stored.
pub struct Recorder {
    sink: EntrySink,
    identity: Identity,
    content: RequestContent,
    redacting: Redacting,
    slices: Slices,
}

/// Where entries go.
enum EntrySink {
    /// To the writer in this process.
    Own(Arc<Logbook>, DocumentStore),
    /// To a ledger that another process holds.
    Held(Arc<dyn Outlet>),
}

/// A ledger that another process holds, and records in on our behalf.
pub trait Outlet: Send + Sync {
    /// Whose log it is.
    fn identity(&self) -> Identity;

    /// Hands over an entry, and the documents that it refers to: those that are not
    /// stored yet are stored before it.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    fn submit(
        &self,
        documents: &[&Arc<Document>],
        entry: logbook::PreparedEntry,
    ) -> Result<logbook::Pending, RecordError>;
}

impl EntrySink {
    fn submit(
        &self,
        documents: &[&Arc<Document>],
        entry: logbook::PreparedEntry,
    ) -> Result<SubmittedEntry, RecordError> {
        match self {
            EntrySink::Own(logbook, document_store) => {
                document_store.submit(logbook, documents, entry)
            }
            EntrySink::Held(outlet) => {
                Ok(SubmittedEntry::Pending(outlet.submit(documents, entry)?))
            }
        }
    }
}

/// A request with what belongs to this one decision.
#[derive(Clone, Copy)]
pub struct DecisionRequest<'a> {
    pub input: &'a RouteInput,
    /// The hash of the entry in which a human approves this request, if one
    /// does and it still holds.
    pub approval: Option<&'a str>,
    pub task_id: &'a str,
    /// On whose behalf it came in, for `_actor`; none outside of a server.
    pub actor: Option<&'a Value>,
    pub stamp: DecisionStamp,
}

/// A decision that may be acted on, or the denial in its place.
#[derive(Clone, Debug)]
pub struct RecordedDecision {
    /// `DENY_INTERNAL_ERROR` if it could not be recorded.
    pub decision: RouteDecision,
    /// The same as canonical JSON.
    pub answer: Vec<u8>,
    /// Whether an approval stood for a human in it.
    pub approval_used: bool,
    /// Where it is recorded, or why it is not.
    pub receipt: Result<DecisionReceipt, RecordError>,
}

/// A decision whose entry is ready to be handed over.
pub struct PreparedDecision {
    made: MadeDecision,
    /// Those of what it was decided under, and the slice of the registry.
    under: Arc<[Arc<Document>]>,
    registry: Arc<Document>,
    entry: Result<logbook::PreparedEntry, RecordError>,
}

/// A decision that may be acted on when its entry is durable.
pub struct MadeDecision {
    decision: RouteDecision,
    answer: Vec<u8>,
    approval_used: bool,
    evidence: EvidenceReceipt,
    identity: Identity,
}

impl PreparedDecision {
    fn documents(&self) -> Vec<&Arc<Document>> {
        self.under.iter().chain([&self.registry]).collect()
    }

    /// The decision and its entry, for a caller that hands the entry over itself.
    pub fn apart(self) -> (MadeDecision, Result<logbook::PreparedEntry, RecordError>) {
        (self.made, self.entry)
    }
}

impl MadeDecision {
    /// The decision with its receipt, or the denial in its place.
    #[must_use]
    pub fn recorded(self, entry: Result<Receipt, RecordError>) -> RecordedDecision {
        match entry {
            Ok(entry) => RecordedDecision {
                decision: self.decision,
                answer: self.answer,
                approval_used: self.approval_used,
                receipt: Ok(DecisionReceipt {
                    evidence: self.evidence,
                    entry,
                    log: self.identity.log,
                    genesis: self.identity.genesis,
                }),
            },
            Err(error) => {
                let decision = self.decision.unrecorded();
                RecordedDecision {
                    answer: decision.to_text(),
                    decision,
                    approval_used: self.approval_used,
                    receipt: Err(error),
                }
            }
        }
    }
}

/// A decision whose entry is not known to be durable yet.
pub struct Underway {
    made: MadeDecision,
    submitted: Result<SubmittedEntry, RecordError>,
}

/// Decisions whose entries go in one request.
pub struct Together {
    made: Vec<(MadeDecision, Result<(), RecordError>)>,
    submitted: Result<SubmittedEntry, RecordError>,
}

impl Recorder {
    /// Records in `logbook`, requests with all of their content.
    pub fn new(logbook: Arc<Logbook>) -> Recorder {
        Recorder {
            identity: logbook.identity(),
            sink: EntrySink::Own(logbook, DocumentStore::default()),
            content: RequestContent::Whole,
            redacting: Redacting::default(),
            slices: Slices::default(),
        }
    }

    /// Records in a ledger that another process holds.
    #[must_use]
    pub fn held(outlet: Arc<dyn Outlet>) -> Recorder {
        Recorder {
            identity: outlet.identity(),
            sink: EntrySink::Held(outlet),
            content: RequestContent::Whole,
            redacting: Redacting::default(),
            slices: Slices::default(),
        }
    }

    /// Records so much of every request's content.
    pub fn with_content(mut self, content: RequestContent) -> Recorder {
        self.content = content;
        self
    }

    /// Takes out of every entry what these rules say.
    #[must_use]
    pub fn with_redacting(mut self, redacting: Redacting) -> Recorder {
        self.redacting = redacting;
        self
    }

    /// The ledger, if this process holds it.
    #[must_use]
    pub const fn logbook(&self) -> Option<&Arc<Logbook>> {
        match &self.sink {
            EntrySink::Own(logbook, _) => Some(logbook),
            EntrySink::Held(_) => None,
        }
    }

    /// Decides, records, and answers when the entry is durable. What cannot be
    /// recorded is denied.
    pub fn decide(&self, hall: &Hall, asked: &DecisionRequest<'_>) -> RecordedDecision {
        self.begin(hall, asked).wait()
    }

    /// Decides and hands the entry over, to be waited for later: a caller with
    /// many keeps several under way.
    pub fn begin(&self, hall: &Hall, asked: &DecisionRequest<'_>) -> Underway {
        self.submit(self.prepare(hall.governance(), hall, asked))
    }

    /// Decides and makes the entry, which is all of the work but the ledger's:
    /// for a caller whose threads decide in any order and record in one.
    pub fn prepare(
        &self,
        governance: &Governance,
        registry: &dyn RegistryView,
        asked: &DecisionRequest<'_>,
    ) -> PreparedDecision {
        let basis = governance.basis(registry, asked.approval, asked.task_id);
        let decided = make_decision(asked.input, &basis, asked.stamp);
        let style = Style {
            content: self.content,
            actor: asked.actor,
            slices: &self.slices,
        };
        let composed = compose(&decided, asked.input, governance, &basis, style);
        let (text, levels) = (composed.payload, composed.levels);
        let entry = prepare_text(kind::DECISION, text, levels, OUTCOME_BYTES);
        PreparedDecision {
            made: MadeDecision {
                approval_used: decided.consulted.approval.is_some(),
                decision: decided.decision,
                answer: composed.answer,
                evidence: composed.receipt,
                identity: self.identity,
            },
            under: Arc::clone(governance.documents()),
            registry: composed.registry,
            entry: entry.and_then(|entry| self.redacted(entry, &[])),
        }
    }

    fn redacted(
        &self,
        entry: logbook::PreparedEntry,
        besides: &[Redactable],
    ) -> Result<logbook::PreparedEntry, RecordError> {
        let genesis = &self.identity.genesis;
        Ok(self.redacting.take(entry, besides, genesis)?)
    }

    /// Hands the entry over, after those of its documents that are not stored yet.
    pub fn submit(&self, prepared: PreparedDecision) -> Underway {
        let PreparedDecision {
            made,
            under,
            registry,
            entry,
        } = prepared;
        let documents: Vec<_> = under.iter().chain([&registry]).collect();
        let submitted = entry.and_then(|entry| self.sink.submit(&documents, entry));
        Underway { made, submitted }
    }

    /// Hands over the entries of many, in order: together, but for those that bring a
    /// document along.
    pub fn submit_all(&self, prepared: Vec<PreparedDecision>) -> Vec<Together> {
        let (mut underway, mut together) = (Vec::new(), Vec::with_capacity(prepared.len()));
        for one in prepared {
            if self.logbook_for(&one).is_some() {
                together.push(one);
                continue;
            }
            underway.extend(self.submit_together(std::mem::take(&mut together)));
            let Underway { made, submitted } = self.submit(one);
            underway.push(Together {
                made: vec![(made, Ok(()))],
                submitted,
            });
        }
        underway.extend(self.submit_together(together));
        underway
    }

    fn submit_together(&self, prepared: Vec<PreparedDecision>) -> Option<Together> {
        let logbook = self.logbook_for(prepared.first()?)?;
        let mut entries = Vec::with_capacity(prepared.len());
        let made = prepared.into_iter().map(|one| {
            let kept = one.entry.map(|entry| entries.push(entry));
            (one.made, kept)
        });
        let made = made.collect();
        let pending = logbook.submit(entries).map_err(RecordError::from);
        Some(Together {
            made,
            submitted: pending.map(SubmittedEntry::Pending),
        })
    }

    /// The ledger, if it is in this process and holds every document that `prepared`
    /// refers to: then its entry may be handed over alone.
    #[must_use]
    pub fn logbook_for(&self, prepared: &PreparedDecision) -> Option<&Arc<Logbook>> {
        match &self.sink {
            EntrySink::Own(logbook, store) if store.has(&prepared.documents()) => Some(logbook),
            _ => None,
        }
    }

    /// Records an outcome, and answers when the entry is durable.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn record(&self, outcome: &Outcome) -> Result<Receipt, RecordError> {
        self.record_with(outcome, &[])
    }

    /// The same, with members that can be withheld and erased.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn record_with(
        &self,
        outcome: &Outcome,
        redactable: &[Redactable],
    ) -> Result<Receipt, RecordError> {
        let entry = prepare(outcome.kind(), outcome.payload(), OUTCOME_BYTES)?;
        let entry = self.redacted(entry, redactable)?;
        Ok(self.sink.submit(&[], entry)?.wait()?)
    }

    /// Hands over an entry of an outcome that was made elsewhere, with the documents
    /// that it refers to, and what of it was redactable there.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn take_in(
        &self,
        kind: &'static str,
        payload: &Object,
        redactable: &[Redactable],
        documents: &[Arc<Document>],
    ) -> Result<SubmittedEntry, RecordError> {
        let entry = prepare(kind, payload, OUTCOME_BYTES)?;
        let entry = self.redacted(entry, redactable)?;
        let documents: Vec<&Arc<Document>> = documents.iter().collect();
        self.sink.submit(&documents, entry)
    }

    /// Records that a Hall took up `after` in the place of `before`, with the
    /// documents that are new.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn reload(
        &self,
        before: Option<&Hall>,
        after: &Hall,
        actor: Option<Value>,
    ) -> Result<Receipt, RecordError> {
        let changes = changes(before, after);
        let before = before.map_or(Value::Null, Hall::digests);
        self.take_up(before, &changes, after, actor)
    }

    /// Records under what a Hall begins: `last` is what the ledger says of the one
    /// before it, and what is different now, in words.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn begin_hall(
        &self,
        last: Option<(Value, Vec<String>)>,
        after: &Hall,
    ) -> Result<Receipt, RecordError> {
        let (before, changes) = last.unwrap_or((Value::Null, Vec::new()));
        self.take_up(before, &changes, after, None)
    }

    fn take_up(
        &self,
        before: Value,
        changes: &[String],
        after: &Hall,
        actor: Option<Value>,
    ) -> Result<Receipt, RecordError> {
        let registry = Arc::new(after.registry_document());
        let mut outcome = Outcome::reload(before, after.digests())
            .with("changes", texts(changes))
            .with(REGISTRY_DOCUMENT, registry.digest());
        if let Some(actor) = actor {
            outcome = outcome.by(actor);
        }
        let entry = prepare(outcome.kind(), outcome.payload(), OUTCOME_BYTES)?;
        let documents = after.documents().iter().chain([&registry]);
        let documents: Vec<&Arc<Document>> = documents.collect();
        Ok(self.sink.submit(&documents, entry)?.wait()?)
    }
}

impl Underway {
    /// Waits until the entry is durable.
    pub fn wait(self) -> RecordedDecision {
        let entry = self.submitted.and_then(|submitted| Ok(submitted.wait()?));
        self.made.recorded(entry)
    }
}

impl Together {
    /// How many they are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.made.len()
    }

    /// Waits until the entries are durable; of each whether it is.
    pub fn wait(self) -> Vec<RecordedDecision> {
        let receipts = self.submitted.and_then(|some| Ok(some.wait_all()?));
        let (receipts, failure) = match receipts {
            Ok(receipts) => (receipts, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut receipts = receipts.into_iter();
        let recorded = self.made.into_iter().map(|(made, kept)| {
            let stopped = || failure.clone().unwrap_or(LogbookError::Stopped.into());
            made.recorded(kept.and_then(|()| receipts.next().ok_or_else(stopped)))
        });
        recorded.collect()
    }
}
