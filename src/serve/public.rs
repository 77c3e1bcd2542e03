//! The public log: published at every seal and every so often, and its folder served.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::config::PublishFailure;
use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::service::Service;
use crate::api::Ledger;
use crate::ledger::tlog::resource::Resource;
use crate::ledger::tlog::source::Source as _;
use crate::ledger::witnessing::Standing;
use crate::publish::Folder;

/// The folder of the public log.
pub struct PublicFolder {
    /// Served below `/log/`.
    pub folder: PathBuf,
    /// What publishes to it.
    pub publish: LogPublisher,
    /// How often, beside every seal.
    pub every: Option<Duration>,
}

/// Publishes a ledger, and says how its witnesses stand, if any were asked.
pub type LogPublisher = Box<dyn FnMut(&Ledger) -> Result<Option<Standing>, PublishFailure> + Send>;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_log, _, _>(
        Need::Nothing,
        Takes::Nothing,
        log,
    )]
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
        let folder = here.log.as_deref().ok_or(Problem::NotFound)?;
        let read = Folder::read_only(folder).read(resource);
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

impl Service {
    /// Publishes the log, where that is asked for. What fails is tried again the next time.
    pub(super) fn publish_log(&self) {
        let Some(publisher) = &self.public else {
            return;
        };
        let mut publish = publisher.lock().unwrap_or_else(PoisonError::into_inner);
        match publish(&self.ledger) {
            Ok(Some(standing)) => self.keep_standing(standing),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the public log was not published"),
        }
    }

    fn keep_standing(&self, standing: Standing) {
        for witness in &standing.witnesses {
            if let Some(fault) = &witness.fault {
                tracing::warn!(witness = witness.name, fault, "not cosigned");
            }
        }
        self.metrics.witnessed(&standing);
        let mut kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(standing);
    }

    /// How the witnesses of the public log stood when it was published last.
    pub(super) fn standing(&self) -> Option<Standing> {
        let kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }
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
