//! Whether the server is well.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::public_log::PublicLog;
use super::service::Service;
use super::sinks::SinkState;
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::witnessing::Standing;

/// How the server is. The members of the Hall API and those of the registry
/// API are on one path, so both are here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`; `standing_by`; or `disk_low`, `sign_failed` (the key does not sign),
    /// `clocks_parted` or
    /// `write_failed`: then nothing is recorded.
    status: &'static str,
    /// Whether it is `ok`, or stands by.
    ok: bool,
    /// `writer`, or `standby` where another machine writes the log.
    role: &'static str,
    /// Of a standby: for how many seconds the writer has been quiet.
    #[serde(skip_serializing_if = "Option::is_none")]
    writer_quiet_seconds: Option<u64>,
    version: &'static str,
    /// Whose log it is.
    #[schema(value_type = String)]
    log: PublicKey,
    /// The hash of its first entry.
    #[schema(value_type = String)]
    genesis: Hash,
    timestamp: String,
    /// Free bytes on the ledger's file system.
    free_bytes: u64,
    /// Seconds by which the clock is behind the last entry's time, which later entries
    /// repeat until it has caught up.
    clock_behind_seconds: u64,
    /// How the witnesses of the public log stood when it was published last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    witnesses: Option<Standing>,
    /// How far the sinks have come, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sinks: Vec<SinkState>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_health, _, _>(
        Need::Nothing,
        Takes::Nothing,
        health,
    )]
}

/// How the server is. With `role=writer` a server that stands by is not well: a load
/// balancer that sends on what is to be recorded asks so.
#[utoipa::path(get, path = "/health", tag = "hall",
    params(("role" = Option<String>, Query, description = "`writer`: whether it writes the log")),
    responses((status = 200, description = "Well", body = Health),
        (status = 503, description = "Nothing is recorded", body = Health)))]
pub(super) async fn health(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<(StatusCode, Json<Health>), Problem> {
    let roles = [("any", false), ("writer", true)];
    let wants_writer = params.word("role", &roles, "`writer` or `any` is needed")?;
    params.finish()?;
    let stands_by = service.logbook.is_following();
    let status = if stands_by {
        "standing_by"
    } else if service.logbook.is_stopped() {
        "write_failed"
    } else if service.logbook.signer_is_away() {
        "sign_failed"
    } else if service.space.is_low() {
        "disk_low"
    } else if service.logbook.clocks_parted() {
        "clocks_parted"
    } else {
        "ok"
    };
    let ok = status == "ok" || stands_by;
    let end = service.logbook.durable().seq.0 + 1;
    let health = Health {
        status,
        ok,
        role: if stands_by { "standby" } else { "writer" },
        writer_quiet_seconds: service
            .standby
            .as_ref()
            .map(|standby| standby.quiet_seconds.load(Ordering::Relaxed)),
        version: env!("CARGO_PKG_VERSION"),
        log: service.identity.log,
        genesis: service.identity.genesis,
        timestamp: service.clock.wall().to_string(),
        free_bytes: service.space.free(),
        clock_behind_seconds: service.clock_behind(),
        witnesses: service.public.as_ref().and_then(PublicLog::standing),
        sinks: service.sinks.iter().map(|sink| sink.state(end)).collect(),
    };
    let code = if ok && !(wants_writer && stands_by) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((code, Json(health)))
}
