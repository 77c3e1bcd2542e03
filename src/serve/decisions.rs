//! Deciding in bulk over HTTP: what `decide --record` does, recorded before it is
//! answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::epochs::answer;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::ledger::json::{Object, Value};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::shape;
use crate::record::bulk::CaseGovernance;
use crate::record::{DecisionRequest, RecordedDecision, Together};
use crate::wcp::bulk::{BulkRequest, CaseReader, answer as answer_of};
use crate::wcp::stamp::{DecisionId, DecisionStamp};

/// Requests, each `{"id", "input", "task_id"}`. One with `rules` and a `hall` of its own
/// is decided under those, which wants the scope `admin`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkRequests {
    #[schema(min_items = 1, value_type = Vec<Object>)]
    requests: Vec<Value>,
}

/// The decisions, in order: `{"id", "decision", "receipt"}`, or `{"id", "error":
/// {"field", "message"}}`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkDecisions {
    #[schema(value_type = Vec<Object>)]
    decisions: Vec<Value>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_decide, _, _>(
        Need::Scope(Scope::Route),
        Takes::Json,
        decide,
    )]
}

/// Decides on requests, each on its own. The answer comes when the decisions are
/// durable.
#[utoipa::path(post, path = "/v1/decide", tag = "hall", request_body = BulkRequests,
    responses((status = 200, description = "The decisions", body = BulkDecisions)))]
pub(super) async fn decide(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        // An input's `request` stands two levels deeper than that of one.
        let asked: BulkRequests = shape::read(&parse_with(body, &limits::embedded(2))?, "")?;
        let most = service.limits.batch_entries;
        if asked.requests.is_empty() || asked.requests.len() > most {
            return Err(Problem::BatchSize { most });
        }
        all(service, &actor, &asked.requests)
    };
    let decisions = take_up(service, request, work).await?;
    Ok(answer(&BulkDecisions { decisions }))
}

fn all(service: &Service, actor: &Actor, requests: &[Value]) -> Result<Vec<Value>, Problem> {
    let hall = service.hall.current();
    let by = actor.to_value();
    let (mut reader, mut governance) = (CaseReader::default(), CaseGovernance::default());
    let mut read = Vec::with_capacity(requests.len());
    for value in requests {
        let request = reader.read_request(value);
        // Said before any of them is decided.
        if matches!(request, Ok(BulkRequest::Own(_))) && !actor.may(Scope::Admin) {
            return Err(Problem::ScopeMissing {
                needed: Scope::Admin,
            });
        }
        read.push((value.get("id").cloned().unwrap_or(Value::Null), request));
    }
    let (mut answers, mut prepared) = (Vec::with_capacity(read.len()), Vec::new());
    for (id, request) in read {
        let stamp = DecisionStamp {
            decision_id: DecisionId::from_random(service.random()?),
            timestamp: service.clock.wall(),
        };
        let asked = |input, task_id| DecisionRequest {
            input,
            approval: None,
            task_id,
            actor: Some(&by),
            stamp,
        };
        let recorder = &service.recorder;
        prepared.push(match &request {
            Err(error) => {
                answers.push(Answer::Told(answer_of(id, Err(error))));
                continue;
            }
            Ok(BulkRequest::Own(case)) => {
                let asked = asked(&case.input, &case.task_id);
                recorder.prepare(&governance.of(case), &case.hall, &asked)
            }
            Ok(BulkRequest::Given { input, task_id }) => {
                recorder.prepare(hall.governance(), &*hall, &asked(input, task_id))
            }
        });
        answers.push(Answer::ToCome(id));
    }
    let underway = service.recorder.submit_all(prepared);
    let mut recorded = underway.into_iter().flat_map(Together::wait);
    let told = answers.into_iter().map(|answer| match answer {
        Answer::Told(answer) => Ok(answer),
        Answer::ToCome(id) => match recorded.next() {
            Some(recorded) => Ok(told(service, id, recorded)),
            None => Err(Problem::Abandoned),
        },
    });
    told.collect()
}

enum Answer {
    Told(Value),
    /// To the request of this id, when its decision is durable.
    ToCome(Value),
}

/// A decision that is durable, or the denial in its place.
fn told(service: &Service, id: Value, recorded: RecordedDecision) -> Value {
    if let Some(denial) = &recorded.decision.deny_reason_if_denied {
        service.metrics.denied(denial.code());
    }
    let receipt = match &recorded.receipt {
        Ok(receipt) => Value::Object(receipt.to_object()),
        Err(error) => {
            tracing::error!(%error, "a decision could not be recorded, and was denied");
            Value::Null
        }
    };
    let mut told = Object::new();
    told.insert("id", id);
    told.insert("decision", recorded.decision.to_value());
    told.insert("receipt", receipt);
    Value::Object(told)
}
