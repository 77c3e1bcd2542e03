//! What the Hall has decided, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa::ToSchema;

use crate::ledger::entry::Entry;
use crate::ledger::json::{Object, Value};
use crate::record::kind;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::object;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::store::query::{Filter, select};

/// Decisions in an answer.
const MOST: u64 = 200;

/// Decisions in an answer where nothing is said.
const USUAL: u64 = 50;

/// How far back decisions count as active: an hour, in microseconds.
const ACTIVE: i64 = 3_600_000_000;

/// A decision (SPEC §7).
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `dispatch` gives")]
pub(in crate::serve) struct Dispatch {
    decision_id: Option<String>,
    decided_at: Option<String>,
    capability_id: Option<String>,
    tenant_id: Option<String>,
    env: Option<String>,
    denied: Option<bool>,
    #[schema(value_type = Option<Object>)]
    deny_reason: (),
    selected_worker: Option<String>,
    blast_score: Option<u64>,
    artifact_hash: Option<String>,
}

/// Decisions, newest first.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what is answered")]
pub(in crate::serve) struct Dispatches {
    dispatches: Vec<Dispatch>,
    count: u64,
}

/// Denials, newest first.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what is answered")]
pub(in crate::serve) struct Alerts {
    alerts: Vec<Dispatch>,
    count: u64,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_dispatches, _, _>(need, Takes::Nothing, dispatches),
        Endpoint::new::<__path_active, _, _>(need, Takes::Nothing, active),
        Endpoint::new::<__path_alerts, _, _>(need, Takes::Nothing, alerts),
    ]
}

/// Decisions, newest first.
#[utoipa::path(get, path = "/dispatches", tag = "hall",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, description = "The decisions", body = Dispatches)))]
pub(in crate::serve) async fn dispatches(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    answer(service, params, "dispatches", Filter::default()).await
}

/// Decisions of the last hour that allowed, newest first: what may still run.
#[utoipa::path(get, path = "/dispatches/active", tag = "hall",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, description = "The decisions", body = Dispatches)))]
pub(in crate::serve) async fn active(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    let filter = Filter {
        denied: Some(false),
        since: Some(service.clock.wall().saturating_add_micros(-ACTIVE)),
        ..Filter::default()
    };
    answer(service, params, "dispatches", filter).await
}

/// Denials, newest first.
#[utoipa::path(get, path = "/alerts", tag = "hall",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, description = "The denials", body = Alerts)))]
pub(in crate::serve) async fn alerts(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    let filter = Filter {
        denied: Some(true),
        ..Filter::default()
    };
    answer(service, params, "alerts", filter).await
}

async fn answer(
    service: Arc<Service>,
    mut params: Params,
    name: &'static str,
    filter: Filter,
) -> Result<Response, Problem> {
    let expected = "a number from 1 to 200 is needed";
    let limit = params.number("limit", 1..=MOST, USUAL, expected)?;
    params.finish()?;
    let filter = Filter {
        kinds: vec![kind::DECISION.to_owned()],
        reverse: true,
        limit: Some(limit),
        ..filter
    };
    let store = service.store();
    let read = move || {
        let items = select(&*store, &filter)?;
        let items = items.map(|item| Ok(dispatch(&item?.1)));
        items.collect::<Result<Vec<Value>, Problem>>()
    };
    let found = service.pools.read(read).await?;
    let mut answer = Object::new();
    answer.insert("count", found.len() as u64);
    answer.insert(name, found);
    Ok(object(answer))
}

/// A recorded decision in short.
fn dispatch(entry: &Entry) -> Value {
    let payload = entry.check_payload().unwrap_or_default();
    let decision = payload.get("decision");
    let of = |name| decision.and_then(|decision| decision.get(name));
    let of = |name| of(name).cloned().unwrap_or(Value::Null);
    let members: Object = [
        ("decision_id", of("decision_id")),
        ("decided_at", of("timestamp")),
        ("capability_id", of("capability_id")),
        ("tenant_id", of("tenant_id")),
        ("env", of("env")),
        ("denied", of("denied")),
        ("deny_reason", of("deny_reason_if_denied")),
        ("selected_worker", of("selected_worker_species_id")),
        ("blast_score", blast_score(decision)),
        ("artifact_hash", of("artifact_hash")),
    ]
    .into_iter()
    .collect();
    Value::Object(members)
}

/// The score stands where it was reported: in a telemetry event, or in the
/// reason of the denial that it led to.
fn blast_score(decision: Option<&Value>) -> Value {
    let events = decision
        .and_then(|decision| decision.get("telemetry_envelopes"))
        .and_then(Value::as_array)
        .unwrap_or_default();
    let reason = decision.and_then(|decision| decision.get("deny_reason_if_denied"));
    let mut places = events.iter().chain(reason);
    let found = places.find_map(|place| place.get("blast_score"));
    Value::from(found.and_then(Value::as_u64))
}
