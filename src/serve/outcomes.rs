//! What another process of this machine found out, recorded on its behalf.
//!
//! For callers that could write the ledger themselves, were it not held
//! here: root and the server's own user, through the socket. Everyone else shows
//! the evidence, and the server judges (see `verdicts`).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::ReceiptText;
use super::posted::take_up;
use super::problem::Problem;
use super::service::Service;
use crate::ledger::json::{Object, Value};
use crate::ledger::kind::TIMESTAMP;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::redact::Redactable;
use crate::ledger::shape;
use crate::logbook::request::Receipt;
use crate::record::outcome::ACTOR;
use crate::record::{Document, kind};

/// The kinds that are taken so. What changes the Hall beside the ledger has paths of
/// its own.
const TAKEN: [&str; 7] = [
    kind::DECISION,
    kind::ATTESTATION,
    kind::MANIFEST,
    kind::CARD,
    kind::RESIDENT,
    kind::ENROLMENT,
    TIMESTAMP,
];

/// Outcomes, each on its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundOutcomes {
    #[schema(min_items = 1)]
    outcomes: Vec<FoundOutcome>,
    /// `none` if nobody is to be named.
    actor: Option<String>,
}

/// What was found out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundOutcome {
    kind: String,
    /// As the kind has it, without `_actor`.
    #[schema(value_type = Object)]
    payload: Object,
    /// What it refers to: `{"digest", "media_type", "content"}`.
    #[serde(default, deserialize_with = "shape::or_default")]
    #[schema(value_type = Vec<Object>)]
    documents: Vec<Object>,
    /// What of the payload is kept beside the log, as in `/v1/entries`.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    redactable: Vec<Redactable>,
}

/// Where they stand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutcomeReceipts {
    receipts: Vec<ReceiptText>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_record_found, _, _>(
        Need::Local,
        Takes::Json,
        record_found,
    )]
}

/// Records what another process of this machine found out: through the socket, of
/// root and the server's own user.
#[utoipa::path(post, path = "/v1/outcomes", tag = "ledger", request_body = FoundOutcomes,
    responses((status = 201, description = "They are durable", body = OutcomeReceipts)))]
pub(super) async fn record_found(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        // A document's content stands five levels deep.
        let found: FoundOutcomes = shape::read(&parse_with(body, &limits::embedded(5))?, "")?;
        let most = service.limits.batch_entries;
        if found.outcomes.is_empty() || found.outcomes.len() > most {
            return Err(Problem::BatchSize { most });
        }
        let actor = match found.actor.as_deref() {
            None => Some(actor.to_value()),
            Some("none") => None,
            Some(_) => {
                return Err(Problem::Argument {
                    what: "actor",
                    expected: "`none`, or nothing, is needed",
                });
            }
        };
        let receipts = record(service, found.outcomes, actor.as_ref())?;
        let receipts = receipts.iter();
        let receipts = receipts.map(|receipt| ReceiptText::new(receipt, service.identity));
        Ok(OutcomeReceipts {
            receipts: receipts.collect(),
        })
    };
    let receipts = take_up(service, request, work).await?;
    Ok((StatusCode::CREATED, Json(receipts)).into_response())
}

/// What is wrong with any of them is said before one is recorded.
fn record(
    service: &Service,
    found: Vec<FoundOutcome>,
    actor: Option<&Value>,
) -> Result<Vec<Receipt>, Problem> {
    let ready = found.into_iter().enumerate().map(|(index, outcome)| {
        ready(outcome, actor).map_err(|problem| Problem::InBatch {
            index,
            problem: Box::new(problem),
        })
    });
    let ready = ready.collect::<Result<Vec<_>, _>>()?;
    // One that changes whom the Hall knows is taken up by it, too.
    let _changing = ready
        .iter()
        .any(|outcome| outcome.kind == kind::ENROLMENT)
        .then(|| service.hall.change());
    let mut submitted = Vec::with_capacity(ready.len());
    for outcome in &ready {
        let ReadyOutcome {
            kind,
            payload,
            redactable,
            documents,
        } = outcome;
        let recorder = &service.recorder;
        submitted.push(recorder.take_in(kind, payload, redactable, documents)?);
    }
    let mut receipts = Vec::with_capacity(ready.len());
    for (submitted, outcome) in submitted.into_iter().zip(&ready) {
        let receipt = submitted.wait()?;
        if outcome.kind == kind::ENROLMENT {
            service
                .hall
                .enter(outcome.kind, &outcome.payload, receipt.ts);
        }
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// An outcome that can be recorded.
struct ReadyOutcome {
    kind: &'static str,
    payload: Object,
    redactable: Vec<Redactable>,
    documents: Vec<Arc<Document>>,
}

fn ready(found: FoundOutcome, actor: Option<&Value>) -> Result<ReadyOutcome, Problem> {
    let kind = TAKEN.into_iter().find(|kind| *kind == found.kind);
    let kind = kind.ok_or(Problem::Argument {
        what: "kind",
        expected: "a decision, an attestation, a timestamp, or the verdict on a manifest, card, \
                   form or record is needed",
    })?;
    let mut payload = found.payload;
    if payload.get(ACTOR).is_some() {
        return Err(Problem::BringsActor);
    }
    // A Hall keeps the workers that it enrolled itself.
    if kind == kind::ENROLMENT && payload.get("kept_in").and_then(Value::as_str) == Some("ledger") {
        return Err(Problem::Argument {
            what: "kept_in",
            expected: "workers are enrolled into the ledger by `/v1/enrolments`",
        });
    }
    if let Some(actor) = actor {
        payload.insert(ACTOR, actor.clone());
    }
    let documents = found.documents.iter().map(|payload| {
        let (named, document) = Document::from_payload(payload)?;
        match named == document.digest() {
            true => Ok(Arc::new(document)),
            false => Err(Problem::Argument {
                what: "digest",
                expected: "the digest of the document's content is needed",
            }),
        }
    });
    Ok(ReadyOutcome {
        kind,
        payload,
        redactable: found.redactable,
        documents: documents.collect::<Result<_, Problem>>()?,
    })
}
