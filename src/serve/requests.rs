//! Around every request: a name for it, the access, a line in the log, a count.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

use super::peer::Peer;
use super::service::Service;
use crate::ledger::hexadecimal;

/// The header that carries a request's name back.
const REQUEST_ID: &str = "x-request-id";

/// The name is the server's: what a client would choose could be made to look
/// like another's.
pub(super) async fn name(request: Request, next: Next) -> Response {
    let mut bytes = [0; 12];
    // A name of zeros is still a name.
    let _ = getrandom::fill(&mut bytes);
    let id = hexadecimal::encode(&bytes);
    let span = tracing::info_span!("request", id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Refuses what comes by another name or of another page, before anything else
/// looks at it.
pub(super) async fn access(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    // No page of a browser reaches the socket.
    let peer: Option<&Peer> = request.extensions().get();
    let checked = match peer.and_then(|peer| peer.local) {
        Some(_) => Ok(()),
        None => service.access.check(request.uri(), request.headers()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            service.metrics.refused(problem.code());
            problem.into_response()
        }
    }
}

/// Counts and logs. Queries stay out of both: they name tenants.
pub(super) async fn note(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "-".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let seconds = begun.elapsed().as_secs_f64();
    service.metrics.answered(&method, &route, status, seconds);
    tracing::info!(%method, route, status, seconds, "answered");
    response
}
