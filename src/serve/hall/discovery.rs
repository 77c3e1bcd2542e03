//! WCP discovery: what the Hall can route, and to whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::status::{Workers, listed};
use crate::ledger::time::Timestamp;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::answer;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;

/// A capability, and the workers that have it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Capability {
    #[schema(value_type = String)]
    capability_id: Arc<str>,
    #[schema(value_type = Vec<String>)]
    worker_species_ids: Vec<Arc<str>>,
}

/// What workers are enrolled for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Capabilities {
    capabilities: Vec<Capability>,
    count: u64,
}

/// Whether the Hall can route.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct WcpHealth {
    /// `ok`, or `degraded` if nothing can be recorded.
    status: &'static str,
    hall_name: String,
    wcp_version: &'static str,
    rules: u64,
    workers: u64,
    #[schema(value_type = String)]
    timestamp: Timestamp,
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
    let capabilities = ids.into_iter().map(|id| Capability {
        capability_id: id.clone(),
        worker_species_ids: hall.workers().workers_for_capability(id).to_vec(),
    });
    let capabilities: Vec<Capability> = capabilities.collect();
    let count = capabilities.len() as u64;
    Ok(answer(&Capabilities {
        capabilities,
        count,
    }))
}

/// The enrolled workers, in the order of enrolment.
#[utoipa::path(get, path = "/wcp/workers", tag = "wcp",
    responses((status = 200, description = "The workers", body = Workers)))]
pub(in crate::serve) async fn wcp_workers(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    Ok(answer(&listed(&service)))
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
    Ok(answer(&WcpHealth {
        status: if well { "ok" } else { "degraded" },
        hall_name: service.hall.name.clone(),
        wcp_version: "0.1",
        rules: hall.governance().rules().rules().len() as u64,
        workers: hall.workers().enrolled_count() as u64,
        timestamp: service.clock.wall(),
    }))
}
