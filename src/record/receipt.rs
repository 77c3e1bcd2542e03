//! The evidence receipt of WCP.

use std::sync::Arc;

use crate::ledger::json::{Object, Value};
use crate::ledger::time::Timestamp;
use crate::wcp::basis::RegistryView;
use crate::wcp::decision::RouteDecision;
use crate::wcp::denial::Denial;

#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceReceipt {
    pub correlation_id: Arc<str>,
    /// When; none if nothing is dispatched: a denial, or a dry run.
    pub dispatched_at: Option<Timestamp>,
    /// The worker that is dispatched to; the species, where no record tells
    /// which worker stands for it; none for a denial.
    pub worker_id: Option<Arc<str>>,
    /// The species that was selected, where `worker_id` is a worker.
    pub worker_species_id: Option<Arc<str>>,
    pub capability_id: Arc<str>,
    /// `ALLOW`, `DENY` or `REQUIRE_HUMAN`.
    pub policy_decision: &'static str,
    pub controls_verified: Vec<Arc<str>>,
    /// Of what was routed; none for a denial.
    pub artifact_hash: Option<String>,
}

impl EvidenceReceipt {
    /// The receipt of a decision that `registry` was consulted for, with the
    /// `controls` that were looked at.
    pub fn of(
        decision: &RouteDecision,
        controls: &[(Arc<str>, bool)],
        registry: &dyn RegistryView,
    ) -> EvidenceReceipt {
        let species = decision.selected_worker_species_id.clone();
        let worker = species.as_deref().and_then(|id| registry.worker_of(id));
        let worker = worker.map(|worker| worker.worker_id);
        let policy_decision = match &decision.deny_reason_if_denied {
            None => "ALLOW",
            Some(Denial::RequiresHuman { .. } | Denial::RequiresHumanApproval { .. }) => {
                "REQUIRE_HUMAN"
            }
            Some(_) => "DENY",
        };
        let dispatched = !decision.denied() && !decision.dry_run;
        let present = controls.iter().filter(|(_, present)| *present);
        EvidenceReceipt {
            correlation_id: decision.correlation_id.clone(),
            dispatched_at: dispatched.then_some(decision.timestamp),
            worker_species_id: species.clone().filter(|_| worker.is_some()),
            worker_id: worker.or(species),
            capability_id: decision.capability_id.clone(),
            policy_decision,
            controls_verified: present.map(|(id, _)| id.clone()).collect(),
            artifact_hash: decision.artifact_hash.clone(),
        }
    }

    /// The receipt as it is recorded, every member present.
    pub fn to_object(&self) -> Object {
        let controls = self.controls_verified.iter().map(|id| Value::from(&**id));
        let dispatched_at = self.dispatched_at.map(|at| at.to_string());
        let mut object: Object = [
            ("correlation_id", Value::from(&*self.correlation_id)),
            ("dispatched_at", Value::from(dispatched_at)),
            ("worker_id", Value::from(self.worker_id.as_deref())),
            ("capability_id", Value::from(&*self.capability_id)),
            ("policy_decision", Value::from(self.policy_decision)),
            ("controls_verified", Value::Array(controls.collect())),
            ("artifact_hash", Value::from(self.artifact_hash.clone())),
        ]
        .into_iter()
        .collect();
        if let Some(species) = &self.worker_species_id {
            object.insert("worker_species_id", &**species);
        }
        object
    }
}
