//! Routing a request: decided, recorded, and only then answered.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::shape;
use crate::logbook::error::LogbookError;
use crate::logbook::request::Submission;
use crate::record::{DecisionRequest, Hall, RecordError, RecordedDecision};
use crate::serve::actor::Actor;
use crate::serve::append::LARGE;
use crate::serve::endpoint::{Endpoint, Need, Takes};
use crate::serve::entries::json;
use crate::serve::params::Params;
use crate::serve::problem::Problem;
use crate::serve::scope::Scope;
use crate::serve::service::Service;
use crate::wcp::RouteInput;
use crate::wcp::basis::DEFAULT_TASK_ID;
use crate::wcp::stamp::{DecisionId, DecisionStamp};

/// Bytes of a receipt, roughly.
const RECEIPT_BYTES: usize = 768;

/// The decision, and where it is recorded.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "describes what `answer` writes")]
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
    service.check_recording()?;
    let body = service.bodies.read(request).await?;
    let hall = service.hall.current();
    let asked = Asker {
        actor,
        task_id: task_id.unwrap_or_else(|| DEFAULT_TASK_ID.to_owned()),
    };
    let at_once = body.bytes.len() < LARGE && hall.decides_at_once();
    let recorded = match at_once && service.hall.approved.is_empty() {
        true => asked.decide_here(&service, &hall, &body.bytes).await?,
        false => {
            let here = Arc::clone(&service);
            let work = move || asked.decide(&here, &hall, &body.bytes);
            service.pools.read(work).await?
        }
    };
    if let Some(denial) = &recorded.decision.deny_reason_if_denied {
        service.metrics.denied(denial.code());
    }
    Ok(answer(&recorded))
}

/// `{"decision", "receipt"}`; no receipt where the decision could not be recorded, which
/// denies it.
fn answer(recorded: &RecordedDecision) -> Response {
    let mut text = Vec::with_capacity(recorded.answer.len() + RECEIPT_BYTES);
    text.extend_from_slice(b"{\"decision\":");
    text.extend_from_slice(&recorded.answer);
    text.extend_from_slice(b",\"receipt\":");
    if let Err(error) = &recorded.receipt {
        tracing::error!(%error, "a decision could not be recorded, and was denied");
    }
    shape::write_text(&recorded.receipt.as_ref().ok(), &mut text);
    text.push(b'}');
    json(text)
}

/// What a request brings beside its body.
struct Asker {
    actor: Actor,
    task_id: String,
}

impl Asker {
    /// Decides on the thread of the connection, which nothing here holds up; waits
    /// for the entry without one.
    async fn decide_here(
        &self,
        service: &Arc<Service>,
        hall: &Hall,
        body: &[u8],
    ) -> Result<RecordedDecision, Problem> {
        let begun = Instant::now();
        let input = read(body)?;
        let actor = self.actor.to_value();
        let asked = self.asked(service, &input, None, &actor)?;
        let prepared = service.recorder.prepare(hall.governance(), hall, &asked);
        if service.recorder.logbook_for(&prepared).is_none() {
            // It brings a document, and waits until that is stored.
            let here = Arc::clone(service);
            let work = move || Ok(here.recorder.submit(prepared).wait());
            return service.pools.read(work).await;
        }
        let (made, entry) = prepared.apart();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok(made.recorded(Err(error))),
        };
        let (sender, receiver) = oneshot::channel();
        let submission = Submission::whole(vec![entry], None, move |answer| {
            // Whether or not anyone still waits for it.
            let _ = sender.send(answer);
        });
        service.intake.take_in(submission);
        let answer = receiver.await.unwrap_or(Err(LogbookError::Stopped));
        let receipt = answer.and_then(|mut all| all.pop().ok_or(LogbookError::Stopped));
        match receipt {
            // Nothing was decided for good: it may be asked for again.
            Err(error @ LogbookError::Busy) => Err(error.into()),
            receipt => {
                if receipt.is_ok() {
                    service.metrics.appended(begun.elapsed().as_secs_f64());
                }
                Ok(made.recorded(receipt.map_err(RecordError::from)))
            }
        }
    }

    /// Decides on a thread that may block, with an approval if one holds.
    fn decide(
        &self,
        service: &Service,
        hall: &Hall,
        body: &[u8],
    ) -> Result<RecordedDecision, Problem> {
        let begun = Instant::now();
        let input = read(body)?;
        let now = service.clock.wall();
        // Held once: nobody else has it while this decision is taken.
        let approval = service.hall.approved.take(&input, &self.task_id, now);
        let actor = self.actor.to_value();
        let entry = approval.as_ref().map(|approval| approval.entry());
        let recorded = self
            .asked(service, &input, entry, &actor)
            .map(|asked| service.recorder.decide(hall, &asked));
        let used =
            |recorded: &RecordedDecision| recorded.approval_used && !recorded.decision.denied();
        if let Some(approval) = approval
            && !recorded.as_ref().is_ok_and(used)
        {
            // One that was not needed, or whose use is not recorded, still holds.
            service.hall.approved.give_back(approval);
        }
        let recorded = recorded?;
        if recorded.receipt.is_ok() {
            service.metrics.appended(begun.elapsed().as_secs_f64());
        }
        Ok(recorded)
    }

    fn asked<'a>(
        &'a self,
        service: &Service,
        input: &'a RouteInput,
        approval: Option<&'a str>,
        actor: &'a Value,
    ) -> Result<DecisionRequest<'a>, Problem> {
        Ok(DecisionRequest {
            input,
            approval,
            task_id: &self.task_id,
            actor: Some(actor),
            stamp: DecisionStamp {
                decision_id: DecisionId::from_random(service.random()?),
                timestamp: service.clock.wall(),
            },
        })
    }
}

fn read(body: &[u8]) -> Result<RouteInput, Problem> {
    // `request` stands one level below the recorded input.
    let value = parse_with(body, &limits::embedded(0))?;
    Ok(RouteInput::read(&value, "")?)
}
