//! `POST /v1/take-over`: has a server that stands by write the log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint::{Endpoint, Need, Takes};
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::parse::parse;
use crate::ledger::shape;

/// What is asked: nothing more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeOverAsked {}

/// That the log is being taken over.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakingOver {
    taking_over: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_take_over, _, _>(
        Need::Scope(Scope::Admin),
        Takes::Json,
        take_over,
    )]
}

/// Has a server that stands by take the log over. Its writer is fenced. The server
/// answers again as the writer when it has read what it lacks.
#[utoipa::path(post, path = "/v1/take-over", tag = "server", request_body = TakeOverAsked,
    responses((status = 202, description = "The log is being taken over", body = TakingOver),
        (status = 409, description = "The server writes the log already",
            body = super::problem::ErrorBody)))]
pub(super) async fn take_over(
    State(service): State<Arc<Service>>,
    request: axum::extract::Request,
) -> Result<(StatusCode, Json<TakingOver>), Problem> {
    let body = service.bodies.read(request).await?;
    let TakeOverAsked {} = shape::read(&parse(&body.bytes)?, "")?;
    let standby = service.standby.as_ref().ok_or(Problem::NotStandingBy)?;
    (standby.take_over)();
    Ok((StatusCode::ACCEPTED, Json(TakingOver { taking_over: true })))
}
