//! The accept loops: so many connections and no more, until told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::connection;
use super::problem::Problem;
use super::service::{Service, told};
use super::socket::LocalSocket;
use super::waiting::{self, ParkedConnections};

/// Connections through the socket at a time: what other processes of one machine need.
const LOCAL_CONNECTIONS: usize = 256;

/// Connections that are being told so at a time; more are only closed.
const TURNED_AWAY: usize = 64;

/// How long that may take.
const TURN_AWAY_TIME: Duration = Duration::from_secs(1);

/// After an error of the system, such as no more file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts until `shutdown` is ready; then waits for the connections, so long
/// as they are given, and cuts off the rest.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    routes: Router,
    service: Arc<Service>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(service.limits.connections));
    let waiting = ParkedConnections::default();
    let turning_away = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned();
        if place.is_err() && !waiting.make_room() {
            service.metrics.connections_refused.inc();
            // A client that speaks TLS would not understand it, and is only closed.
            if tls.is_none()
                && let Ok(turn) = Arc::clone(&turning_away).try_acquire_owned()
            {
                tokio::spawn(async move {
                    turn_away(stream).await;
                    drop(turn);
                });
            }
            continue;
        }
        let proxy = service.access.is_proxy(peer.ip());
        let connection = waiting.enter((!proxy).then_some(peer.ip()));
        let place = match place {
            Ok(place) => Admission::Taken(place),
            Err(_) => Admission::Left(Arc::clone(&places)),
        };
        service.metrics.connections.inc();
        connections.spawn(one(
            stream,
            peer,
            tls.clone(),
            routes.clone(),
            Arc::clone(&service),
            (connection, place),
        ));
    }
    drop(listener);
    service.stop();
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(service.limits.stop_time, all)
        .await
        .is_err()
    {
        tracing::warn!(left = connections.len(), "connections were cut off");
        connections.shutdown().await;
    }
}

/// Accepts through the socket until the server is told to stop, and gives the connections that are
/// under way so long as others.
pub(super) async fn accept_local(socket: &LocalSocket, routes: Router, service: Arc<Service>) {
    let places = Arc::new(Semaphore::new(LOCAL_CONNECTIONS));
    let waiting = ParkedConnections::default();
    let mut stopping = service.stopping();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = told(&mut stopping) => break,
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, caller)) = accepted else {
            tracing::warn!("a connection to the socket could not be accepted");
            tokio::time::sleep(service.limits.tick).await;
            continue;
        };
        let Some(caller) = caller else {
            continue;
        };
        // One too many is closed unheard.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            service.metrics.connections_refused.inc();
            continue;
        };
        let (routes, service) = (routes.clone(), Arc::clone(&service));
        let waiting = waiting.enter(None);
        service.metrics.connections.inc();
        connections.spawn(async move {
            connection::serve_local(stream, caller, routes, &service, &waiting).await;
            service.metrics.connections.dec();
            drop(place);
        });
    }
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(service.limits.stop_time, all).await;
    connections.shutdown().await;
}

async fn one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    routes: Router,
    service: Arc<Service>,
    (waiting, place): (Arc<waiting::ParkedConnection>, Admission),
) {
    // Of one that was told to leave, which it does at once.
    let place = match place {
        Admission::Taken(place) => Some(place),
        Admission::Left(places) => {
            let place = tokio::time::timeout(TURN_AWAY_TIME, places.acquire_owned()).await;
            place.ok().and_then(Result::ok)
        }
    };
    if place.is_some() {
        connection::serve(stream, peer, tls, routes, &service, &waiting).await;
    }
    service.metrics.connections.dec();
    drop(place);
}

enum Admission {
    Taken(OwnedSemaphorePermit),
    Left(Arc<Semaphore>),
}

async fn turn_away(mut stream: TcpStream) {
    let told = async {
        let answer = Problem::TooManyConnections.to_last_answer();
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    // It is no matter whether it hears it.
    let _ = tokio::time::timeout(TURN_AWAY_TIME, told).await;
}
