//! The log as it grows: server-sent events, an entry each.
//!
//! A tail is a place in the log and not a queue: a client that reads slowly
//! falls behind and costs nothing but its connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::actor::Actor;
use super::endpoint::{Endpoint, Need, Takes};
use super::entry_text::write_item;
use super::params::{FilterParams, Params};
use super::problem::Problem;
use super::scope::Scope;
use super::service::{Service, told};
use crate::ledger::position::Seq;
use crate::store::query::{Filter, select};

const STEP: u64 = 64;

/// Events that may wait for a client.
const AHEAD: usize = 8;

/// How often a quiet tail shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How soon a client comes back after a break.
const RETRY: Duration = Duration::from_secs(2);

/// Where a client that comes back says what it had last.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_tail, _, _>(
        Need::Scope(Scope::Read),
        Takes::Nothing,
        tail,
    )]
}

/// Entries as they become durable: events `entry`, whose `id` is the sequence
/// number and whose `data` is what `/v1/entries/{id}` answers. They begin with
/// `from_seq`, or with what comes from now on.
#[utoipa::path(get, path = "/v1/tail", tag = "ledger",
    params(
        FilterParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "Goes on after this entry")),
    responses((status = 200, description = "The tail", body = String,
        content_type = "text/event-stream")))]
pub(super) async fn tail(
    State(service): State<Arc<Service>>,
    actor: Actor,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response, Problem> {
    let mut filter = params.filter()?;
    params.finish()?;
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let last = last.to_str().ok().and_then(|text| text.parse().ok());
        let last: u64 = last.ok_or(Problem::Argument {
            what: LAST_EVENT_ID,
            expected: "a sequence number is needed",
        })?;
        filter.from_seq = Some(Seq(last.saturating_add(1)));
    }
    let place = service.pools.tail(&actor.payer())?;
    let now = service.logbook.durable().seq;
    let next = filter.from_seq.unwrap_or(Seq(now.0.saturating_add(1)));
    let (sender, events) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let here = Arc::clone(&service);
        tokio::select! {
            () = follow(service, filter, next, sender) => {}
            () = here.until_refused(actor.token()) => {}
        }
        drop(place);
    });
    let events = Sse::new(ReceiverStream::new(events));
    let events = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(events.into_response())
}

/// Sends what is there, waits for more, until the client goes, the range ends
/// or the server stops.
async fn follow(
    service: Arc<Service>,
    filter: Filter,
    mut next: Seq,
    sender: mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut grown = service.grown();
    let mut stopping = service.stopping();
    // A client that reads on, but hardly, holds a place that others want.
    let timeout = service.limits.stall_time;
    if sender
        .send(Ok(Event::default().retry(RETRY)))
        .await
        .is_err()
    {
        return;
    }
    while filter.until_seq.is_none_or(|until| next <= until) {
        let last = *grown.borrow_and_update();
        if next > last {
            tokio::select! {
                changed = grown.changed() => if changed.is_err() { return },
                () = told(&mut stopping) => return,
                () = sender.closed() => return,
            }
            continue;
        }
        let until = Seq(next.0.saturating_add(STEP - 1)).min(last);
        let step = Filter {
            from_seq: Some(next),
            until_seq: Some(filter.until_seq.map_or(until, |end| end.min(until))),
            ..filter.clone()
        };
        let store = service.store();
        let read = move || {
            let mut found = Vec::new();
            for item in select(&*store, &step)? {
                let (seq, entry) = item?;
                let mut text = Vec::new();
                write_item(&*store, seq, &entry, &mut text)?;
                found.push((seq, text));
            }
            Ok(found)
        };
        let found = match service.pools.read(read).await {
            Ok(found) => found,
            // The client comes back to where it was.
            Err(error) => {
                tracing::warn!(%error, "a tail broke off");
                return;
            }
        };
        for (seq, text) in found {
            let data = String::from_utf8(text).unwrap_or_default();
            let event = Event::default().event("entry");
            let event = event.id(seq.to_string()).data(data);
            let sent = tokio::select! {
                sent = tokio::time::timeout(timeout, sender.send(Ok(event))) => {
                    matches!(sent, Ok(Ok(())))
                }
                () = told(&mut stopping) => false,
            };
            if !sent {
                return;
            }
        }
        next = Seq(until.0.saturating_add(1));
    }
}
