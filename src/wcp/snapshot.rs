//! A Hall's answers as one JSON document: what a bulk line brings along, and
//! what a replay decides from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::basis::{Basis, RegistryView};
use super::config::HallConfig;
use super::gate::{FixedGate, GateAnswer, GateError, PolicyGate};
use super::reading::text_list;
use super::rule_set::RuleSet;
use super::terms::Env;
use crate::ledger::json::{Object, Value};
use crate::ledger::members::{MemberError, MemberProblem, Members};

/// Answers of a Hall, fixed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The floors.
    pub config: HallConfig,
    /// The controls that are present.
    pub controls_present: HashSet<String>,
    /// The species that are available.
    pub workers_available: HashSet<String>,
    /// Envelopes by species; none if privileges are not configured.
    pub privilege_envelopes: Option<HashMap<String, Arc<Object>>>,
    /// Destinations by environment.
    pub egress_allowlist: HashMap<Env, Arc<[String]>>,
    /// What the gate answers; none if there is no gate.
    pub policy_gate: Option<FixedGate>,
    /// Code hashes; none if attestation is not configured.
    pub worker_hashes: Option<WorkerHashes>,
    /// Banned hashes; none if there is no ban list.
    pub ban_list: Option<HashSet<String>>,
}

/// Code hashes by species, well-formed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerHashes {
    /// Registered as good.
    pub registered: HashMap<String, String>,
    /// Found now.
    pub current: HashMap<String, String>,
}

impl Snapshot {
    /// Reads `{"config", "controls_present", "workers_available",
    /// "privilege_envelopes", "egress_allowlist", "policy_gate",
    /// "worker_hashes", "ban_list"}`, each of which may be left out or `null`.
    /// The gate is an answer, or `{"error": text}` for one that fails. `at` is
    /// the path that errors begin with.
    ///
    /// # Errors
    /// [`MemberError`] names the member.
    pub fn read(value: &Value, at: &str) -> Result<Snapshot, MemberError> {
        let mut members = Members::of(value, at)?;
        let m = &mut members;
        let snapshot = Snapshot {
            config: match m.optional("config") {
                None | Some(Value::Null) => HallConfig::default(),
                Some(config) => HallConfig::read(config, &m.path("config"))?,
            },
            controls_present: text_set(m, "controls_present")?.unwrap_or_default(),
            workers_available: text_set(m, "workers_available")?.unwrap_or_default(),
            privilege_envelopes: match m.opt_nested("privilege_envelopes")? {
                None => None,
                Some(envelopes) => Some(table(envelopes, |envelopes, species| {
                    Ok(envelopes.opt_object(species)?.cloned().map(Arc::new))
                })?),
            },
            egress_allowlist: match m.opt_nested("egress_allowlist")? {
                None => HashMap::new(),
                Some(lists) => allowlists(lists)?,
            },
            policy_gate: match m.optional("policy_gate") {
                None | Some(Value::Null) => None,
                Some(gate) => Some(FixedGate(fixed_answer(gate, &m.path("policy_gate"))?)),
            },
            worker_hashes: match m.opt_nested("worker_hashes")? {
                None => None,
                Some(hashes) => Some(WorkerHashes::read(hashes)?),
            },
            ban_list: text_set(m, "ban_list")?,
        };
        members.finish()?;
        Ok(snapshot)
    }

    /// What is decided from where a Hall answers so, with these rules.
    #[must_use]
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

impl WorkerHashes {
    fn read(mut members: Members<'_>) -> Result<WorkerHashes, MemberError> {
        let mut hashes = |name| match members.opt_nested(name)? {
            None => Ok(HashMap::new()),
            Some(hashes) => table(hashes, |hashes, species| {
                Ok(hashes.opt_str(species)?.map(str::to_owned))
            }),
        };
        let (registered, current) = (hashes("registered")?, hashes("current")?);
        members.finish()?;
        Ok(WorkerHashes {
            registered,
            current,
        })
    }
}

fn text_set(members: &mut Members<'_>, name: &str) -> Result<Option<HashSet<String>>, MemberError> {
    let texts: Option<Vec<String>> = text_list(members, name)?;
    Ok(texts.map(|texts| texts.into_iter().collect()))
}

/// An object whose keys are data; a `null` counts as left out.
fn table<'v, T>(
    mut members: Members<'v>,
    read: impl Fn(&mut Members<'v>, &str) -> Result<Option<T>, MemberError>,
) -> Result<HashMap<String, T>, MemberError> {
    let keys: Vec<&str> = members.names().collect();
    let mut table = HashMap::with_capacity(keys.len());
    for key in keys {
        if let Some(value) = read(&mut members, key)? {
            table.insert(key.to_owned(), value);
        }
    }
    Ok(table)
}

fn allowlists(members: Members<'_>) -> Result<HashMap<Env, Arc<[String]>>, MemberError> {
    let by_name = table(members, |lists, name| {
        let env = Env::parse(name).ok_or_else(|| {
            let expected = Env::EXPECTED;
            lists.error(
                name,
                MemberProblem::BadValue {
                    expected: expected.into(),
                },
            )
        })?;
        let list: Option<Vec<String>> = text_list(lists, name)?;
        Ok(list.map(|list| (env, Arc::from(list))))
    })?;
    Ok(by_name.into_values().collect())
}

fn fixed_answer(value: &Value, at: &str) -> Result<Result<GateAnswer, GateError>, MemberError> {
    if value.get("error").is_none() {
        return GateAnswer::read(value, at).map(Ok);
    }
    let mut members = Members::of(value, at)?;
    let detail = members.str("error")?.to_owned();
    members.finish()?;
    Ok(Err(GateError::Failed { detail }))
}
