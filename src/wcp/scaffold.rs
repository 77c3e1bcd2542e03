//! The documents of a new worker: what `build` asks for, and what it writes.

use super::input::is_blank;
use super::record::{ControlIdError, artifact_hash, check_control_id};
use super::terms::Env;
use crate::ledger::json::{Object, Value};

/// Answers to the questions of the wizard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffold {
    /// `org.<name>` or `x.<name>`.
    pub worker_id: String,
    /// `wrk.…`
    pub worker_species_id: String,
    /// `cap.…`, at least one.
    pub capabilities: Vec<String>,
    /// `low`, `medium` or `high`.
    pub risk_tier: String,
    /// `ctrl.…`
    pub required_controls: Vec<String>,
    /// Where it may run.
    pub allowed_environments: Vec<Env>,
    pub owner: String,
    pub contact: String,
}

/// An answer that no worker can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerScaffoldError {
    #[error("worker id \"{worker_id}\" does not begin with \"org.\" or \"x.\" and a name")]
    WorkerId { worker_id: String },
    #[error("species \"{worker_species_id}\" does not begin with \"wrk.\" and a name")]
    Species { worker_species_id: String },
    #[error("capability \"{capability_id}\" does not begin with \"cap.\" and a name")]
    Capability { capability_id: String },
    #[error("risk tier \"{risk_tier}\" is none of low, medium, high")]
    RiskTier { risk_tier: String },
    #[error(transparent)]
    Control(#[from] ControlIdError),
}

impl Scaffold {
    /// The files of the worker beside its package: path and JSON document. The
    /// package itself (code, lock file, schema) is the attestation's.
    pub fn files(&self) -> Result<Vec<(&'static str, Value)>, WorkerScaffoldError> {
        self.check()?;
        Ok(vec![
            ("registry_record.json", self.registry_record()),
            ("rules.json", self.rules()),
            ("tests.json", self.tests()),
        ])
    }

    fn check(&self) -> Result<(), WorkerScaffoldError> {
        let named = |id: &str, prefix: &str| {
            let name = id.strip_prefix(prefix);
            name.is_some_and(|name| !is_blank(name) && !name.chars().any(char::is_control))
        };
        if !named(&self.worker_id, "org.") && !named(&self.worker_id, "x.") {
            let worker_id = self.worker_id.clone();
            return Err(WorkerScaffoldError::WorkerId { worker_id });
        }
        if !named(&self.worker_species_id, "wrk.") {
            let worker_species_id = self.worker_species_id.clone();
            return Err(WorkerScaffoldError::Species { worker_species_id });
        }
        let mut capabilities = self.capabilities.iter();
        let bad = capabilities.find(|id| !named(id, "cap.")).cloned();
        if let Some(capability_id) = bad.or(self.capabilities.is_empty().then(String::new)) {
            return Err(WorkerScaffoldError::Capability { capability_id });
        }
        if !["low", "medium", "high"].contains(&self.risk_tier.as_str()) {
            let risk_tier = self.risk_tier.clone();
            return Err(WorkerScaffoldError::RiskTier { risk_tier });
        }
        let mut controls = self.required_controls.iter();
        Ok(controls.try_for_each(|id| check_control_id(id))?)
    }

    fn registry_record(&self) -> Value {
        let mut record: Object = [
            ("worker_id", text(&self.worker_id)),
            ("worker_species_id", text(&self.worker_species_id)),
            ("capabilities", texts(&self.capabilities)),
            ("risk_tier", text(&self.risk_tier)),
            ("required_controls", texts(&self.required_controls)),
            ("currently_implements", texts(&self.required_controls)),
            (
                "allowed_environments",
                Value::Array(
                    self.allowed_environments
                        .iter()
                        .map(|e| text(e.as_str()))
                        .collect(),
                ),
            ),
            ("privilege_envelope", least_privilege()),
            ("owner", text(&self.owner)),
            ("contact", text(&self.contact)),
        ]
        .into_iter()
        .collect();
        let hash = artifact_hash(&record);
        record.insert("artifact_hash", hash);
        Value::Object(record)
    }

    fn rules(&self) -> Value {
        let candidate = object([("worker_species_id", text(&self.worker_species_id))]);
        let decision = object([
            ("candidate_workers_ranked", Value::Array(vec![candidate])),
            (
                "required_controls_suggested",
                texts(&self.required_controls),
            ),
            ("escalation", object([("policy_gate", Value::from(false))])),
        ]);
        let rules = self
            .capabilities
            .iter()
            .zip(1..)
            .map(|(capability, number)| {
                object([
                    ("rule_id", Value::from(rule_id(number))),
                    ("match", object([("capability_id", text(capability))])),
                    ("decision", decision.clone()),
                ])
            });
        object([("rules", Value::Array(rules.collect()))])
    }

    fn tests(&self) -> Value {
        let tests = self
            .capabilities
            .iter()
            .zip(1..)
            .map(|(capability, number)| {
                let input = object([
                    ("capability_id", text(capability)),
                    ("env", text("dev")),
                    ("data_label", text("PUBLIC")),
                    ("tenant_risk", text("low")),
                    ("qos_class", text("P2")),
                    ("tenant_id", text("demo")),
                    (
                        "correlation_id",
                        text("00000000-0000-4000-8000-000000000000"),
                    ),
                ]);
                let expect = object([("expected_rule_id", Value::from(rule_id(number)))]);
                object([
                    ("test_id", Value::from(format!("routes_{capability}"))),
                    ("input", input),
                    ("expect", expect),
                ])
            });
        object([("tests", Value::Array(tests.collect()))])
    }
}

fn rule_id(number: usize) -> String {
    format!("rr_{number:03}")
}

/// What a new worker may reach: nothing.
fn least_privilege() -> Value {
    object([
        ("secrets_access", Value::Array(Vec::new())),
        ("network_egress", text("none")),
        ("egress", object([("allowlist", Value::Array(Vec::new()))])),
        ("filesystem_writes", Value::Array(Vec::new())),
        ("tools", Value::Array(Vec::new())),
    ])
}

fn object<const N: usize>(members: [(&'static str, Value); N]) -> Value {
    Value::Object(members.into_iter().collect::<Object>())
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn texts(texts: &[String]) -> Value {
    Value::Array(texts.iter().map(|one| text(one)).collect())
}
