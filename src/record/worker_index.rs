//! What the ledger says of workers and hashes: who was enrolled, what was
//! submitted, confirmed, reported, banned and revoked.
//!
//! The ledger is what counts. The index is read from it, and is added to only
//! when an entry is durable. [`WorkerIndex::hall`] puts it on top of the Hall of
//! the files, by command line and server alike.

use std::collections::BTreeMap;

use super::changes::{changes, texts};
use super::hall::Hall;
use super::kind;
use super::outcome::Outcome;
use crate::attestation::{BanEntry, BanList};
use crate::ledger::json::{Object, Value};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::time::Timestamp;
use crate::store::Store;
use crate::store::query::{Filter, QueryError, select};
use crate::wcp::basis::WorkerStanding;
use crate::wcp::record::WorkerRecord;

#[derive(Clone, Debug)]
pub struct EnrolledWorker {
    pub record: WorkerRecord,
    pub enrolled_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct SubmittedPackage {
    pub sha256: Sha256Digest,
    pub attested_at: Timestamp,
    pub confirmed: bool,
    pub ai_generated: bool,
    pub ai_service: Option<String>,
    pub ai_model: Option<String>,
    pub ai_session_fingerprint: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ReportedPackage {
    pub sha256: Sha256Digest,
    pub reason: String,
    pub reported_at: Timestamp,
    pub source: String,
}

#[derive(Clone, Debug, Default)]
pub struct WorkerIndex {
    enrolled: BTreeMap<String, EnrolledWorker>,
    submitted: BTreeMap<String, SubmittedPackage>,
    confirmed: BTreeMap<String, String>,
    /// By hash; the first report of a hash stands.
    reported: BTreeMap<Sha256Digest, ReportedPackage>,
    /// By what is banned: an item of a ban list.
    bans: BTreeMap<(&'static str, String), Object>,
    revoked: BTreeMap<String, String>,
}

/// The kinds that the index is read from.
const KINDS: [&str; 6] = [
    kind::ENROLMENT,
    kind::SUBMISSION,
    kind::REPORT,
    kind::CONFIRMATION,
    kind::BAN,
    kind::REVOCATION,
];

/// The members of a ban by which it names what is banned.
const BANNED: [&str; 3] = ["sha256", "worker_id", "namespace"];

impl WorkerIndex {
    /// Reads the ledger. What is not as this program writes it says nothing
    /// here: it is in the ledger all the same.
    pub fn read(store: &dyn Store) -> Result<WorkerIndex, QueryError> {
        let filter = Filter {
            kinds: KINDS.map(str::to_owned).into(),
            ..Filter::default()
        };
        let mut index = WorkerIndex::default();
        for item in select(store, &filter)? {
            let (_, entry) = item?;
            if let Ok(payload) = entry.check_payload() {
                index.enter(entry.kind(), &payload, entry.ts());
            }
        }
        Ok(index)
    }

    /// Takes up an entry that is durable.
    pub fn enter(&mut self, kind: &str, payload: &Object, ts: Timestamp) {
        match kind {
            kind::ENROLMENT => self.enrol(payload, ts),
            kind::SUBMISSION => self.submit(payload, ts),
            kind::REPORT => self.report(payload, ts),
            kind::CONFIRMATION => self.confirm(payload),
            kind::BAN => self.ban(payload, ts),
            kind::REVOCATION => self.revoke(payload),
            _ => {}
        }
    }

    /// The Hall of the files with what the ledger says. Workers of the ledger
    /// come after those of the folder, and replace them.
    pub fn hall(&self, of_files: &Hall) -> Hall {
        let mut registry = of_files.workers().clone();
        for enrolled in self.enrolled.values() {
            registry.enroll_remote(enrolled.record.clone());
        }
        for (worker_id, submitted) in &self.submitted {
            registry.submit_hash(worker_id, &submitted.sha256.to_string());
        }
        for (worker_id, sha256) in &self.confirmed {
            registry.confirm_hash(worker_id, sha256);
        }
        for worker_id in self.revoked.keys() {
            registry.set_standing(worker_id, WorkerStanding::Revoked);
        }
        let hall = of_files.clone();
        let bans: Vec<Value> = self.bans.values().cloned().map(Value::Object).collect();
        let list = hall.governance().ban_list().map(|list| &**list);
        let hall = match BanList::with(list, &bans) {
            Ok(list) if !bans.is_empty() => hall.with_ban_list(list),
            _ => hall,
        };
        hall.with_registry(registry)
    }

    pub fn worker(&self, worker_id: &str) -> Option<&EnrolledWorker> {
        self.enrolled.get(worker_id)
    }

    pub fn submitted(&self, worker_id: &str) -> Option<&SubmittedPackage> {
        self.submitted.get(worker_id)
    }

    pub fn reported(&self) -> impl Iterator<Item = &ReportedPackage> {
        self.reported.values()
    }

    pub fn revoked(&self, worker_id: &str) -> Option<&str> {
        self.revoked.get(worker_id).map(String::as_str)
    }

    pub fn bans(&self, member: &'static str, name: &str) -> bool {
        self.bans.contains_key(&(member, name.to_owned()))
    }

    fn enrol(&mut self, payload: &Object, ts: Timestamp) {
        // A refusal changes nothing, and a folder keeps its own records.
        let refused = payload.get("enrolled") == Some(&Value::from(false));
        if refused || text(payload, "kept_in") == Some("folder") {
            return;
        }
        if let Some(Ok(record)) = payload.get("record").map(WorkerRecord::read) {
            let worker_id = record.worker_id.to_string();
            let enrolled = EnrolledWorker {
                record,
                enrolled_at: ts,
            };
            self.enrolled.insert(worker_id, enrolled);
        }
    }

    fn submit(&mut self, payload: &Object, ts: Timestamp) {
        let Some((worker_id, sha256)) = hash_of_worker(payload) else {
            return;
        };
        let owned = |name| text(payload, name).map(str::to_owned);
        let generated = payload.get("ai_generated").and_then(Value::as_bool);
        let confirmed = self.confirmed.get(worker_id);
        let submitted = SubmittedPackage {
            sha256,
            attested_at: ts,
            confirmed: confirmed.is_some_and(|known| *known == sha256.to_string()),
            ai_generated: generated.unwrap_or(false),
            ai_service: owned("ai_service"),
            ai_model: owned("ai_model"),
            ai_session_fingerprint: owned("ai_session_fingerprint"),
        };
        self.submitted.insert(worker_id.to_owned(), submitted);
    }

    fn confirm(&mut self, payload: &Object) {
        let Some((worker_id, sha256)) = hash_of_worker(payload) else {
            return;
        };
        if let Some(submitted) = self.submitted.get_mut(worker_id)
            && submitted.sha256 == sha256
        {
            submitted.confirmed = true;
        }
        self.confirmed
            .insert(worker_id.to_owned(), sha256.to_string());
    }

    fn report(&mut self, payload: &Object, ts: Timestamp) {
        let sha256 = text(payload, "sha256").map(Sha256Digest::from_hex);
        if let (Some(Ok(sha256)), Some(reason)) = (sha256, text(payload, "reason")) {
            let reported = ReportedPackage {
                sha256,
                reason: reason.to_owned(),
                reported_at: ts,
                source: text(payload, "source").unwrap_or("community").to_owned(),
            };
            self.reported.entry(sha256).or_insert(reported);
        }
    }

    fn ban(&mut self, payload: &Object, ts: Timestamp) {
        let banned = payload.get("banned").and_then(Value::as_bool);
        for member in BANNED {
            let Some(name) = text(payload, member) else {
                continue;
            };
            let key = (member, name.to_owned());
            if banned != Some(true) {
                self.bans.remove(&key);
                continue;
            }
            let reason = text(payload, "reason").unwrap_or_default();
            let item = match Sha256Digest::from_hex(name) {
                Ok(sha256) if member == "sha256" => BanEntry {
                    sha256,
                    reason: reason.to_owned(),
                    reported_at: Some(ts.to_string()),
                    source: Some("hall".to_owned()),
                    review_status: Some("confirmed".to_owned()),
                }
                .to_value(),
                _ => Value::Object([(member, name), ("reason", reason)].into_iter().collect()),
            };
            if let Value::Object(item) = item {
                self.bans.insert(key, item);
            }
        }
    }

    fn revoke(&mut self, payload: &Object) {
        let Some(worker_id) = text(payload, "worker_id") else {
            return;
        };
        match payload.get("revoked").and_then(Value::as_bool) {
            Some(true) => {
                let why = text(payload, "why").unwrap_or_default();
                self.revoked.insert(worker_id.to_owned(), why.to_owned());
            }
            _ => {
                self.revoked.remove(worker_id);
            }
        }
    }
}

fn hash_of_worker(payload: &Object) -> Option<(&str, Sha256Digest)> {
    let sha256 = Sha256Digest::from_hex(text(payload, "sha256")?).ok()?;
    Some((text(payload, "worker_id")?, sha256))
}

fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}

/// A change of the index as it is recorded: with the digests of the Hall before
/// and after it, and what changes in words.
pub fn change(outcome: Outcome, index: &WorkerIndex, of_files: &Hall) -> (Outcome, Vec<String>) {
    let before = index.hall(of_files);
    let mut after = index.clone();
    after.enter(outcome.kind(), outcome.payload(), Timestamp::MIN);
    let after = after.hall(of_files);
    let changes = changes(Some(&before), &after);
    let outcome = outcome
        .with("before", before.registry_digests())
        .with("after", after.registry_digests())
        .with("changes", texts(&changes));
    (outcome, changes)
}
