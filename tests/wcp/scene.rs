//! A Hall with a ledger in memory, and copies of that ledger which lie.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use sealbook::ledger::entry::{Draft, Entry};
use sealbook::ledger::fault::{Fault, FaultCode, Format, NotChecked};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Object, Value};
use sealbook::ledger::key::{PublicKey, Signer, SoftwareSigner};
use sealbook::ledger::position::Seq;
use sealbook::ledger::source::{Event, Raw, ReadError, Source, Subject};
use sealbook::ledger::verify::Policy;
use sealbook::logbook::clock::SystemClock;
use sealbook::logbook::init::{Origin, begin};
use sealbook::logbook::mark::MarkFile;
use sealbook::logbook::request::PreparedEntry;
use sealbook::logbook::{Logbook, Parts};
use sealbook::record::{
    DecisionRequest, Document, Hall, RecordedDecision, Recorder, RequestContent, SharedGate,
};
use sealbook::replay::item::Item;
use sealbook::replay::otherwise::Alternative;
use sealbook::replay::report::Replay;
use sealbook::replay::{ReplayOptions, replay};
use sealbook::store::{MemoryStore, Store};
use sealbook::wcp::stamp::{DecisionId, DecisionStamp};
use sealbook::wcp::{HallConfig, Registry, RouteInput, load_rules_from_dict};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::support::{json, request};

pub(crate) struct Scene {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) recorder: Recorder,
    pub(crate) registry: Registry,
    signer: Arc<SoftwareSigner>,
    count: AtomicU8,
    _temp: TempDir,
}

pub(crate) const RULES: &str = r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
    "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.b"}, {"worker_species_id": "wrk.a"}],
    "required_controls_suggested": ["ctrl.x"], "escalation": {"policy_gate": true},
    "preconditions": {"deny_if_unsigned_artifact_in_prod": true}}}]}"#;

/// Rules, configuration and gate.
pub(crate) fn hall(rules: &str, config: &str, gate: Option<SharedGate>) -> Hall {
    let rules = load_rules_from_dict(&json(rules)).unwrap();
    let config = HallConfig::read(&json(config), "").unwrap();
    let hall = Hall::new(rules).with_config(config);
    match gate {
        Some(gate) => hall.with_gate(gate),
        None => hall,
    }
}

pub(crate) fn input(changes: &[(&str, Value)]) -> RouteInput {
    RouteInput::read(&request(changes), "").unwrap()
}

pub(crate) fn worker(id: &str, species: &str) -> Value {
    json(&format!(
        r#"{{"worker_id": "{id}", "worker_species_id": "{species}", "capabilities": ["cap.a"],
            "currently_implements": ["ctrl.x"], "privilege_envelope": {{"tools": []}}}}"#
    ))
}

impl Scene {
    /// With `wrk.a` enrolled.
    pub(crate) fn new() -> Scene {
        Scene::with_content(RequestContent::Whole)
    }

    pub(crate) fn with_content(content: RequestContent) -> Scene {
        let signer = Arc::new(SoftwareSigner::from_seed(&Zeroizing::new([7; 32])));
        let clock = Arc::new(SystemClock::new());
        let temp = tempfile::tempdir().unwrap();
        let mark = MarkFile::at(temp.path().join("mark"));
        let beginning = begin(&*signer, &*clock, &Origin::default()).unwrap();
        mark.write(&beginning.mark).unwrap();
        let store = Arc::new(MemoryStore::new());
        store.commit(beginning.batch).unwrap();
        let logbook = Logbook::open(Parts {
            store: Arc::clone(&store) as _,
            signer: Arc::clone(&signer) as _,
            clock,
            mark,
        });
        let mut registry = Registry::new();
        registry.enroll(&worker("org.a", "wrk.a")).unwrap();
        Scene {
            store,
            recorder: Recorder::new(Arc::new(logbook.unwrap())).with_content(content),
            registry,
            signer,
            count: AtomicU8::new(0),
            _temp: temp,
        }
    }

    /// A decision of this Hall, with the workers of the scene.
    pub(crate) fn decide(&self, hall: &Hall, input: &RouteInput) -> RecordedDecision {
        let hall = hall.clone().with_registry(self.registry.clone());
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let asked = DecisionRequest {
            input,
            approval: None,
            task_id: "task_default",
            actor: None,
            stamp: DecisionStamp {
                decision_id: DecisionId::from_random([count; 16]),
                timestamp: crate::support::stamp().timestamp,
            },
        };
        self.recorder.decide(&hall, &asked)
    }

    /// Appends an entry of any kind.
    pub(crate) fn append(&self, kind: &str, payload: &Object) {
        let entry = PreparedEntry::new(kind, payload).unwrap();
        let logbook = self.recorder.logbook().unwrap();
        logbook.submit(vec![entry]).unwrap().wait().unwrap();
    }

    /// Every entry, in order.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let rows = self.store.entries(0..u64::MAX);
        rows.map(|row| Entry::from_record(row.unwrap().1).unwrap())
            .collect()
    }

    pub(crate) fn payloads(&self, kind: &str) -> Vec<Object> {
        let entries = self.entries().into_iter();
        let of_kind = entries.filter(|entry| entry.kind() == kind);
        of_kind
            .map(|entry| entry.check_payload().unwrap())
            .collect()
    }

    /// The log, with one payload changed, chained and signed again by its own
    /// key: nothing but its content can give it away.
    pub(crate) fn forged(&self, index: usize, change: impl FnOnce(&mut Object)) -> Book {
        let mut change = Some(change);
        self.all_forged(|at, payload| {
            if at == index {
                (change.take().unwrap())(payload);
            }
        })
    }

    /// The same with what was consulted of the registry changed, in its document, for
    /// every decision.
    pub(crate) fn registry_forged(&self, change: impl Fn(&mut Object)) -> Book {
        let mut renamed = Vec::new();
        self.all_forged(|_, payload| {
            let is_slice = |content: &Object| content.contains_key("candidates");
            if let Some(Value::Object(content)) = payload.get_mut("content")
                && is_slice(content)
            {
                change(content);
                let document = Document::new(Value::Object(content.clone()));
                let old = payload.insert("digest", document.digest());
                renamed.push((old, document.digest()));
            }
            if let Some(Value::Object(context)) = payload.get_mut("context") {
                let named = context.get("registry").cloned();
                let new = renamed.iter().find(|(old, _)| *old == named);
                context.insert("registry", new.unwrap().1);
            }
        })
    }

    fn all_forged(&self, mut change: impl FnMut(usize, &mut Object)) -> Book {
        let (mut prev, mut forged) = (Hash::ZERO, Vec::new());
        for (at, entry) in self.entries().into_iter().enumerate() {
            let mut payload = entry.check_payload().unwrap();
            change(at, &mut payload);
            let mut canonical = Vec::new();
            payload.write_canonical(sealbook::ledger::json::Form::Utf8, &mut canonical);
            let draft = Draft::new(entry.kind(), entry.ts(), &canonical, &prev).unwrap();
            prev = draft.hash();
            forged.push(draft.sign(&*self.signer).unwrap());
        }
        Book::of(self.signer.public_key(), forged)
    }

    pub(crate) fn book(&self) -> Book {
        Book::of(self.signer.public_key(), self.entries())
    }

    /// The index of the last entry of this kind.
    pub(crate) fn last(&self, kind: &str) -> usize {
        let entries = self.entries();
        entries.iter().rposition(|e| e.kind() == kind).unwrap()
    }
}

/// Entries as a source.
pub(crate) struct Book {
    log: PublicKey,
    entries: Vec<Entry>,
    given: bool,
}

impl Book {
    pub(crate) fn of(log: PublicKey, entries: Vec<Entry>) -> Book {
        Book {
            log,
            entries,
            given: false,
        }
    }

    pub(crate) fn replay(self) -> (Replay, Vec<Item>) {
        self.replay_with(None)
    }

    pub(crate) fn replay_with(self, alternative: Option<Alternative>) -> (Replay, Vec<Item>) {
        self.replay_as(None, alternative)
    }

    /// With a program that evaluates policies.
    #[cfg(feature = "rego")]
    pub(crate) fn replay_by(self, evaluator: Option<&Path>) -> (Replay, Vec<Item>) {
        self.replay_as(evaluator, None)
    }

    fn replay_as(
        mut self,
        evaluator: Option<&Path>,
        alternative: Option<Alternative>,
    ) -> (Replay, Vec<Item>) {
        let policy = Policy {
            keys: vec![self.log],
            ..Policy::default()
        };
        let options = ReplayOptions {
            policy: &policy,
            wanted: &|_, _| true,
            others: false,
            evaluator,
            alternative,
            today: None,
        };
        let mut items = Vec::new();
        let result = replay(&mut self, &options, &mut |new: &[Item], _| {
            items.extend_from_slice(new);
            Ok::<(), ReadError>(())
        });
        (result.unwrap(), items)
    }

    /// The faults, each as code, index and detail.
    pub(crate) fn faults(self) -> Vec<(FaultCode, Option<u64>, String)> {
        let told = |fault: Fault| (fault.code, fault.index, fault.detail);
        self.replay()
            .0
            .report
            .faults
            .into_iter()
            .map(told)
            .collect()
    }
}

impl Source for Book {
    fn subject(&self) -> Subject {
        Subject {
            format: Format::Ledger,
            log: Some(self.log),
            genesis: self.entries.first().map(Entry::hash),
            first_seq: Seq::FIRST,
            last_seq: None,
            contiguous: true,
            not_checked: vec![NotChecked::Truncation],
        }
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        if !std::mem::replace(&mut self.given, true) {
            let records = self.entries.iter().map(|entry| entry.record().to_vec());
            let records = (0..).zip(records);
            batch.extend(records.map(|(n, r)| Event::Entry(Raw::Record(Seq(n), r), None)));
        }
        Ok(())
    }
}
