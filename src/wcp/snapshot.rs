//! A Hall's answers as one JSON document: what a bulk line brings along, and
//! what a replay decides from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::basis::{Basis, RegistryView};
use super::config::HallConfig;
use super::gate::{FixedGate, PolicyGate};
use super::reading::{opt_table, table};
use super::rule_set::RuleSet;
use super::terms::Env;
use crate::ledger::json::{Object, Value};
use crate::ledger::shape::{self, MemberError};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    #[serde(deserialize_with = "shape::or_default")]
    pub config: HallConfig,
    #[serde(deserialize_with = "shape::or_default")]
    pub controls_present: HashSet<String>,
    #[serde(deserialize_with = "shape::or_default")]
    pub workers_available: HashSet<String>,
    /// Envelopes by species; none if privileges are not configured.
    #[serde(deserialize_with = "opt_table")]
    pub privilege_envelopes: Option<HashMap<String, Arc<Object>>>,
    #[serde(deserialize_with = "table")]
    pub egress_allowlist: HashMap<Env, Arc<[String]>>,
    /// What the gate answers; none if there is no gate.
    pub policy_gate: Option<FixedGate>,
    /// Code hashes; none if attestation is not configured.
    pub worker_hashes: Option<WorkerHashes>,
    /// Banned hashes; none if there is no ban list.
    pub ban_list: Option<HashSet<String>>,
}

/// Code hashes by species, well-formed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerHashes {
    #[serde(deserialize_with = "table")]
    pub registered: HashMap<String, String>,
    #[serde(deserialize_with = "table")]
    pub current: HashMap<String, String>,
}

impl Snapshot {
    /// Reads `{"config", "controls_present", "workers_available",
    /// "privilege_envelopes", "egress_allowlist", "policy_gate",
    /// "worker_hashes", "ban_list"}`, each of which may be left out or `null`.
    /// The gate is an answer, or `{"error": text}` for one that fails. `at` is
    /// the path that errors begin with.
    pub fn read(value: &Value, at: &str) -> Result<Snapshot, MemberError> {
        shape::read(value, at)
    }

    /// What is decided from where a Hall answers so, with these rules.
    pub fn basis<'a>(&'a self, rules: &'a RuleSet, task_id: &'a str) -> Basis<'a> {
        let gate = self.policy_gate.as_ref();
        Basis {
            rules,
            config: &self.config,
            registry: self,
            gate: gate.map(|gate| gate as &dyn PolicyGate),
            approval: None,
            task_id,
        }
    }
}

impl RegistryView for Snapshot {
    fn control_present(&self, control_id: &str) -> bool {
        self.controls_present.contains(control_id)
    }

    fn worker_available(&self, worker_species_id: &str) -> bool {
        self.workers_available.contains(worker_species_id)
    }

    fn has_privileges(&self) -> bool {
        self.privilege_envelopes.is_some()
    }

    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>> {
        let envelopes = self.privilege_envelopes.as_ref()?;
        envelopes.get(worker_species_id).cloned()
    }

    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>> {
        self.egress_allowlist.get(&env).cloned()
    }

    fn has_code_hashes(&self) -> bool {
        self.worker_hashes.is_some()
    }

    fn registered_hash(&self, worker_species_id: &str) -> Option<String> {
        let hashes = self.worker_hashes.as_ref()?;
        hashes.registered.get(worker_species_id).cloned()
    }

    fn current_hash(&self, worker_species_id: &str) -> Option<String> {
        let hashes = self.worker_hashes.as_ref()?;
        hashes.current.get(worker_species_id).cloned()
    }

    fn has_bans(&self) -> bool {
        self.ban_list.is_some()
    }

    fn is_banned(&self, sha256: &str) -> bool {
        let list = self.ban_list.as_ref();
        list.is_some_and(|list| list.contains(sha256))
    }
}
