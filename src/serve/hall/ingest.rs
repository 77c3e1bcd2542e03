//! Decisions that were taken elsewhere: claimed, never believed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::shape;
use crate::record::Outcome;
use crate::record::outcome::ACTOR;
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;

/// A decision that was taken elsewhere; members beside these are kept too.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::serve) struct Claimed {
    #[schema(min_length = 1)]
    decision_id: String,
}

/// That a claim is recorded (SPEC §7).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Ingested {
    recorded: bool,
    decision_id: String,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_ingest, _, _>(
        Need::Scope(Scope::Ingest),
        Takes::Json,
        ingest,
    )]
}

/// Records a decision that someone else claims.
#[utoipa::path(post, path = "/decisions/ingest", tag = "hall", request_body = Claimed,
    responses((status = 201, description = "It is recorded", body = Ingested)))]
pub(in crate::serve) async fn ingest(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let value = parse_with(body, &limits::embedded(0))?;
        let Claimed { decision_id } = shape::read(&value, "")?;
        if decision_id.is_empty() {
            return Err(Problem::Argument {
                what: "decision_id",
                expected: "one that is not empty is needed",
            });
        }
        let Value::Object(claim) = value else {
            return Err(Problem::Abandoned);
        };
        if claim.contains_key(ACTOR) {
            return Err(Problem::BringsActor);
        }
        let outcome = Outcome::ingested(Value::from(actor.name()), claim);
        service.recorder.record(&outcome.by(actor.to_value()))?;
        Ok(decision_id)
    };
    let decision_id = take_up(service, request, work).await?;
    let answer = Ingested {
        recorded: true,
        decision_id,
    };
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
