//! The Hall over HTTP, with the ledger under it.
//!
//! ```text
//! accept ─► connection ─► routes ─► access (Host, Origin, CORS)
//!                                     ▼
//!              endpoint: scope, rate, media type, time
//!                                     ▼
//!   append ─► intake ─► Logbook::submit_all ─► answer by callback, no thread waits
//!   reads, exports, routing ─► bounded pools of blocking threads
//! ```
//!
//! # Who may what
//! | | without a token file | with one |
//! |---|---|---|
//! | listens on | loopback only | any address |
//! | the page, `/health`, `/openapi.json` | open | open |
//! | `/api/v1/verify/{id}`, `/api/v1/ban-list` | open | open, unless the registry is private |
//! | reading, `/route`, append | open | token with `read`, `route`, `append` |
//! | everything else | refused | token with the scope |
//!
//! Through the Unix socket (see [`socket`]) root and the server's own user may
//! everything, with and without a token file.
//!
//! Whatever the token: the `Host` header must be on the list, an `Origin` must
//! be the server's own or one that was configured, and what is posted must be
//! JSON by its content type, so that no web page on the operator's machine can
//! write here, nor read by rebinding a name.
//!
//! # What must hold
//! * An append is acknowledged when it is durable and not before; a client that
//!   is slow or gone holds back nobody.
//! * Everything that waits is bounded: connections, bodies in memory, threads,
//!   exports, tails, the writer's queue. Beyond the bound the answer is 429 or
//!   503 with `Retry-After`.
//! * Nobody gets all of it: exports, verifications and tails are shared between
//!   tokens and addresses, a connection that waits makes room for one that comes,
//!   and who sends or takes less than a certain rate is cut off.
//! * When told to stop, requests under way are answered, the mark is moved up,
//!   and what comes later is refused.

mod accept;
mod access;
mod actor;
mod answer;
mod append;
mod blocking;
mod body;
mod config;
mod connection;
mod decisions;
mod disk;
mod endpoint;
mod entries;
mod entry_text;
mod epochs;
mod erasures;
mod error;
mod events;
mod evidence;
mod guard;
mod hall;
mod health;
mod idempotency;
mod imports;
mod intake;
mod line_ends;
mod metrics;
mod openapi;
#[cfg(feature = "otlp")]
mod otlp;
mod outcomes;
mod page;
mod params;
mod passed_over;
mod peer;
mod posted;
mod problem;
mod producer;
mod public;
mod public_log;
mod rate;
mod refused;
mod requests;
mod revocations;
mod routes;
pub mod scope;
mod scrape;
mod sealing;
mod service;
mod sinks;
pub mod socket;
mod standby;
mod stats;
mod streamed;
mod tail;
pub mod tls;
pub mod token;
pub mod token_file;
mod upload;
mod verdicts;
mod waiting;
mod write_timeout;

use std::future::Future;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::net::TcpListener;

pub use config::{AccessRules, Config, HallFiles, LoadError, LogPublisher, ServeLimits};
pub use config::{PublicFolder, PublishFailure, Publisher, StandingBy, VerdictKeys};
pub use error::ServeError;

use service::Service;

/// Serves until `shutdown` is ready, then answers what is under way, closes the
/// ledger and returns.
///
/// # Errors
/// [`ServeError`] if it cannot begin, or if the ledger could not be closed in
/// order.
pub async fn run(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
    mut config: Config,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if config.access.token_file.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    let (tls, socket) = (config.tls.clone(), config.socket.take());
    #[cfg(feature = "client")]
    let delivered = std::mem::take(&mut config.sinks);
    #[cfg(feature = "client")]
    let standings = sinks::standings(&delivered);
    #[cfg(not(feature = "client"))]
    let standings = Vec::new();
    let stands_by = config.standby.is_some();
    let every = config.public.as_ref().and_then(|public| public.every);
    let (service, reload) = Service::open(config, address, standings).await?;
    let path = socket
        .as_ref()
        .map(|socket| socket.path().display().to_string());
    tracing::info!(%address, tls = tls.is_some(), tokens = service.has_tokens(), socket = path, "serving");
    tell_manager(NotifyState::Ready);
    let routes = routes::routes(&service);
    let here = Arc::clone(&service);
    let published = tokio::task::spawn_blocking(move || here.publish()).await;
    published.map_err(|_| ServeError::Abandoned)?;
    #[cfg(feature = "client")]
    let delivering = sinks::start(&service, delivered).map_err(ServeError::Sink)?;
    let background = vec![
        tokio::spawn(sealing::seal_on_the_hour(Arc::clone(&service))),
        tokio::spawn(disk::watch(Arc::clone(&service.space), service.limits.tick)),
        tokio::spawn(public::publish_every(Arc::clone(&service), every)),
        tokio::spawn(hall::count_on(Arc::clone(&service))),
        tokio::spawn(service::reload_when_told(Arc::clone(&service), reload)),
    ];
    let local = async {
        if let Some(socket) = &socket {
            accept::accept_local(socket, routes.clone(), Arc::clone(&service)).await;
        }
    };
    let others = accept::accept(
        listener,
        tls,
        routes.clone(),
        Arc::clone(&service),
        shutdown,
    );
    tokio::join!(others, local);
    if !stands_by {
        tell_manager(NotifyState::Stopping);
    }
    // Gone before the ledger is anybody else's.
    drop(socket);
    for task in background {
        task.abort();
    }
    #[cfg(feature = "client")]
    delivering.end(service.limits.stop_time).await;
    let closed = tokio::task::spawn_blocking(move || service.close()).await;
    closed.map_err(|_| ServeError::Abandoned)??;
    tracing::info!("stopped");
    Ok(())
}

/// Tells a service manager, if one started this server, how it stands.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
