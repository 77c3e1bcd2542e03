//! The description of everything that is served, made from the code.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::response::Response;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

use super::endpoint::{Endpoint, Need, Takes};
use super::entries::json;
use super::params::Params;
use super::problem::{ErrorBody, Problem};
use super::{
    append, decisions, entries, epochs, erasures, events, evidence, hall, health, imports,
    outcomes, page, public, revocations, scrape, standby, stats, tail, upload, verdicts,
};
use crate::codes::CODES;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sealbook",
        description = "The Hall over HTTP, with the ledger under it"
    ),
    paths(
        page::page,
        page::file,
        health::health,
        append::append,
        append::append_batch,
        erasures::erase,
        entries::list,
        entries::show,
        epochs::list,
        epochs::show,
        epochs::head,
        epochs::seal,
        public::publish_now,
        evidence::proof,
        evidence::bundle,
        evidence::report,
        evidence::table,
        evidence::epochs_table,
        events::opa,
        events::cloud_event,
        stats::stats,
        revocations::list,
        upload::verify_upload,
        tail::tail,
        scrape::metrics,
        public::log,
        openapi,
        hall::status::status,
        hall::status::workers,
        hall::dispatches::dispatches,
        hall::dispatches::active,
        hall::dispatches::alerts,
        hall::enrol::enroll,
        hall::elsewhere::taken,
        hall::ingest::ingest,
        hall::route::route,
        hall::approvals::pending,
        hall::approvals::resolve,
        hall::approvals::escalate,
        hall::discovery::capabilities,
        hall::discovery::wcp_workers,
        hall::discovery::wcp_health,
        hall::registry::verify_worker,
        hall::registry::ban_list,
        hall::registry::report,
        hall::registry::attest,
        hall::standing::confirm,
        hall::standing::revoke,
        hall::standing::ban,
        outcomes::record_found,
        decisions::decide,
        imports::import,
        standby::take_over,
        verdicts::attest,
        verdicts::verify_manifest,
        verdicts::judge_card,
        verdicts::enrol_worker,
    ),
    components(schemas(ErrorBody))
)]
struct Document;

/// What is served with the feature `otlp`.
#[cfg(feature = "otlp")]
#[derive(OpenApi)]
#[openapi(paths(super::otlp::logs, super::otlp::traces))]
struct Telemetry;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_openapi, _, _>(
        Need::Nothing,
        Takes::Nothing,
        openapi,
    )]
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI", body = Object)))]
pub(super) async fn openapi(params: Params) -> Result<Response, Problem> {
    params.finish()?;
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_vec(&document()).unwrap_or_default());
    Ok(json(text.clone()))
}

/// The description, with what every endpoint may answer.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    #[cfg(feature = "otlp")]
    document.merge(Telemetry::openapi());
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components
        .security_schemes
        .insert("token".to_owned(), RefOr::T(bearer));
    let refusals = refusals();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put];
        for operation in operations.into_iter().flatten() {
            for (status, description) in &refusals {
                let content = ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("ErrorBody")))
                    .build();
                let response = ResponseBuilder::new()
                    .description(description.as_str())
                    .content("application/json", content)
                    .build();
                let responses = &mut operation.responses.responses;
                responses
                    .entry(status.to_string())
                    .or_insert(RefOr::T(response));
            }
        }
    }
    document
}

/// What any endpoint may answer instead, out of the table of codes: each status
/// with the causes that it has.
fn refusals() -> BTreeMap<u16, String> {
    let mut refusals = BTreeMap::<u16, String>::new();
    for row in CODES {
        let Some(status) = row.http_status else {
            continue;
        };
        let causes = refusals.entry(status).or_default();
        if !causes.is_empty() {
            causes.push_str("; ");
        }
        causes.push_str(&format!("`{}`: {}", row.code, row.cause));
    }
    refusals
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use utoipa::openapi::HttpMethod;

    use super::super::routes;
    use super::*;

    /// Both ways: nothing is served that is not described, and nothing is
    /// described that is not served.
    #[test]
    fn what_is_described_is_what_is_served() {
        let name = |method: &HttpMethod| {
            let name = serde_json::to_value(method).unwrap();
            name.as_str().unwrap().to_lowercase()
        };
        let mut served = BTreeSet::new();
        for endpoint in routes::endpoints() {
            for method in &endpoint.methods {
                assert!(served.insert((endpoint.path().to_owned(), name(method))));
            }
        }
        let document = serde_json::to_value(document()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document.get("paths").unwrap().as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((path.clone(), method.clone()));
            }
        }
        assert_eq!(served, described);
        assert!(served.len() >= 15);
        let operations = document.get("paths").unwrap().as_object().unwrap().values();
        let operations = operations.flat_map(|item| item.as_object().unwrap().values());
        let ids: Vec<_> = operations
            .map(|it| it.get("operationId").unwrap())
            .collect();
        let once: BTreeSet<&str> = ids.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(once.len(), ids.len(), "{ids:?}");
    }
}
