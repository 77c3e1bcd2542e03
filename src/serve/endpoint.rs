//! An endpoint: where it is and what it answers, what it needs and takes.
//!
//! Path and method come from the documentation of the handler, so what is
//! documented and what is served cannot part.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::openapi::HttpMethod;

use super::guard::{Guard, guard};
pub(super) use super::guard::{Need, Takes};
use super::service::Service;

pub(super) struct Endpoint {
    path: String,
    need: Need,
    takes: Takes,
    answer: MethodRouter<Arc<Service>>,
    #[cfg(test)]
    pub(super) methods: Vec<HttpMethod>,
}

impl Endpoint {
    /// The endpoint that `P` documents.
    pub(super) fn new<P, H, T>(need: Need, takes: Takes, handler: H) -> Endpoint
    where
        P: utoipa::Path,
        H: Handler<T, Arc<Service>>,
        T: 'static,
    {
        let methods = P::methods();
        let filters = methods.iter().map(filter_of);
        let filter = filters
            .reduce(MethodFilter::or)
            .unwrap_or(MethodFilter::GET);
        Endpoint {
            path: P::path(),
            need,
            takes,
            answer: on(filter, handler),
            #[cfg(test)]
            methods,
        }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Puts it into a router, with its guard before it.
    pub(super) fn mount(
        self,
        router: Router<Arc<Service>>,
        service: &Arc<Service>,
    ) -> Router<Arc<Service>> {
        let state = Guard {
            service: Arc::clone(service),
            need: self.need,
            takes: self.takes,
        };
        let guarded = self.answer.route_layer(from_fn_with_state(state, guard));
        router.route(&self.path, guarded)
    }
}

fn filter_of(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
