//! What a filter passed over because of a type, in a header of the answer: the body may be
//! a file.

use axum::http::HeaderValue;
use axum::response::Response;

use super::problem::Problem;
use super::service::Service;
use crate::store::Store;
use crate::store::query::Filter;
use crate::store::query::passed_over::{self, PassedOver, other_types};
use crate::store::term::SearchField;

/// The header; one for each field in which something was passed over.
const WARNING: &str = "sealbook-warning";

/// The lines of the header.
#[derive(Default)]
pub(super) struct Warnings(Vec<HeaderValue>);

impl Warnings {
    /// What `filter` passes over.
    pub(super) async fn of(service: &Service, filter: &Filter) -> Result<Warnings, Problem> {
        if other_types(filter).is_empty() {
            return Ok(Warnings(Vec::new()));
        }
        let (store, filter) = (service.store(), filter.clone());
        let found = move || Warnings::find(&*store, &filter);
        service.pools.read(found).await
    }

    /// The same, on a thread that may block.
    pub(super) fn find(store: &dyn Store, filter: &Filter) -> Result<Warnings, Problem> {
        let found = passed_over::passed_over(store, filter)?;
        Ok(Warnings(found.iter().filter_map(line).collect()))
    }

    pub(super) fn on(self, mut response: Response) -> Response {
        for line in self.0 {
            response.headers_mut().append(WARNING, line);
        }
        response
    }
}

/// Printable ASCII, as a header's line has to be.
fn line(passed_over: &PassedOver) -> Option<HeaderValue> {
    let seq = passed_over.seq;
    let text = match passed_over.field {
        SearchField::Tenant => format!("{passed_over}: tenant_json finds those"),
        _ => format!("{passed_over}: entry {seq} is one of those"),
    };
    let printable = |c: char| c.is_ascii_graphic() || c == ' ';
    let escaped = text.chars().map(|c| match printable(c) {
        true => c.to_string(),
        false => c.escape_default().to_string(),
    });
    HeaderValue::try_from(escaped.collect::<String>()).ok()
}
