//! The Hall in figures, and its workers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger::json::Value;
use crate::ledger::time::Timestamp;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::answer;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;

/// The Hall in figures (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Status {
    hall_version: &'static str,
    hall_name: String,
    workers_enrolled: u64,
    decisions_total: u64,
    /// Of the UTC day that is going on.
    decisions_today: u64,
    denials_today: u64,
    timestamp: String,
}

/// A worker (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct WorkerSummary {
    #[schema(value_type = String)]
    worker_id: Arc<str>,
    #[schema(value_type = String)]
    worker_species_id: Arc<str>,
    #[schema(value_type = Vec<String>)]
    capabilities: Vec<Arc<str>>,
    #[schema(value_type = Option<String>)]
    risk_tier: Option<Value>,
    /// `null` for one that is enrolled in the folder of records.
    #[schema(value_type = Option<String>)]
    enrolled_at: Option<Timestamp>,
    /// `active`, `revoked` or `banned`.
    status: &'static str,
}

/// The workers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Workers {
    workers: Vec<WorkerSummary>,
    count: u64,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_status, _, _>(need, Takes::Nothing, status),
        Endpoint::new::<__path_workers, _, _>(need, Takes::Nothing, workers),
    ]
}

/// The Hall in figures.
#[utoipa::path(get, path = "/status", tag = "hall",
    responses((status = 200, description = "The figures", body = Status)))]
pub(in crate::serve) async fn status(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Json<Status>, Problem> {
    params.finish()?;
    let here = Arc::clone(&service);
    let count = move || {
        let store = here.logbook.store();
        here.hall.tally.counts(&**store, here.clock.wall())
    };
    let counts = service.pools.read(count).await?;
    let enrolled = service.hall.current().workers().enrolled_count();
    Ok(Json(Status {
        hall_version: env!("CARGO_PKG_VERSION"),
        hall_name: service.hall.name.clone(),
        workers_enrolled: enrolled as u64,
        decisions_total: counts.total,
        decisions_today: counts.today,
        denials_today: counts.denied_today,
        timestamp: service.clock.wall().to_string(),
    }))
}

/// The enrolled workers, in the order of enrolment.
#[utoipa::path(get, path = "/workers", tag = "hall",
    responses((status = 200, description = "The workers", body = Workers)))]
pub(in crate::serve) async fn workers(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    Ok(answer(&listed(&service)))
}

pub(super) fn listed(service: &Service) -> Workers {
    let hall = service.hall.current();
    let index = service.hall.index();
    let workers = hall.workers().enrolled_workers().iter();
    let workers = workers.map(|record| WorkerSummary {
        worker_id: record.worker_id.clone(),
        worker_species_id: record.worker_species_id.clone(),
        capabilities: record.capabilities.clone(),
        risk_tier: record.document.get("risk_tier").cloned(),
        enrolled_at: index
            .worker(&record.worker_id)
            .map(|worker| worker.enrolled_at),
        status: hall.workers().standing(&record.worker_id).as_str(),
    });
    let workers: Vec<WorkerSummary> = workers.collect();
    let count = workers.len() as u64;
    Workers { workers, count }
}
