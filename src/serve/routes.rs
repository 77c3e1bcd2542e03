//! Every endpoint, and what stands around all of them.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use super::endpoint::Endpoint;
use super::problem::Problem;
use super::service::Service;
use super::{
    append, decisions, entries, epochs, erasures, events, evidence, hall, health, imports, openapi,
    outcomes, page, public, requests, revocations, scrape, standby, stats, tail, upload, verdicts,
};

/// What an answer that is not a page may do in a browser.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// How long a browser may remember what it was allowed, in seconds.
const PREFLIGHT: u64 = 600;

pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        page::endpoints(),
        health::endpoints(),
        append::endpoints(),
        events::endpoints(),
        telemetry(),
        entries::endpoints(),
        erasures::endpoints(),
        epochs::endpoints(),
        evidence::endpoints(),
        upload::endpoints(),
        verdicts::endpoints(),
        outcomes::endpoints(),
        decisions::endpoints(),
        imports::endpoints(),
        revocations::endpoints(),
        stats::endpoints(),
        tail::endpoints(),
        scrape::endpoints(),
        standby::endpoints(),
        public::endpoints(),
        hall::endpoints(),
        openapi::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(feature = "otlp")]
fn telemetry() -> Vec<Endpoint> {
    super::otlp::endpoints()
}

#[cfg(not(feature = "otlp"))]
fn telemetry() -> Vec<Endpoint> {
    Vec::new()
}

/// The endpoints with everything around them, outermost last.
pub(super) fn routes(service: &Arc<Service>) -> Router {
    let mut router = Router::new();
    for endpoint in endpoints() {
        router = endpoint.mount(router, service);
    }
    let router = router
        .fallback(async || Problem::NoSuchRoute)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(panicked));
    let router = match cors(service) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    let constant = |name: HeaderName, value| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .layer(from_fn_with_state(Arc::clone(service), requests::access))
        .layer(constant(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(constant(header::CACHE_CONTROL, "no-store"))
        .layer(constant(header::REFERRER_POLICY, "no-referrer"))
        .layer(constant(header::X_FRAME_OPTIONS, "DENY"))
        .layer(constant(header::CONTENT_SECURITY_POLICY, NOTHING))
        .layer(from_fn_with_state(Arc::clone(service), requests::note))
        .layer(from_fn(requests::name))
        .with_state(Arc::clone(service))
}

/// For the origins on the list; without a list no page may read an answer.
fn cors(service: &Service) -> Option<CorsLayer> {
    let idempotency_key = HeaderName::from_static("idempotency-key");
    let origins = AllowOrigin::list(service.access.invited()?);
    Some(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, idempotency_key])
            .max_age(std::time::Duration::from_secs(PREFLIGHT)),
    )
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::Abandoned.into_response()
}
