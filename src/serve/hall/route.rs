//! Routing a request: decided, recorded, and only then answered.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::record::{Asked, Recorded};
use crate::serve::actor::Actor;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::epochs::answer;
use crate::serve::params::Params;
use crate::serve::posted::take_up;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::wcp::RouteInput;
use crate::wcp::basis::DEFAULT_TASK_ID;
use crate::wcp::stamp::{DecisionId, Stamp};

/// The decision, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Routed {
    /// A denial is a decision too.
    #[schema(value_type = Object)]
    decision: Value,
    /// The evidence receipt; `null` if the decision could not be recorded,
    /// which denies it.
    #[schema(value_type = Option<Object>)]
    receipt: Option<Object>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_route, _, _>(
        Need::Scope(Scope::Route),
        Takes::Json,
        route,
    )]
}

/// Decides on a request. The answer comes when the decision is durable.
#[utoipa::path(post, path = "/route", tag = "hall", request_body = RouteInput,
    params(("task_id" = Option<String>, Query, description = "The routing task")),
    responses((status = 200, description = "The decision", body = Routed)))]
pub(in crate::serve) async fn route(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let task_id = params.one("task_id")?;
    params.finish()?;
    let work = move |service: &Service, body: &[u8]| {
        // `request` stands one level below the recorded input.
        let value = parse_with(body, &limits::embedded(0))?;
        let input = RouteInput::read(&value, "")?;
        let task_id = task_id.as_deref().unwrap_or(DEFAULT_TASK_ID);
        let recorded = decide(service, &actor, &input, task_id)?;
        if let Some(denial) = &recorded.decision.deny_reason_if_denied {
            service.metrics.denied(denial.code());
        }
        Ok(recorded)
    };
    let recorded = take_up(service, request, work).await?;
    let receipt = match &recorded.receipt {
        Ok(receipt) => Some(receipt.to_object()),
        Err(error) => {
            tracing::error!(%error, "a decision could not be recorded, and was denied");
            None
        }
    };
    Ok(answer(&Routed {
        decision: recorded.decision.to_value(),
        receipt,
    }))
}

fn decide(
    service: &Service,
    actor: &Actor,
    input: &RouteInput,
    task_id: &str,
) -> Result<Recorded, Problem> {
    let hall = service.hall.current();
    let stamp = Stamp {
        decision_id: DecisionId::from_random(service.random()?),
        timestamp: service.clock.wall(),
    };
    // Held once: nobody else has it while this decision is taken.
    let approval = service.hall.approved.take(input, task_id, stamp.timestamp);
    let asked = Asked {
        input,
        approval: approval.as_ref().map(|approval| approval.entry()),
        task_id,
        actor: Some(&actor.to_value()),
        stamp,
    };
    let begun = Instant::now();
    let recorded = service.recorder.decide(&hall, &asked);
    if recorded.receipt.is_ok() {
        service.metrics.appended(begun.elapsed().as_secs_f64());
    }
    if let Some(approval) = approval {
        // One that was not needed, or whose use is not recorded, still holds.
        if recorded.decision.denied() || !recorded.approval_used {
            service.hall.approved.give_back(approval);
        }
    }
    Ok(recorded)
}
