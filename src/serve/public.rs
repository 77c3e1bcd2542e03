//! The public log: published at every seal and every so often, and its folder served.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::endpoint::{Endpoint, Need, Takes};
use super::epochs::answer;
use super::params::Params;
use super::posted::take_up;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::api::PublishedLog;
use crate::ledger::parse::parse;
use crate::ledger::shape;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::witnessing::Standing;

/// What is asked of a publication.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishAsked {
    /// The folder or bucket that is meant: the server publishes to no other than its own.
    folder: Option<String>,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublishedText {
    /// The log's public name.
    name: String,
    /// How many entries are public.
    size: u64,
    /// The root over them, SHA-256 in hex.
    root: String,
    /// Entries that were not public before.
    added: u64,
    /// Whether there was anything to be signed.
    changed: bool,
    /// Not where too few witnesses cosigned it and that is asked for.
    published: bool,
    /// What each witness did, if any were asked.
    #[schema(value_type = Option<Object>)]
    witnesses: Option<Standing>,
    /// The entry that keeps what was signed besides, if there is a new one.
    witnessed: Option<u64>,
}

impl PublishedText {
    fn new(done: PublishedLog) -> PublishedText {
        PublishedText {
            name: done.name,
            size: done.size,
            root: done.root.to_string(),
            added: done.added,
            changed: done.changed,
            published: done.published,
            witnesses: done.witnesses,
            witnessed: done.witnessed.map(|seq| seq.0),
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Admin);
    vec![
        Endpoint::new::<__path_log, _, _>(Need::Nothing, Takes::Nothing, log),
        Endpoint::new::<__path_publish_now, _, _>(need, Takes::Json, publish_now),
    ]
}

/// A file of the public log, as c2sp.org/tlog-tiles names it. It is public: no token is
/// needed.
#[utoipa::path(get, path = "/log/{*path}", tag = "ledger",
    params(("path" = String, Path, description = "`checkpoint`, `headers`, a tile or an entry bundle")),
    responses((status = 200, description = "The file", content(
        (String = "text/plain"), (Vec<u8> = "application/octet-stream")))))]
pub(super) async fn log(
    State(service): State<Arc<Service>>,
    Path(path): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    // Only what spells the name of a file of a log is looked for.
    let resource: Resource = path.parse().map_err(|_| Problem::NotFound)?;
    let here = Arc::clone(&service);
    let read = move || {
        let public = here.public.as_ref().ok_or(Problem::NotFound)?;
        let read = public.read(resource);
        let read = read.inspect_err(|error| tracing::error!(%error, "public log not read"));
        read.ok().flatten().ok_or(Problem::NotFound)
    };
    let bytes = service.pools.read(read).await?;
    let (media_type, keep) = match resource {
        Resource::Checkpoint | Resource::Headers => ("text/plain; charset=utf-8", "no-cache"),
        _ => (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
    ];
    Ok((headers, bytes).into_response())
}

/// Publishes the log in the server's folder or bucket now.
#[utoipa::path(post, path = "/v1/publish", tag = "ledger", request_body = PublishAsked,
    responses((status = 200, description = "What was published", body = PublishedText),
        (status = 409, description = "The server publishes its log nowhere, or elsewhere",
            body = super::problem::ErrorBody)))]
pub(super) async fn publish_now(
    State(service): State<Arc<Service>>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let work = move |service: &Service, body: &[u8]| {
        let asked: PublishAsked = shape::read(&parse(body)?, "")?;
        let public = service.public.as_ref().ok_or(Problem::PublishesNowhere)?;
        if let Some(folder) = &asked.folder {
            public.check_place(folder)?;
        }
        let done = public.publish(&service.ledger, &service.metrics);
        done.map_err(Problem::Failed)
    };
    let done = take_up(service, request, work).await?;
    Ok(answer(&PublishedText::new(done)))
}

/// Publishes the log every so often.
pub(super) async fn publish_every(service: Arc<Service>, every: Option<Duration>) {
    let Some(every) = every else {
        return;
    };
    loop {
        tokio::time::sleep(every).await;
        let here = Arc::clone(&service);
        if tokio::task::spawn_blocking(move || here.publish_log())
            .await
            .is_err()
        {
            return;
        }
    }
}
