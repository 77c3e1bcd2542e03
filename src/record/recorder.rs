//! The recorder: decides, makes durable, and only then answers.

use std::sync::Arc;

use super::changes::{changes, texts};
use super::decision::compose;
use super::document::Document;
use super::document_store::DocumentStore;
pub use super::document_store::Submitted;
use super::error::{OUTCOME_BYTES, RecordError};
use super::governance::Governance;
use super::hall::Hall;
use super::input::RequestContent;
use super::kind;
use super::outcome::{ACTOR, Outcome};
use super::prepare::prepare;
use super::receipt::EvidenceReceipt;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;
use crate::logbook::request::{self as logbook, Receipt};
use crate::logbook::{Identity, Logbook};
use crate::wcp::basis::RegistryView;
use crate::wcp::decision::RouteDecision;
use crate::wcp::input::RouteInput;
use crate::wcp::router::make_decision;
use crate::wcp::stamp::Stamp;

/// Records outcomes in one ledger. Shared between threads; a ledger has one,
/// for it remembers which documents are stored.
pub struct Recorder {
    sink: Sink,
    content: RequestContent,
}

/// Where entries go.
enum Sink {
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
        entry: logbook::Prepared,
    ) -> Result<logbook::Pending, RecordError>;
}

impl Sink {
    fn identity(&self) -> Identity {
        match self {
            Sink::Own(logbook, _) => logbook.identity(),
            Sink::Held(outlet) => outlet.identity(),
        }
    }

    fn submit(
        &self,
        documents: &[&Arc<Document>],
        entry: logbook::Prepared,
    ) -> Result<Submitted, RecordError> {
        match self {
            Sink::Own(logbook, document_store) => document_store.submit(logbook, documents, entry),
            Sink::Held(outlet) => Ok(Submitted::Pending(outlet.submit(documents, entry)?)),
        }
    }
}

/// A request with what belongs to this one decision.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub input: &'a RouteInput,
    /// The hash of the entry in which a human approves this request, if one
    /// does and it still holds.
    pub approval: Option<&'a str>,
    pub task_id: &'a str,
    /// On whose behalf it came in, for `_actor`; none outside of a server.
    pub actor: Option<&'a Value>,
    pub stamp: Stamp,
}

/// A decision that may be acted on, or the denial in its place.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `DENY_INTERNAL_ERROR` if it could not be recorded.
    pub decision: RouteDecision,
    /// Whether an approval stood for a human in it.
    pub approval_used: bool,
    /// Where it is recorded, or why it is not.
    pub receipt: Result<DecisionReceipt, RecordError>,
}

/// The evidence receipt, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionReceipt {
    pub evidence: EvidenceReceipt,
    pub entry: Receipt,
    pub log: PublicKey,
    /// The log's entry 0.
    pub genesis: Hash,
}

impl DecisionReceipt {
    /// The evidence receipt with `seq`, `entry_hash`, `log` and `genesis`.
    pub fn to_object(&self) -> Object {
        let mut object = self.evidence.to_object();
        object.insert("seq", self.entry.seq.0);
        object.insert("entry_hash", self.entry.hash.to_string());
        object.insert("log", self.log.to_string());
        object.insert("genesis", self.genesis.to_string());
        object
    }

    pub const fn seq(&self) -> Seq {
        self.entry.seq
    }
}

/// A decision whose entry is ready to be handed over.
pub struct Prepared {
    decision: RouteDecision,
    approval_used: bool,
    evidence: EvidenceReceipt,
    documents: Vec<Arc<Document>>,
    entry: Result<logbook::Prepared, RecordError>,
}

/// A decision whose entry is not known to be durable yet.
pub struct Underway {
    decision: RouteDecision,
    approval_used: bool,
    evidence: EvidenceReceipt,
    submitted: Result<Submitted, RecordError>,
    identity: Identity,
}

impl Recorder {
    /// Records in `logbook`, requests with all of their content.
    pub fn new(logbook: Arc<Logbook>) -> Recorder {
        Recorder {
            sink: Sink::Own(logbook, DocumentStore::default()),
            content: RequestContent::Whole,
        }
    }

    /// Records in a ledger that another process holds.
    #[must_use]
    pub fn held(outlet: Arc<dyn Outlet>) -> Recorder {
        Recorder {
            sink: Sink::Held(outlet),
            content: RequestContent::Whole,
        }
    }

    /// Records so much of every request's content.
    pub fn with_content(mut self, content: RequestContent) -> Recorder {
        self.content = content;
        self
    }

    /// The ledger, if this process holds it.
    #[must_use]
    pub const fn logbook(&self) -> Option<&Arc<Logbook>> {
        match &self.sink {
            Sink::Own(logbook, _) => Some(logbook),
            Sink::Held(_) => None,
        }
    }

    /// Decides, records, and answers when the entry is durable. What cannot be
    /// recorded is denied.
    pub fn decide(&self, hall: &Hall, asked: &Asked<'_>) -> Recorded {
        self.begin(hall, asked).wait()
    }

    /// Decides and hands the entry over, to be waited for later: a caller with
    /// many keeps several under way.
    pub fn begin(&self, hall: &Hall, asked: &Asked<'_>) -> Underway {
        self.submit(self.prepare(hall.governance(), hall, asked))
    }

    /// Decides and makes the entry, which is all of the work but the ledger's:
    /// for a caller whose threads decide in any order and record in one.
    pub fn prepare(
        &self,
        governance: &Governance,
        registry: &dyn RegistryView,
        asked: &Asked<'_>,
    ) -> Prepared {
        let basis = governance.basis(registry, asked.approval, asked.task_id);
        let decided = make_decision(asked.input, &basis, asked.stamp);
        let composed = compose(&decided, asked.input, governance, &basis, self.content);
        let (mut payload, evidence) = composed;
        if let Some(actor) = asked.actor {
            payload.insert(ACTOR, actor.clone());
        }
        Prepared {
            approval_used: decided.consulted.approval.is_some(),
            decision: decided.decision,
            evidence,
            documents: governance.documents().cloned().collect(),
            entry: prepare(kind::DECISION, &payload, OUTCOME_BYTES),
        }
    }

    pub fn submit(&self, prepared: Prepared) -> Underway {
        let submitted = prepared.entry.and_then(|entry| {
            let documents: Vec<&Arc<Document>> = prepared.documents.iter().collect();
            self.sink.submit(&documents, entry)
        });
        Underway {
            decision: prepared.decision,
            approval_used: prepared.approval_used,
            evidence: prepared.evidence,
            submitted,
            identity: self.sink.identity(),
        }
    }

    /// Records an outcome, and answers when the entry is durable.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn record(&self, outcome: &Outcome) -> Result<Receipt, RecordError> {
        let entry = prepare(outcome.kind(), outcome.payload(), OUTCOME_BYTES)?;
        Ok(self.sink.submit(&[], entry)?.wait()?)
    }

    /// Hands over an entry of an outcome that was made elsewhere, with the documents
    /// that it refers to.
    ///
    /// # Errors
    /// [`RecordError`]; then it is not recorded.
    pub fn take_in(
        &self,
        kind: &'static str,
        payload: &Object,
        documents: &[Arc<Document>],
    ) -> Result<Submitted, RecordError> {
        let entry = prepare(kind, payload, OUTCOME_BYTES)?;
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
        let changes = texts(&changes(before, after));
        let before = before.map_or(Value::Null, Hall::digests);
        let mut outcome = Outcome::reload(before, after.digests());
        outcome = outcome.with("changes", changes);
        if let Some(actor) = actor {
            outcome = outcome.by(actor);
        }
        let entry = prepare(outcome.kind(), outcome.payload(), OUTCOME_BYTES)?;
        let documents: Vec<&Arc<Document>> = after.documents().collect();
        Ok(self.sink.submit(&documents, entry)?.wait()?)
    }
}

impl Underway {
    /// Waits until the entry is durable.
    pub fn wait(self) -> Recorded {
        let identity = self.identity;
        let submitted = self.submitted;
        let entry = submitted.and_then(|submitted| Ok(submitted.wait()?));
        match entry {
            Ok(entry) => Recorded {
                decision: self.decision,
                approval_used: self.approval_used,
                receipt: Ok(DecisionReceipt {
                    evidence: self.evidence,
                    entry,
                    log: identity.log,
                    genesis: identity.genesis,
                }),
            },
            Err(error) => Recorded {
                decision: self.decision.unrecorded(),
                approval_used: self.approval_used,
                receipt: Err(error),
            },
        }
    }
}
