//! The figures, as a scraper asks for them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::endpoint::{Endpoint, Need, Takes};
use super::metrics::Looked;
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;

/// What OpenMetrics text is sent as.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_metrics, _, _>(
        Need::Scope(Scope::Read),
        Takes::Nothing,
        metrics,
    )]
}

/// Figures as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "server",
    responses((status = 200, description = "The figures", body = String,
        content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let here = Arc::clone(&service);
    let open = service.pools.read(move || here.open_epoch()).await?;
    let looked = Looked {
        queued: service.logbook.queued() as u64,
        unsealed: open.map_or(0, |open| open.entries),
        epoch_lag: open.map_or(0, |open| {
            service.clock.wall().micros_since(open.since).max(0) / 1_000_000
        }),
        free_bytes: service.space.free(),
        clock_behind: service.clock_behind(),
        memory: service.logbook.store().memory(),
    };
    let end = service.logbook.durable().seq.0 + 1;
    service.metrics.delivered(&service.sinks, end);
    let text = service.metrics.text(&looked);
    let text = text.map_err(|_| Problem::Abandoned)?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}
