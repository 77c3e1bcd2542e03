//! The Hall's source of truth for workers.

mod code;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::basis::{RegistryView, StandingWorker};
use super::privilege::{PrivilegeRefusal, policy_allows_privilege};
use super::record::{ControlIdError, WorkerRecord, WorkerRecordError, check_control_id};
use super::terms::{DataLabel, Env};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::json::{Object, Value};
use code::CodeRegister;

#[derive(Clone, Debug, Default)]
pub struct Registry {
    records: Vec<WorkerRecord>,
    by_worker: HashMap<Arc<str>, usize>,
    by_species: HashMap<Arc<str>, Vec<usize>>,
    /// Of all records as they are; computed when it is asked for, once for
    /// every state.
    digest: OnceLock<Hash>,
    /// In the order of enrolment, each species once.
    by_capability: HashMap<Arc<str>, Vec<Arc<str>>>,
    controls: BTreeSet<Arc<str>>,
    available: HashSet<Arc<str>>,
    envelopes: HashMap<Arc<str>, Arc<Object>>,
    allowlists: BTreeMap<Env, Arc<[String]>>,
    code: CodeRegister,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    Added,
    /// The worker was known, and its record was replaced.
    Updated,
}

impl Registry {
    pub fn new() -> Registry {
        Registry::default()
    }

    /// Enrols a worker from its record: its species becomes available, the
    /// controls that it implements present, and its envelope that of its
    /// species.
    ///
    /// # Errors
    /// [`WorkerRecordError`] names the member; nothing is changed.
    pub fn enroll(&mut self, record: &Value) -> Result<Enrolment, WorkerRecordError> {
        WorkerRecord::read(record).map(|record| self.enroll_record(record))
    }

    pub fn enroll_record(&mut self, record: WorkerRecord) -> Enrolment {
        let species = record.worker_species_id.clone();
        let known_species = self.by_species.contains_key(&species);
        self.available.insert(species.clone());
        self.controls
            .extend(record.currently_implements.iter().cloned());
        if let Some(envelope) = &record.privilege_envelope {
            self.envelopes.insert(species.clone(), envelope.clone());
        }
        for capability in &record.capabilities {
            let species_of = self.by_capability.entry(capability.clone()).or_default();
            // Looking through fifty thousand species for each of them would take
            // seconds.
            if !known_species || !species_of.contains(&species) {
                species_of.push(species.clone());
            }
        }
        self.digest = OnceLock::new();
        self.code.remote.remove(&record.worker_id);
        let known = self.by_worker.get(&record.worker_id).copied();
        let index = known.unwrap_or(self.records.len());
        match known.and_then(|index| self.records.get_mut(index)) {
            Some(old) => {
                let old = std::mem::replace(old, record);
                if let Some(indices) = self.by_species.get_mut(&old.worker_species_id) {
                    indices.retain(|known| *known != index);
                    if indices.is_empty() {
                        self.by_species.remove(&old.worker_species_id);
                        if old.worker_species_id != species {
                            self.available.remove(&old.worker_species_id);
                            self.envelopes.remove(&old.worker_species_id);
                        }
                    }
                }
                self.by_species.entry(species).or_default().push(index);
                Enrolment::Updated
            }
            None => {
                let worker = record.worker_id.clone();
                self.by_worker.insert(worker, index);
                self.records.push(record);
                self.by_species.entry(species).or_default().push(index);
                Enrolment::Added
            }
        }
    }

    /// Enrols a worker whose record came from elsewhere: the source file that it
    /// names is opened beneath an allowed directory or not at all.
    pub fn enroll_remote(&mut self, record: WorkerRecord) -> Enrolment {
        let worker_id = record.worker_id.clone();
        let enrolment = self.enroll_record(record);
        self.code.remote.insert(worker_id);
        enrolment
    }

    pub fn controls_present(&self) -> &BTreeSet<Arc<str>> {
        &self.controls
    }

    /// Replaces the controls that are present.
    ///
    /// # Errors
    /// [`ControlIdError`] for the first malformed id; nothing is changed.
    pub fn set_controls_present(&mut self, controls: &[&str]) -> Result<(), ControlIdError> {
        controls.iter().try_for_each(|id| check_control_id(id))?;
        self.controls.clear();
        self.add_controls_present(controls)
    }

    /// Adds controls to those that are present.
    ///
    /// # Errors
    /// [`ControlIdError`] for the first malformed id; nothing is changed.
    pub fn add_controls_present(&mut self, controls: &[&str]) -> Result<(), ControlIdError> {
        controls.iter().try_for_each(|id| check_control_id(id))?;
        self.controls
            .extend(controls.iter().map(|&id| Arc::from(id)));
        Ok(())
    }

    pub fn workers_for_capability(&self, capability_id: &str) -> &[Arc<str>] {
        self.by_capability
            .get(capability_id)
            .map_or(&[], Vec::as_slice)
    }

    pub fn set_workers_available(&mut self, worker_species_ids: &[&str]) {
        self.available.clear();
        self.add_workers_available(worker_species_ids);
    }

    pub fn add_workers_available(&mut self, worker_species_ids: &[&str]) {
        self.available
            .extend(worker_species_ids.iter().map(|&id| Arc::from(id)));
    }

    pub fn get_privilege_envelope(&self, worker_species_id: &str) -> Option<&Object> {
        self.envelopes.get(worker_species_id).map(Arc::as_ref)
    }

    pub fn set_privilege_envelopes(
        &mut self,
        envelopes: impl IntoIterator<Item = (String, Object)>,
    ) {
        let envelopes = envelopes.into_iter();
        self.envelopes = envelopes.map(|(id, e)| (id.into(), Arc::new(e))).collect();
    }

    /// Sets the destinations that may be reached from an environment.
    pub fn set_egress_allowlist(&mut self, env: Env, allowlist: Vec<String>) {
        self.allowlists.insert(env, allowlist.into());
    }

    /// Whether an envelope is permitted in an environment of this registry.
    pub fn policy_allows_privilege(
        &self,
        env: Env,
        data_label: DataLabel,
        envelope: Option<&Object>,
    ) -> Result<(), PrivilegeRefusal> {
        let allowlist = self.allowlists.get(&env).map(Arc::as_ref);
        policy_allows_privilege(env, data_label, envelope, allowlist)
    }

    pub fn enrolled_count(&self) -> usize {
        self.records.len()
    }

    pub fn enrolled_workers(&self) -> &[WorkerRecord] {
        &self.records
    }

    pub fn worker(&self, worker_id: &str) -> Option<&WorkerRecord> {
        self.records.get(*self.by_worker.get(worker_id)?)
    }

    /// The destinations that may be reached, by environment.
    pub const fn egress_allowlists(&self) -> &BTreeMap<Env, Arc<[String]>> {
        &self.allowlists
    }

    /// BLAKE2b-256 over the `artifact_hash` of every record, sorted, a newline
    /// after each: names the registry as a whole. Computed once for every state
    /// of it.
    pub fn records_digest(&self) -> Hash {
        *self.digest.get_or_init(|| {
            let records = self.records.iter();
            let mut hashes: Vec<&str> = records.map(|r| &*r.artifact_hash).collect();
            hashes.sort_unstable();
            let mut hasher = Hasher::new();
            for hash in hashes {
                hasher.update(hash.as_bytes());
                hasher.update(b"\n");
            }
            hasher.finish()
        })
    }

    /// Counts and the present controls, for display or a health check.
    pub fn summary(&self) -> Value {
        let count = |count: usize| Value::from(count as u64);
        let controls = self.controls.iter().map(|id| Value::from(&**id));
        let members: Object = [
            ("enrolled_count", count(self.records.len())),
            ("workers_available", count(self.available.len())),
            ("capabilities", count(self.by_capability.len())),
            ("privilege_envelopes", count(self.envelopes.len())),
            ("attested_workers", count(self.attested_count())),
            ("controls_present", Value::Array(controls.collect())),
        ]
        .into_iter()
        .collect();
        Value::Object(members)
    }
}

impl RegistryView for Registry {
    fn control_present(&self, control_id: &str) -> bool {
        self.controls.contains(control_id)
    }

    fn worker_available(&self, worker_species_id: &str) -> bool {
        self.available.contains(worker_species_id)
    }

    fn worker_of(&self, worker_species_id: &str) -> Option<StandingWorker> {
        self.worker_of_species(worker_species_id)
    }

    fn has_privileges(&self) -> bool {
        true
    }

    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>> {
        self.envelopes.get(worker_species_id).cloned()
    }

    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>> {
        self.allowlists.get(&env).cloned()
    }

    fn has_code_hashes(&self) -> bool {
        true
    }

    fn registered_hash(&self, worker_species_id: &str) -> Option<String> {
        self.get_worker_hash(worker_species_id).map(str::to_owned)
    }

    fn current_hash(&self, worker_species_id: &str) -> Option<String> {
        self.compute_current_hash(worker_species_id)
    }

    fn records_digest(&self) -> Option<Hash> {
        Some(Registry::records_digest(self))
    }
}
