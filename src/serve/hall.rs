//! The Hall over HTTP: what is asked of it, and what it is told.

pub(super) mod approvals;
mod approved;
pub(super) mod discovery;
pub(super) mod dispatches;
pub(super) mod elsewhere;
pub(super) mod enrol;
pub(super) mod ingest;
pub(super) mod live;
pub(super) mod registry;
pub(super) mod route;
pub(super) mod standing;
pub(super) mod status;
mod tally;

use std::sync::Arc;

use super::endpoint::Endpoint;
use super::service::Service;

pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        status::endpoints(),
        dispatches::endpoints(),
        elsewhere::endpoints(),
        enrol::endpoints(),
        ingest::endpoints(),
        route::endpoints(),
        approvals::endpoints(),
        discovery::endpoints(),
        registry::endpoints(),
        standing::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Counts what an earlier process left, so that the first who asks need not
/// wait for it.
pub(super) async fn count_on(service: Arc<Service>) {
    let count = move || {
        let store = service.logbook.store();
        service.hall.tally.counts(&**store, service.clock.wall())
    };
    match tokio::task::spawn_blocking(count).await {
        Ok(Ok(counts)) => tracing::info!(decisions = counts.total, "counted"),
        Ok(Err(error)) => tracing::warn!(%error, "not counted"),
        Err(_) => {}
    }
}
