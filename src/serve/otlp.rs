//! Logs and traces of OpenTelemetry, over OTLP/HTTP in protobuf and JSON: each record
//! and each span becomes an entry. Its own time is kept as such; the entry's time is
//! when it came.
//!
//! What a producer calls its tenant, case and agent is put where the ledger finds it:
//! `tenant_id`, `correlation_id` (the conversation of a GenAI span, or the trace) and
//! `worker_id` (the agent of a GenAI span).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde::de::DeserializeOwned;

use super::actor::Actor;
use super::append::hand_over;
use super::endpoint::{Endpoint, Need, Takes};
use super::idempotency::{IdempotencyKey, digest_of};
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::logbook::request::PreparedEntry;

mod values;

use values::{Around, list, members, nanos};

const LOG: &str = "otel.log";
const SPAN: &str = "otel.span";

const PROTOBUF: &str = "application/x-protobuf";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Append);
    vec![
        Endpoint::new::<__path_logs, _, _>(need, Takes::Telemetry, logs),
        Endpoint::new::<__path_traces, _, _>(need, Takes::Telemetry, traces),
    ]
}

/// Takes in logs of OpenTelemetry. The answer comes when all of them are durable.
#[utoipa::path(post, path = "/v1/logs", tag = "telemetry",
    request_body(content = Object, description = "An ExportLogsServiceRequest, in protobuf or JSON"),
    responses((status = 200, description = "They are durable", body = Object)))]
pub(super) async fn logs(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    take_in::<ExportLogsServiceRequest>(service, actor, request, |request| {
        let mut entries = Vec::new();
        for of_resource in &request.resource_logs {
            let resource = of_resource.resource.as_ref();
            for of_scope in &of_resource.scope_logs {
                let around = Around::of(resource, of_scope.scope.as_ref());
                let records = of_scope.log_records.iter();
                entries.extend(records.map(|record| (LOG, of_log(record, &around))));
            }
        }
        entries
    })
    .await
}

/// Takes in spans of OpenTelemetry. The answer comes when all of them are durable.
#[utoipa::path(post, path = "/v1/traces", tag = "telemetry",
    request_body(content = Object, description = "An ExportTraceServiceRequest, in protobuf or JSON"),
    responses((status = 200, description = "They are durable", body = Object)))]
pub(super) async fn traces(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    take_in::<ExportTraceServiceRequest>(service, actor, request, |request| {
        let mut entries = Vec::new();
        for of_resource in &request.resource_spans {
            let resource = of_resource.resource.as_ref();
            for of_scope in &of_resource.scope_spans {
                let around = Around::of(resource, of_scope.scope.as_ref());
                let spans = of_scope.spans.iter();
                entries.extend(spans.map(|span| (SPAN, of_span(span, &around))));
            }
        }
        entries
    })
    .await
}

/// Reads a request, records all that is in it, and answers as it was asked. A body
/// that comes again within a day, as an exporter sends it that got no answer, is
/// recorded once.
async fn take_in<R: prost::Message + Default + DeserializeOwned + Send + 'static>(
    service: Arc<Service>,
    actor: Actor,
    request: Request,
    read: impl FnOnce(R) -> Vec<(&'static str, Object)> + Send + 'static,
) -> Result<Response, Problem> {
    service.check_recording()?;
    let protobuf = is_protobuf(request.headers());
    let path = request.uri().path().to_owned();
    let body = service.bodies.read(request).await?;
    let (by, here) = (actor.clone(), Arc::clone(&service));
    let prepare = move || {
        let request = match protobuf {
            true => R::decode(&body.bytes[..]).map_err(|error| malformed(&error))?,
            false => serde_json::from_slice(&body.bytes).map_err(|error| malformed(&error))?,
        };
        let entries = read(request).into_iter();
        let prepared = entries.map(|(kind, mut payload)| {
            let too_deep = Value::Object(payload.clone()).depth() > limits::PAYLOAD_LEVELS;
            if too_deep {
                return Err(malformed(&"it is nested too deep"));
            }
            by.sign_in(&mut payload)?;
            let entry = PreparedEntry::of_caller(kind, &payload)?;
            Ok(here.ledger.take_out(entry, &[])?)
        });
        let prepared = prepared.collect::<Result<Vec<_>, Problem>>()?;
        let digest = digest_of(&body.bytes, prepared.iter()).to_string();
        Ok::<_, Problem>((prepared, digest))
    };
    let (mut entries, digest) = service.pools.read(prepare).await?;
    let most = service.limits.batch_entries.max(1);
    let mut part = 0_u64;
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(most));
        // The parts of one body are known apart.
        let key = IdempotencyKey::new(
            &actor,
            &path,
            &format!("{digest};{part}"),
            digest.as_bytes(),
        );
        hand_over(Arc::clone(&service), entries, Some(key)).await?;
        entries = rest;
        part += 1;
    }
    // An empty message in either form.
    Ok(match protobuf {
        true => (StatusCode::OK, [(CONTENT_TYPE, PROTOBUF)]).into_response(),
        false => (StatusCode::OK, [(CONTENT_TYPE, "application/json")], "{}").into_response(),
    })
}

fn malformed(error: &dyn std::fmt::Display) -> Problem {
    Problem::Telemetry {
        detail: error.to_string(),
    }
}

fn is_protobuf(headers: &HeaderMap) -> bool {
    let line = headers
        .get(CONTENT_TYPE)
        .and_then(|line| line.to_str().ok());
    line.is_some_and(|line| line.trim_start().to_ascii_lowercase().starts_with(PROTOBUF))
}

fn of_log(record: &LogRecord, around: &Around) -> Object {
    let mut payload = around.payload(&record.attributes, &record.trace_id, &record.span_id);
    nanos(&mut payload, "time_unix_nano", record.time_unix_nano);
    nanos(
        &mut payload,
        "observed_time_unix_nano",
        record.observed_time_unix_nano,
    );
    if let Some(body) = &record.body {
        payload.insert("body", values::any(body));
    }
    if record.severity_number != 0 {
        payload.insert("severity_number", i64::from(record.severity_number));
    }
    for (name, text) in [
        ("severity_text", &record.severity_text),
        ("event_name", &record.event_name),
    ] {
        if !text.is_empty() {
            payload.insert(name, text.as_str());
        }
    }
    payload
}

fn of_span(span: &Span, around: &Around) -> Object {
    let mut payload = around.payload(&span.attributes, &span.trace_id, &span.span_id);
    nanos(
        &mut payload,
        "start_time_unix_nano",
        span.start_time_unix_nano,
    );
    nanos(&mut payload, "end_time_unix_nano", span.end_time_unix_nano);
    payload.insert("name", span.name.as_str());
    payload.insert("span_kind", i64::from(span.kind));
    if !span.parent_span_id.is_empty() {
        payload.insert("parent_span_id", hex::encode(&span.parent_span_id));
    }
    if let Some(status) = &span.status {
        let mut said = Object::new();
        said.insert("code", i64::from(status.code));
        said.insert("message", status.message.as_str());
        payload.insert("status", said);
    }
    let events = span.events.iter().map(|event| {
        let mut said = Object::new();
        said.insert("name", event.name.as_str());
        nanos(&mut said, "time_unix_nano", event.time_unix_nano);
        said.insert("attributes", members(&event.attributes));
        said
    });
    list(&mut payload, "events", events);
    let links = span.links.iter().map(|link| {
        let mut said = Object::new();
        said.insert("trace_id", hex::encode(&link.trace_id));
        said.insert("span_id", hex::encode(&link.span_id));
        said.insert("attributes", members(&link.attributes));
        said
    });
    list(&mut payload, "links", links);
    payload
}
