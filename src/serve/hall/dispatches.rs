//! What the Hall has decided, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger::entry::Entry;
use crate::ledger::json::{Object, Value};
use crate::producers::{self, Role, text};
use crate::record::decision::said;
use crate::record::kind;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::answer;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::store::query::{Filter, select};

const MOST: u64 = 200;

/// Decisions in an answer where nothing is said.
const USUAL: u64 = 50;

/// How far back decisions count as active: an hour, in microseconds.
const ACTIVE: i64 = 3_600_000_000;

/// A decision (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Dispatch {
    /// Of what is not a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Of a decision that was taken elsewhere: who says so. Nothing of it is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    claimed_by: Option<Value>,
    #[schema(value_type = Option<String>)]
    decision_id: Option<Value>,
    #[schema(value_type = Option<String>)]
    decided_at: Option<Value>,
    #[schema(value_type = Option<String>)]
    capability_id: Option<Value>,
    #[schema(value_type = Option<String>)]
    tenant_id: Option<Value>,
    #[schema(value_type = Option<String>)]
    env: Option<Value>,
    #[schema(value_type = Option<bool>)]
    denied: Option<Value>,
    #[schema(value_type = Option<Object>)]
    deny_reason: Option<Value>,
    #[schema(value_type = Option<String>)]
    selected_worker: Option<Value>,
    blast_score: Option<u64>,
    #[schema(value_type = Option<String>)]
    artifact_hash: Option<Value>,
}

/// Decisions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Dispatches {
    dispatches: Vec<Dispatch>,
    count: u64,
}

/// Denials, newest first.
#[derive(Debug, Serialize, ToSchema)]
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
    let filter = Filter {
        kinds: [kind::DECISION, kind::INGESTED].map(str::to_owned).into(),
        ..Filter::default()
    };
    let dispatches = found(service, params, filter).await?;
    let count = dispatches.len() as u64;
    Ok(answer(&Dispatches { dispatches, count }))
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
        ..decisions()
    };
    let dispatches = found(service, params, filter).await?;
    let count = dispatches.len() as u64;
    Ok(answer(&Dispatches { dispatches, count }))
}

/// Whatever was denied, newest first: requests, and packages, manifests, cards
/// and enrolments that failed.
#[utoipa::path(get, path = "/alerts", tag = "hall",
    params(("limit" = Option<u64>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, description = "The denials", body = Alerts)))]
pub(in crate::serve) async fn alerts(
    State(service): State<Arc<Service>>,
    params: Params,
) -> Result<Response, Problem> {
    let filter = Filter {
        kinds: refusing(),
        denied: Some(true),
        ..Filter::default()
    };
    let alerts = found(service, params, filter).await?;
    let count = alerts.len() as u64;
    Ok(answer(&Alerts { alerts, count }))
}

fn decisions() -> Filter {
    Filter {
        kinds: vec![kind::DECISION.to_owned()],
        ..Filter::default()
    }
}

/// The kinds that can deny. A claim of somebody's is none.
fn refusing() -> Vec<String> {
    let kinds = producers::all().into_iter();
    let kinds = kinds.filter(|kind| kind.denied.is_some() || kind.role == Role::Choice);
    kinds.map(|kind| kind.name.to_owned()).collect()
}

async fn found(
    service: Arc<Service>,
    mut params: Params,
    filter: Filter,
) -> Result<Vec<Dispatch>, Problem> {
    let expected = "a number from 1 to 200 is needed";
    let limit = params.number("limit", 1..=MOST, USUAL, expected)?;
    params.finish()?;
    let filter = Filter {
        reverse: true,
        limit: Some(limit),
        ..filter
    };
    let store = service.store();
    let read = move || {
        let items = select(&*store, &filter)?;
        let items = items.map(|item| Ok(dispatch(&item?.1)));
        items.collect::<Result<_, Problem>>()
    };
    service.pools.read(read).await
}

fn dispatch(entry: &Entry) -> Dispatch {
    let payload = entry.check_payload().unwrap_or_default();
    if entry.kind() == kind::INGESTED {
        return claim(entry, &payload);
    }
    if entry.kind() != kind::DECISION {
        return refusal(entry, &payload);
    }
    let decision = payload.get("decision");
    let of = |name| said(&payload, name).cloned();
    // An allowed decision of version 2 does not repeat the hash of the request.
    let allowed = of("denied") == Some(Value::from(false));
    let hash = || payload.get("input_hash").filter(|_| allowed).cloned();
    Dispatch {
        kind: None,
        claimed_by: None,
        decision_id: of("decision_id"),
        decided_at: of("timestamp"),
        capability_id: of("capability_id"),
        tenant_id: of("tenant_id"),
        env: of("env"),
        denied: of("denied"),
        deny_reason: of("deny_reason_if_denied"),
        selected_worker: of("selected_worker_species_id"),
        blast_score: blast_score(decision),
        artifact_hash: of("artifact_hash").or_else(hash),
    }
}

/// What somebody says was decided elsewhere, by the names of a decision or of this
/// answer.
fn claim(entry: &Entry, payload: &Object) -> Dispatch {
    let body = payload.get("body");
    let decision = body.and_then(|body| body.get("decision"));
    let decision = decision
        .filter(|decision| matches!(decision, Value::Object(_)))
        .or(body);
    let of = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| decision?.get(name));
        found.next().cloned()
    };
    let at = || Value::from(entry.ts().to_string());
    Dispatch {
        kind: Some(entry.kind().to_owned()),
        claimed_by: payload.get("submitter").cloned(),
        decision_id: of(&["decision_id"]),
        decided_at: Some(of(&["decided_at", "timestamp"]).unwrap_or_else(at)),
        capability_id: of(&["capability_id"]),
        tenant_id: of(&["tenant_id"]),
        env: of(&["env"]),
        denied: of(&["denied"]),
        deny_reason: of(&["deny_reason", "deny_reason_if_denied"]),
        selected_worker: of(&["selected_worker", "selected_worker_species_id"]),
        blast_score: of(&["blast_score"])
            .and_then(|score| score.as_u64())
            .or_else(|| blast_score(decision)),
        artifact_hash: of(&["artifact_hash"]),
    }
}

/// What failed, in the members of a decision, and of which kind it is.
fn refusal(entry: &Entry, payload: &Object) -> Dispatch {
    let of = |name| payload.get(name).cloned();
    let headline = producers::find(entry.kind()).map(|kind| (kind.headline)(payload));
    let code = match text(payload, "deny_code").as_str() {
        "" => headline.clone(),
        code => Some(code.to_owned()),
    };
    let reason: Object = [("code", code), ("message", headline)]
        .into_iter()
        .collect();
    Dispatch {
        kind: Some(entry.kind().to_owned()),
        claimed_by: None,
        decision_id: None,
        decided_at: Some(Value::from(entry.ts().to_string())),
        capability_id: None,
        tenant_id: of("tenant_id"),
        env: None,
        denied: Some(Value::from(true)),
        deny_reason: Some(Value::Object(reason)),
        selected_worker: of("worker_species_id"),
        blast_score: None,
        artifact_hash: of("package_hash"),
    }
}

/// The score stands where it was reported: in the decision itself, in version 1 in a
/// telemetry event, or in the reason of the denial that it led to.
fn blast_score(decision: Option<&Value>) -> Option<u64> {
    let events = decision
        .and_then(|decision| decision.get("telemetry_envelopes"))
        .and_then(Value::as_array)
        .unwrap_or_default();
    let reason = decision.and_then(|decision| decision.get("deny_reason_if_denied"));
    let mut places = decision.into_iter().chain(events).chain(reason);
    let found = places.find_map(|place| place.get("blast_score"));
    found.and_then(Value::as_u64)
}
