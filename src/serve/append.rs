//! Appending: one entry or a batch, answered when durable. No thread waits.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::ReceiptText;
use super::idempotency::{self, IdempotencyKey};
use super::problem::Problem;
use super::producer::{self, Producer};
use super::scope::Scope;
use super::service::Service;
use crate::api::Ledger;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::redact::Redactable;
use crate::ledger::shape::{self, AnyObject};
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Receipt, Submission};

/// Bodies from this size on are read on a thread that may be busy for a while.
pub(super) const LARGE: usize = 64 << 10;

/// Bytes of a receipt, roughly: with less it would be moved while it is written.
const RECEIPT_BYTES: usize = 768;

/// Headers of an answer, with those that every answer gets.
const HEADERS: usize = 12;

/// Where one entry is posted.
const ONE: &str = "/v1/entries";

/// Says that an answer is that of an earlier request.
const REPLAYED: &str = "idempotency-replayed";

/// An entry to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEntry {
    /// 1 to 256 bytes; none of the reserved kinds.
    kind: String,
    /// A JSON object without `_actor`, which the server adds.
    #[serde(rename = "payload")]
    #[schema(value_type = Object)]
    _payload: AnyObject,
    /// JSON pointers to what is kept beside the log, so that it can be withheld and erased;
    /// or objects with `pointer`, `optional`, and `do`: redactable, commitment or drop.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    redactable: Vec<Redactable>,
}

/// Entries to be, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEntries {
    #[schema(min_items = 1, value_type = Vec<NewEntry>)]
    entries: Vec<IgnoredAny>,
}

/// Where entries stand.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receipts {
    receipts: Vec<ReceiptText>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Append);
    vec![
        Endpoint::new::<__path_append, _, _>(need, Takes::Json, append),
        Endpoint::new::<__path_append_batch, _, _>(need, Takes::Json, append_batch),
    ]
}

/// Appends an entry; the answer comes when it is durable.
#[utoipa::path(post, path = "/v1/entries", tag = "ledger", request_body = NewEntry,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "A request that comes again with it is answered as it was, for 24 hours"),
        ("Sealbook-Producer" = Option<String>, Header,
        description = "`ID;N`, which stands in the entry as `_producer`: the event N of a \
            producer is recorded once, whenever it comes again")),
    responses((status = 201, description = "It is durable", body = ReceiptText)))]
pub(super) async fn append(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let identity = service.identity;
    let producer = Producer::given(request.headers())?;
    let (says, here) = (producer.clone(), Arc::clone(&service));
    let read = move |value, actor: &Actor| {
        let entry = read_entry(value, actor, says.as_ref(), &here.ledger)?;
        Ok(vec![entry])
    };
    let (receipts, replayed) = take_in(service, actor, request, producer, read).await?;
    let receipt = receipts.first().ok_or(LogbookError::Stopped)?;
    answer(&ReceiptText::new(receipt, identity), 1, replayed)
}

/// Appends entries, all of them or none.
#[utoipa::path(post, path = "/v1/entries/batch", tag = "ledger", request_body = NewEntries,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "A request that comes again with it is answered as it was, for 24 hours")),
    responses((status = 201, description = "They are durable", body = Receipts)))]
pub(super) async fn append_batch(
    State(service): State<Arc<Service>>,
    actor: Actor,
    request: Request,
) -> Result<Response, Problem> {
    let identity = service.identity;
    let most = service.limits.batch_entries;
    let here = Arc::clone(&service);
    let read = move |value, actor: &Actor| read_batch(value, actor, most, &here.ledger);
    let (receipts, replayed) = take_in(service, actor, request, None, read).await?;
    let receipts = receipts.iter();
    let receipts = receipts.map(|receipt| ReceiptText::new(receipt, identity));
    let receipts = Receipts {
        receipts: receipts.collect(),
    };
    answer(&receipts, receipts.receipts.len(), replayed)
}

/// As [`axum::Json`], in one piece of memory that is large enough.
fn answer(body: &impl Serialize, receipts: usize, replayed: bool) -> Result<Response, Problem> {
    let mut text = Vec::with_capacity(receipts.saturating_mul(RECEIPT_BYTES));
    serde_json::to_writer(&mut text, body).map_err(|_| Problem::Abandoned)?;
    let json = HeaderValue::from_static("application/json");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::CREATED;
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    if replayed {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, yes);
    }
    Ok(response)
}

/// Reads, prepares, hands over, and waits for the receipts. True if they are
/// those of an earlier request.
async fn take_in(
    service: Arc<Service>,
    actor: Actor,
    request: Request<Body>,
    producer: Option<Producer>,
    read: impl FnOnce(Value, &Actor) -> Result<Vec<PreparedEntry>, Problem> + Send + 'static,
) -> Result<(Vec<Receipt>, bool), Problem> {
    service.check_recording()?;
    let key = idempotency::given(request.headers())?;
    let request_of_one = request.uri().path() == ONE;
    let key = key.map(|key| (request.uri().path().to_owned(), key));
    let body = service.bodies.read(request).await?;
    let local = actor
        .local()
        .filter(|_| request_of_one && producer.is_none());
    let (of_entry, key) = match (key, local) {
        (Some((_, key)), Some(local)) => (Some((local, key)), None),
        (key, _) => (None, key),
    };
    let key = match (producer, key) {
        (None, key) => key.map(|(path, key)| IdempotencyKey::new(&actor, &path, &key, &body.bytes)),
        (Some(producer), None) => Some(producer.key(&actor, &body.bytes)),
        (Some(_), Some(_)) => {
            return Err(Problem::Argument {
                what: idempotency::PRODUCER,
                expected: "either it or Idempotency-Key is needed",
            });
        }
    };
    let large = body.bytes.len() >= LARGE;
    let prepare = move || {
        // The payloads of a batch stand two levels deeper than that of one.
        let value = parse_with(&body.bytes, &limits::embedded(3))?;
        read(value, &actor)
    };
    let entries = match large {
        true => service.pools.read(prepare).await?,
        false => prepare()?,
    };
    let of_entry = of_entry.zip(entries.first());
    let of_entry =
        of_entry.map(|((local, given), entry)| IdempotencyKey::of_entry(local, &given, entry));
    let key = key.or(of_entry);
    hand_over(service, entries, key).await
}

pub(super) async fn hand_over(
    service: Arc<Service>,
    entries: Vec<PreparedEntry>,
    key: Option<IdempotencyKey>,
) -> Result<(Vec<Receipt>, bool), Problem> {
    let mut claim = None;
    if let Some(key) = key.clone() {
        claim = Some(service.under_way.claim(&key)?);
        let here = Arc::clone(&service);
        let answered = service
            .pools
            .read(move || {
                let (store, last) = (here.store(), here.logbook.durable().ts);
                key.answered(&*store, last, here.clock.wall())
            })
            .await?;
        if let Some(receipts) = answered {
            return Ok((receipts, true));
        }
    }
    let begun = Instant::now();
    let (sender, receiver) = oneshot::channel();
    let remember = key.map(|key| key.to_remember());
    let submission = Submission::whole(entries, remember, move |answer| {
        // The key is free when its request is answered, whether or not anyone
        // still waits for that.
        drop(claim);
        let _ = sender.send(answer);
    });
    service.intake.take_in(submission);
    let receipts = receiver.await.map_err(|_| LogbookError::Stopped)??;
    service.metrics.appended(begun.elapsed().as_secs_f64());
    Ok((receipts, false))
}

fn read_batch(
    mut value: Value,
    actor: &Actor,
    most: usize,
    ledger: &Ledger,
) -> Result<Vec<PreparedEntry>, Problem> {
    let count = shape::read::<NewEntries>(&value, "")?.entries.len();
    if count == 0 || count > most {
        return Err(Problem::BatchSize { most });
    }
    let Some(Value::Array(items)) = value.take_member("entries") else {
        return Err(Problem::Abandoned);
    };
    let entries = items.into_iter().enumerate();
    let entries = entries.map(|(index, item)| {
        read_entry(item, actor, None, ledger).map_err(|problem| Problem::InBatch {
            index,
            problem: Box::new(problem),
        })
    });
    entries.collect()
}

fn read_entry(
    mut value: Value,
    actor: &Actor,
    producer: Option<&Producer>,
    ledger: &Ledger,
) -> Result<PreparedEntry, Problem> {
    let NewEntry {
        kind, redactable, ..
    } = shape::read(&value, "")?;
    let levels = value.get("payload").map_or(0, Value::depth);
    if levels > limits::PAYLOAD_LEVELS {
        return Err(Problem::Argument {
            what: "payload",
            expected: "at most 128 levels of nesting are possible",
        });
    }
    // Taken out and not copied: it may be most of the body.
    let Some(Value::Object(mut payload)) = value.take_member("payload") else {
        return Err(Problem::Abandoned);
    };
    producer::is_free(&payload)?;
    if let Some(producer) = producer {
        producer.sign_in(&mut payload);
    }
    actor.sign_in(&mut payload)?;
    let entry = PreparedEntry::of_caller(&kind, &payload)?;
    Ok(ledger.take_out(entry, &redactable)?)
}
