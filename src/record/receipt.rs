//! The evidence receipt of WCP.

use std::sync::Arc;

use serde::Serialize;

use crate::ledger::json::Object;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::wcp::basis::RegistryView;
use crate::wcp::decision::RouteDecision;
use crate::wcp::denial::Denial;

/// Its members stand in canonical order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvidenceReceipt {
    /// Of what was routed; none for a denial.
    pub artifact_hash: Option<String>,
    pub capability_id: Arc<str>,
    pub controls_verified: Vec<Arc<str>>,
    pub correlation_id: Arc<str>,
    /// When; none if nothing is dispatched: a denial, or a dry run.
    pub dispatched_at: Option<Timestamp>,
    /// `ALLOW`, `DENY` or `REQUIRE_HUMAN`.
    pub policy_decision: &'static str,
    /// The worker that is dispatched to; the species, where no record tells
    /// which worker stands for it; none for a denial.
    pub worker_id: Option<Arc<str>>,
    /// The species that was selected, where `worker_id` is a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_species_id: Option<Arc<str>>,
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

    /// The receipt as it is answered, every member present.
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }
}
