//! WCP discovery: what the Hall can route, and to whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::ToSchema;

use super::status::{Workers, listed};
use crate::ledger::json::{Object, Value};
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::object;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;

/// A capability, and who has it.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `capabilities` answers")]
pub(in crate::serve) struct Capability {
    capability_id: String,
    worker_species_ids: Vec<String>,
}

/// What workers are enrolled for.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `capabilities` answers")]
pub(in crate::serve) struct Capabilities {
    capabilities: Vec<Capability>,
    count: u64,
}

/// Whether the Hall can route.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `wcp_health` answers")]
pub(in crate::serve) struct WcpHealth {
    /// `ok`, or `degraded` if nothing can be recorded.
    status: String,
    hall_name: String,
    wcp_version: String,
    rules: u64,
    workers: u64,
    timestamp: String,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_capabilities, _, _>(need, Takes::Nothing, capabilities),
        Endpoint::new::<__path_wcp_workers, _, _>(need, Takes::Nothing, wcp_workers),
        Endpoint::new::<__path_wcp_health, _, _>(need, Takes::Nothing, wcp_health),
    ]
}

/// The capabilities that enrolled workers have, sorted.
#[utoipa::path(get, path = "/wcp/capabilities", tag = "wcp",
    responses((status = 200, description = "The capabilities", body = Capabilities)))]
pub(in crate::serve) async fn capabilities(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let hall = service.hall.current();
    let workers = hall.workers().enrolled_workers().iter();
    let ids: BTreeSet<_> = workers.flat_map(|worker| &worker.capabilities).collect();
    let capabilities = ids.into_iter().map(|id| {
        let species = hall.workers().workers_for_capability(id).iter();
        let species = species.map(|species| Value::from(&**species));
        let mut capability = Object::new();
        capability.insert("capability_id", &**id);
        capability.insert("worker_species_ids", species.collect::<Vec<_>>());
        Value::Object(capability)
    });
    let capabilities: Vec<_> = capabilities.collect();
    let mut answer = Object::new();
    answer.insert("count", capabilities.len() as u64);
    answer.insert("capabilities", capabilities);
    Ok(object(answer))
}

/// The enrolled workers, in the order of enrolment.
#[utoipa::path(get, path = "/wcp/workers", tag = "wcp",
    responses((status = 200, description = "The workers", body = Workers)))]
pub(in crate::serve) async fn wcp_workers(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    Ok(object(listed(&service)))
}

/// Whether the Hall can route.
#[utoipa::path(get, path = "/wcp/health", tag = "wcp",
    responses((status = 200, description = "How it is", body = WcpHealth)))]
pub(in crate::serve) async fn wcp_health(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let hall = service.hall.current();
    let well = service.check_recording().is_ok() && !service.logbook.is_stopped();
    let mut answer = Object::new();
    answer.insert("status", if well { "ok" } else { "degraded" });
    answer.insert("hall_name", service.hall.name.as_str());
    answer.insert("wcp_version", "0.1");
    answer.insert("rules", hall.governance().rules().rules().len() as u64);
    answer.insert("workers", hall.workers().enrolled_count() as u64);
    answer.insert("timestamp", service.clock.wall().to_string());
    Ok(object(answer))
}
