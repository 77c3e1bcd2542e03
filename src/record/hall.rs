//! A Hall: under what it decides, and whom it knows.

use std::sync::Arc;

use super::context::GateSource;
use super::document::Document;
use super::governance::{Governance, SharedGate};
use crate::attestation::BanList;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::wcp::basis::{Basis, DEFAULT_TASK_ID, RegistryView, StandingWorker, WorkerStanding};
use crate::wcp::config::{ConfigWarning, HallConfig};
use crate::wcp::record::{WorkerRecord, WorkerRecordError};
use crate::wcp::registry::{Enrolment, Registry};
#[cfg(feature = "files")]
use crate::wcp::registry_dir::InvalidRecord;
use crate::wcp::rule_set::RuleSet;
use crate::wcp::terms::Env;

/// Everything that decides on a request, beside the request: rules,
/// configuration, policy gate, ban list and registry.
///
/// [`Hall::load`] reads one from its files; [`Hall::new`] takes rules that are
/// at hand.
#[derive(Clone, Debug)]
pub struct Hall {
    pub(super) governance: Governance,
    pub(super) registry: Registry,
    /// Records that were not enrolled.
    #[cfg(feature = "files")]
    pub(super) dropped: Arc<[InvalidRecord]>,
}

impl Hall {
    pub fn new(rules: impl Into<Arc<RuleSet>>) -> Hall {
        Hall {
            governance: Governance::new(rules.into()),
            registry: Registry::new(),
            #[cfg(feature = "files")]
            dropped: Arc::default(),
        }
    }

    pub fn with_config(mut self, config: HallConfig) -> Hall {
        self.governance = self.governance.with_config(config);
        self
    }

    pub fn with_gate(mut self, gate: SharedGate) -> Hall {
        self.governance = self.governance.with_gate(gate);
        self
    }

    pub fn with_ban_list(mut self, list: BanList) -> Hall {
        self.governance = self.governance.with_ban_list(Arc::new(list));
        self.settle();
        self
    }

    pub fn with_registry(mut self, registry: Registry) -> Hall {
        self.registry = registry;
        self.settle();
        self
    }

    /// Enrols a worker from its record.
    ///
    /// # Errors
    /// [`WorkerRecordError`] names the member; nothing is changed.
    pub fn enroll(&mut self, record: &Value) -> Result<Enrolment, WorkerRecordError> {
        let record = WorkerRecord::read(record)?;
        let worker_id = record.worker_id.clone();
        let enrolment = self.registry.enroll_record(record);
        self.settle_one(&worker_id);
        Ok(enrolment)
    }

    pub const fn governance(&self) -> &Governance {
        &self.governance
    }

    pub const fn workers(&self) -> &Registry {
        &self.registry
    }

    /// Records of the folder that were not enrolled.
    #[cfg(feature = "files")]
    pub fn dropped(&self) -> &[InvalidRecord] {
        &self.dropped
    }

    pub fn warnings(&self) -> Vec<ConfigWarning> {
        self.governance.config().warnings().collect()
    }

    /// Why a worker is banned, if it is: by its id, its namespace, or a hash of
    /// its code.
    pub fn ban_of(&self, worker_id: &str) -> Option<String> {
        let list = self.governance.ban_list()?;
        if let Some(reason) = list.find_worker(worker_id) {
            return Some(reason.to_owned());
        }
        let hashes = self.registry.hashes_of(worker_id);
        let banned = hashes.iter().any(|hash| list.is_banned(hash));
        banned.then(|| "the hash is on the Hall's ban list".to_owned())
    }

    /// Workers that the ban list names may not be dispatched to.
    pub(super) fn settle(&mut self) {
        let named = self.governance.ban_list().map(|list| list.named().count());
        if named.is_none_or(|named| named == 0) {
            return;
        }
        let workers = self.registry.enrolled_workers().iter();
        let ids: Vec<Arc<str>> = workers.map(|record| record.worker_id.clone()).collect();
        for id in ids {
            self.settle_one(&id);
        }
    }

    fn settle_one(&mut self, worker_id: &str) {
        let list = self.governance.ban_list();
        if list.is_some_and(|list| list.find_worker(worker_id).is_some()) {
            self.registry
                .set_standing(worker_id, WorkerStanding::Banned);
        }
    }

    /// Whether to decide takes neither a policy that is run nor a file that is hashed.
    pub fn decides_at_once(&self) -> bool {
        let governance = &self.governance;
        let runs = matches!(governance.gate_source(), GateSource::Policy(_));
        let hashes = governance.config().require_worker_attestation;
        !runs && !hashes && governance.ban_list().is_none()
    }

    /// What a decision is taken from, for the usual task.
    pub fn basis(&self) -> Basis<'_> {
        self.governance.basis(self, None, DEFAULT_TASK_ID)
    }

    pub fn documents(&self) -> &[Arc<Document>] {
        self.governance.documents()
    }

    /// The digests by name of everything that decides, `null` where there is
    /// nothing: what `hall.reload` records before and after.
    pub fn digests(&self) -> Value {
        let members = self.governance.digests().into_iter();
        Value::Object(members.chain(self.registry_members()).collect::<Object>())
    }

    /// The digests of the registry and the ban list alone: what a change of a
    /// worker records before and after.
    pub fn registry_digests(&self) -> Value {
        let [.., bans] = self.governance.digests();
        Value::Object([bans].into_iter().chain(self.registry_members()).collect())
    }

    fn registry_members(&self) -> Vec<(&'static str, Value)> {
        let registry = self.registry.records_digest().to_string();
        let parts = self.parts();
        let parts = parts.iter().map(|(name, part)| {
            let digest = Hash::of(part.canonical(Form::Utf8).as_bytes());
            (*name, Value::from(digest.to_string()))
        });
        let registry = ("registry", Value::from(registry));
        [registry].into_iter().chain(parts).collect()
    }

    /// What is in the registry, as the document that a reload names beside its digests:
    /// so that what changed can be told in words later.
    #[cfg(feature = "store")]
    pub(super) fn registry_document(&self) -> Document {
        Document::new(Value::Object(self.parts().into_iter().collect()))
    }

    /// What is in the registry, by name: hashed for [`Hall::digests`], compared
    /// for [`changes`](super::changes).
    pub(super) fn parts(&self) -> [(&'static str, Value); 4] {
        let workers = self.registry.enrolled_workers().iter();
        let records = workers.clone().map(|record| {
            let hash = Value::from(&*record.artifact_hash);
            (record.worker_id.to_string(), hash)
        });
        let envelopes = workers.clone().filter_map(|record| {
            let envelope = record.privilege_envelope.as_deref()?.clone();
            Some((record.worker_id.to_string(), Value::Object(envelope)))
        });
        let standing = workers.filter_map(|record| {
            let said = self.registry.said_of(&record.worker_id)?;
            Some((record.worker_id.to_string(), said))
        });
        let allowlists = self.registry.egress_allowlists().iter().map(|(env, list)| {
            let items = list.iter().map(|item| Value::from(item.as_str()));
            (env.to_string(), Value::Array(items.collect()))
        });
        [
            ("records", Value::Object(records.collect())),
            ("envelopes", Value::Object(envelopes.collect())),
            ("egress_allowlist", Value::Object(allowlists.collect())),
            ("standing", Value::Object(standing.collect())),
        ]
    }
}

impl RegistryView for Hall {
    fn control_present(&self, control_id: &str) -> bool {
        self.registry.control_present(control_id)
    }

    fn worker_available(&self, worker_species_id: &str) -> bool {
        self.registry.worker_available(worker_species_id)
    }

    fn worker_of(&self, worker_species_id: &str) -> Option<StandingWorker> {
        self.registry.worker_of(worker_species_id)
    }

    fn has_privileges(&self) -> bool {
        true
    }

    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>> {
        self.registry.privilege_envelope(worker_species_id)
    }

    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>> {
        self.registry.egress_allowlist(env)
    }

    fn has_code_hashes(&self) -> bool {
        true
    }

    fn registered_hash(&self, worker_species_id: &str) -> Option<String> {
        self.registry.registered_hash(worker_species_id)
    }

    fn current_hash(&self, worker_species_id: &str) -> Option<String> {
        self.registry.current_hash(worker_species_id)
    }

    fn has_bans(&self) -> bool {
        self.governance.ban_list().is_some()
    }

    fn is_banned(&self, sha256: &str) -> bool {
        let list = self.governance.ban_list();
        list.is_some_and(|list| list.is_banned(sha256))
    }

    fn records_digest(&self) -> Option<Hash> {
        Some(self.registry.records_digest())
    }
}
