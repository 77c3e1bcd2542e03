//! What the ledger says of workers and hashes: who was enrolled, which packages
//! were attested, which hashes reported.

use std::collections::BTreeMap;

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::record::{Hall, kind};
use crate::serve::error::ServeError;
use crate::store::Store;
use crate::store::query::{Filter, select};
use crate::wcp::record::WorkerRecord;

/// A worker that was enrolled here.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Enrolled {
    pub(in crate::serve) record: WorkerRecord,
    pub(in crate::serve) enrolled_at: Timestamp,
}

/// A package that was said to be a worker's.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Attested {
    pub(in crate::serve) sha256: Sha256Digest,
    pub(in crate::serve) attested_at: Timestamp,
    pub(in crate::serve) ai_generated: bool,
    pub(in crate::serve) ai_service: Option<String>,
    pub(in crate::serve) ai_model: Option<String>,
    pub(in crate::serve) ai_session_fingerprint: Option<String>,
}

/// A hash that someone says is bad.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Reported {
    pub(in crate::serve) sha256: Sha256Digest,
    pub(in crate::serve) reason: String,
    pub(in crate::serve) reported_at: Timestamp,
    pub(in crate::serve) source: String,
}

/// The newest word on each.
#[derive(Debug, Default)]
pub(in crate::serve) struct Roll {
    enrolled: BTreeMap<String, Enrolled>,
    attested: BTreeMap<String, Attested>,
    /// By hash; the first report of a hash stands.
    reported: BTreeMap<Hash, Reported>,
}

impl Roll {
    /// Reads the ledger. What is not as this program writes it says nothing
    /// here: it is in the ledger all the same.
    pub(super) fn read(store: &dyn Store) -> Result<Roll, ServeError> {
        let kinds = [kind::ENROLMENT, kind::SUBMISSION, kind::REPORT];
        let filter = Filter {
            kinds: kinds.map(str::to_owned).into(),
            ..Filter::default()
        };
        let mut roll = Roll::default();
        for item in select(store, &filter)? {
            let (_, entry) = item?;
            roll.enter(&entry);
        }
        Ok(roll)
    }

    fn enter(&mut self, entry: &Entry) {
        let Ok(payload) = entry.check_payload() else {
            return;
        };
        match entry.kind() {
            kind::ENROLMENT => self.enrol(&payload, entry.ts()),
            kind::SUBMISSION => self.attest(&payload, entry.ts()),
            _ => self.report(&payload, entry.ts()),
        }
    }

    /// Takes up the payload of an enrolment.
    pub(super) fn enrol(&mut self, payload: &Object, ts: Timestamp) {
        let record = payload.get("record").map(WorkerRecord::read);
        if let Some(Ok(record)) = record {
            let enrolled = Enrolled {
                enrolled_at: ts,
                record,
            };
            self.enrolled
                .insert(enrolled.record.worker_id.to_string(), enrolled);
        }
    }

    /// Takes up the payload of a submission.
    pub(super) fn attest(&mut self, payload: &Object, ts: Timestamp) {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let sha256 = text("sha256").map(Sha256Digest::from_hex);
        if let (Some(worker_id), Some(Ok(sha256))) = (text("worker_id"), sha256) {
            let owned = |name| text(name).map(str::to_owned);
            let attested = Attested {
                sha256,
                attested_at: ts,
                ai_generated: payload
                    .get("ai_generated")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
                ai_service: owned("ai_service"),
                ai_model: owned("ai_model"),
                ai_session_fingerprint: owned("ai_session_fingerprint"),
            };
            self.attested.insert(worker_id.to_owned(), attested);
        }
    }

    /// Takes up the payload of a report.
    pub(super) fn report(&mut self, payload: &Object, ts: Timestamp) {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let sha256 = text("sha256").map(Sha256Digest::from_hex);
        if let (Some(Ok(sha256)), Some(reason)) = (sha256, text("reason")) {
            let reported = Reported {
                sha256,
                reason: reason.to_owned(),
                reported_at: ts,
                source: text("source").unwrap_or("community").to_owned(),
            };
            let key = Hash::from_bytes(*sha256.as_bytes());
            self.reported.entry(key).or_insert(reported);
        }
    }

    /// The Hall of the files with what the ledger says. Workers of the ledger
    /// come after those of the folder, and replace them.
    pub(super) fn enrol_in(&self, of_files: &Hall) -> Hall {
        let mut registry = of_files.workers().clone();
        for enrolled in self.enrolled() {
            registry.enroll_remote(enrolled.record.clone());
        }
        of_files.clone().with_registry(registry)
    }

    /// The workers, by their ids.
    pub(in crate::serve) fn enrolled(&self) -> impl Iterator<Item = &Enrolled> {
        self.enrolled.values()
    }

    /// A worker.
    pub(in crate::serve) fn worker(&self, worker_id: &str) -> Option<&Enrolled> {
        self.enrolled.get(worker_id)
    }

    /// The newest package of a worker.
    pub(in crate::serve) fn attested(&self, worker_id: &str) -> Option<&Attested> {
        self.attested.get(worker_id)
    }

    /// The reports, by hash.
    pub(in crate::serve) fn reported(&self) -> impl Iterator<Item = &Reported> {
        self.reported.values()
    }
}
