//! Enrolling a worker: recorded first, then available.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger::json::Value;
use crate::ledger::parse::parse;
use crate::ledger::time::Timestamp;
use crate::logbook::request::Receipt;
use crate::record::outcome::ACTOR;
use crate::record::{Hall, Outcome};
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::wcp::record::{WorkerRecord, WorkerRecordError};
use crate::wcp::registry::Enrolment;

/// A worker's registry record.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes what `WorkerRecord::read` reads")]
pub(in crate::serve) struct NewWorker {
    worker_id: String,
    worker_species_id: String,
    capabilities: Option<Vec<String>>,
    risk_tier: Option<String>,
    required_controls: Option<Vec<String>>,
    currently_implements: Option<Vec<String>>,
    allowed_environments: Option<Vec<String>>,
    #[schema(value_type = Option<Object>)]
    privilege_envelope: (),
    /// `sha256:` and 64 hex digits over all other members.
    artifact_hash: String,
}

/// That a worker is enrolled (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct EnrolledText {
    enrolled: bool,
    enrollment_id: String,
    worker_id: String,
    enrolled_at: String,
    artifact_hash_verified: bool,
    /// There, and true, if the worker was known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    updated: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_enroll, _, _>(
        Need::Scope(Scope::Enrol),
        Takes::Json,
        enroll,
    )]
}

/// Enrols a worker from its record.
#[utoipa::path(post, path = "/enroll", tag = "hall", request_body = NewWorker,
    responses((status = 201, description = "It is enrolled", body = EnrolledText),
        (status = 200, description = "It was known, and is updated", body = EnrolledText)))]
pub(in crate::serve) async fn enroll(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| take_in(service, &actor, body);
    let (answer, enrolment, _) = take_up(service, request, work).await?;
    let status = match enrolment {
        Enrolment::Added => StatusCode::CREATED,
        Enrolment::Updated => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
}

/// Reads a record and enrols the worker; a record that was changed is refused,
/// and that is recorded.
pub(in crate::serve) fn take_in(
    service: &Service,
    actor: &Actor,
    body: &[u8],
) -> Result<(EnrolledText, Enrolment, Receipt), Problem> {
    let document = parse(body)?;
    check(&document)?;
    let record = match WorkerRecord::read(&document) {
        Err(error @ WorkerRecordError::Tampered { .. }) => {
            let refused = Outcome::refused_enrolment(&document, &error);
            service.recorder.record(&refused.by(actor.to_value()))?;
            return Err(error.into());
        }
        read => read?,
    };
    enrol(service, actor, record)
}

/// Over HTTP a record comes with its hash, and without what the server adds.
fn check(document: &Value) -> Result<(), Problem> {
    if document.get(ACTOR).is_some() {
        return Err(Problem::BringsActor);
    }
    if document.get("worker_id").is_none() {
        return Err(Problem::Argument {
            what: "worker_id",
            expected: "an id such as org.example.worker is needed",
        });
    }
    match document.get("artifact_hash") {
        Some(Value::String(_)) => Ok(()),
        _ => Err(Problem::Argument {
            what: "artifact_hash",
            expected: "`sha256:` and 64 hex digits over all other members is needed",
        }),
    }
}

fn enrol(
    service: &Service,
    actor: &Actor,
    record: WorkerRecord,
) -> Result<(EnrolledText, Enrolment, Receipt), Problem> {
    let hall = &service.hall;
    let _changing = hall.change();
    let before = hall.current();
    let mut registry = before.workers().clone();
    let enrolment = registry.enroll_remote(record.clone());
    let after = Hall::clone(&before).with_registry(registry);
    let id = service.new_id()?;
    let outcome = Outcome::enrolment(&id, &record, "ledger", &before, &after);
    let receipt = hall.record(&service.recorder, &outcome.by(actor.to_value()))?;
    let text = text(id, &record, receipt.ts, enrolment);
    Ok((text, enrolment, receipt))
}

fn text(id: String, record: &WorkerRecord, at: Timestamp, enrolment: Enrolment) -> EnrolledText {
    EnrolledText {
        enrolled: true,
        enrollment_id: id,
        worker_id: record.worker_id.to_string(),
        enrolled_at: at.to_string(),
        artifact_hash_verified: true,
        updated: enrolment == Enrolment::Updated,
    }
}
