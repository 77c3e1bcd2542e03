//! Events of other programs: decision logs of OPA, and CloudEvents. Each event is an
//! entry that keeps it as it came.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::actor::Actor;
use super::append::hand_over;
use super::endpoint::{Endpoint, Need, Takes};
use super::idempotency::{IdempotencyKey, digest_of};
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::shape;
use crate::logbook::request::PreparedEntry;

const OPA: &str = "opa.decision";
const CLOUD_EVENT: &str = "cloudevent";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Append);
    vec![
        Endpoint::new::<__path_opa, _, _>(need, Takes::Json, opa),
        Endpoint::new::<__path_cloud_event, _, _>(need, Takes::CloudEvents, cloud_event),
    ]
}

/// Takes in a decision log as OPA uploads it: an array of events, compressed or not,
/// which are recorded together. One that comes again is recorded once.
#[utoipa::path(post, path = "/logs", tag = "telemetry", request_body = Vec<Object>,
    responses((status = 200, description = "All of them are durable", body = DurableCount)))]
pub(super) async fn opa(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Json<DurableCount>, Problem> {
    take_in(service, actor, request, OPA, of_opa).await
}

/// Takes in CloudEvents in the structured mode, one or a batch. An event that comes
/// again, by its `source` and `id`, is recorded once. One that comes with these and is
/// another event is refused; the others of its batch are durable then.
#[utoipa::path(post, path = "/v1/cloudevents", tag = "telemetry", request_body = Object,
    responses((status = 200, description = "All of them are durable", body = DurableCount),
        (status = 422, description = "`source` and `id` are those of another event that is \
            recorded; all others are durable")))]
pub(super) async fn cloud_event(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Json<DurableCount>, Problem> {
    take_in(service, actor, request, CLOUD_EVENT, of_cloud_event).await
}

/// How many events are durable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DurableCount {
    kept: u64,
}

/// What an event is known by, and its entry.
struct IncomingEvent {
    key: String,
    payload: Object,
}

async fn take_in(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    kind: &'static str,
    read: fn(Object) -> Result<IncomingEvent, Problem>,
) -> Result<Json<DurableCount>, Problem> {
    service.check_recording()?;
    let path = request.uri().path().to_owned();
    let body = service.bodies.read(request).await?;
    let (by, here) = (actor.clone(), Arc::clone(&service));
    let prepare = move || {
        let events = match parse_with(&body.bytes, &limits::embedded(2))? {
            Value::Array(events) => events,
            event => vec![event],
        };
        let entries = events.into_iter().map(|event| {
            let members = shape::members(&event)?.clone();
            let IncomingEvent { key, mut payload } = read(members)?;
            let text = event.canonical(Form::Utf8);
            by.sign_in(&mut payload)?;
            let entry = PreparedEntry::of_caller(kind, &payload)?;
            let entry = here.ledger.take_out(entry, &[])?;
            let digest = digest_of(text.as_bytes(), std::iter::once(&entry));
            let scoped = format!("{path}\u{1f}{key}");
            let key =
                IdempotencyKey::of_event(&by, &scoped, key.as_bytes(), digest, "source and id");
            Ok((key, entry))
        });
        let entries = entries.collect::<Result<Vec<_>, Problem>>()?;
        let digest = digest_of(&body.bytes, entries.iter().map(|(_, entry)| entry));
        Ok((entries, digest))
    };
    let (events, digest) = service.pools.read(prepare).await?;
    let kept = DurableCount {
        kept: events.len() as u64,
    };
    if kind == CLOUD_EVENT {
        let mut refused = None;
        for (index, (key, entry)) in events.into_iter().enumerate() {
            match hand_over(Arc::clone(&service), vec![entry], Some(key)).await {
                Ok(_) => {}
                // Those behind it are not held back.
                Err(problem @ Problem::KeyReused { .. }) => {
                    refused.get_or_insert((index, problem));
                }
                Err(problem) => return Err(problem),
            }
        }
        return match refused {
            None => Ok(Json(kept)),
            Some((_, problem)) if kept.kept == 1 => Err(problem),
            Some((index, problem)) => Err(Problem::InBatch {
                index,
                problem: Box::new(problem),
            }),
        };
    }
    let mut entries: Vec<_> = events.into_iter().map(|(_, entry)| entry).collect();
    let most = service.limits.batch_entries.max(1);
    let mut part = 0_u64;
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(most));
        let key = IdempotencyKey::lasting(&actor, &format!("{OPA}\u{1f}{digest};{part}"), b"");
        hand_over(Arc::clone(&service), entries, Some(key)).await?;
        entries = rest;
        part += 1;
    }
    Ok(Json(kept))
}

fn missing(what: &'static str) -> Problem {
    Problem::Argument {
        what,
        expected: "text that is not empty is needed",
    }
}

fn text<'e>(event: &'e Object, name: &str) -> Option<&'e str> {
    let text = event.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

fn of_opa(event: Object) -> Result<IncomingEvent, Problem> {
    let key = text(&event, "decision_id")
        .ok_or(missing("decision_id"))?
        .to_owned();
    let mut payload = Object::new();
    payload.insert("decision_id", key.as_str());
    let labels = event.get("labels").and_then(Value::as_object);
    let tenant = labels.and_then(|labels| text(labels, "tenant_id"));
    for (name, value) in [
        ("tenant_id", tenant),
        ("correlation_id", text(&event, "trace_id")),
    ] {
        if let Some(value) = value {
            payload.insert(name, value);
        }
    }
    // A policy that answers with yes or no says whether it denied.
    let result = event.get("result");
    let allowed = result.and_then(|result| {
        let allow = result.get("allow").unwrap_or(result);
        allow.as_bool()
    });
    if let Some(allowed) = allowed {
        payload.insert("denied", !allowed);
    }
    payload.insert("event", event);
    Ok(IncomingEvent { key, payload })
}

fn of_cloud_event(event: Object) -> Result<IncomingEvent, Problem> {
    let given = |name| text(&event, name).ok_or(missing(name));
    let (source, id) = (given("source")?, given("id")?);
    given("type")?;
    if given("specversion")? != "1.0" {
        return Err(Problem::Argument {
            what: "specversion",
            expected: "1.0 is needed",
        });
    }
    let key = format!("{source}\u{1f}{id}");
    let mut payload = Object::new();
    for (name, extension) in [
        ("tenant_id", "tenantid"),
        ("correlation_id", "correlationid"),
    ] {
        if let Some(value) = text(&event, extension) {
            payload.insert(name, value);
        }
    }
    payload.insert("event", event);
    Ok(IncomingEvent { key, payload })
}
