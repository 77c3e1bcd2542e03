//! One connection: TLS if there is any, HTTP/1.1, and timeout within limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::line_ends::{HEAD_BYTES, StrictLines};
use super::peer::{Local, Peer};
use super::refused::{AnswerState, RefusedRequests};
use super::service::{Service, told};
use super::waiting;
use super::write_timeout::WriteTimeout;
use crate::ledger::sha256::Sha256Digest;

const HEAD_LINES: usize = 64;

/// Serves a connection through the socket to its end.
pub(super) async fn serve_local(
    stream: UnixStream,
    caller: Local,
    routes: Router,
    service: &Arc<Service>,
    waiting: &Arc<waiting::ParkedConnection>,
) {
    speak(stream, Peer::local(caller), routes, service, waiting).await;
}

pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    routes: Router,
    service: &Arc<Service>,
    waiting: &Arc<waiting::ParkedConnection>,
) {
    // Answers are written at once and whole.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let peer = Peer {
            address,
            certificate: None,
            local: None,
        };
        return speak(stream, peer, routes, service, waiting).await;
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    match tokio::time::timeout(service.limits.header_time, handshake).await {
        Ok(Ok(stream)) => {
            let (_, connection) = stream.get_ref();
            let first = connection
                .peer_certificates()
                .and_then(|chain| chain.first());
            let certificate = first.map(|der| Sha256Digest::of(der));
            let peer = Peer {
                address,
                certificate,
                local: None,
            };
            speak(stream, peer, routes, service, waiting).await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS"),
        Err(_) => tracing::debug!(%address, "TLS took too long"),
    }
}

async fn speak<T>(
    stream: T,
    peer: Peer,
    routes: Router,
    service: &Arc<Service>,
    waiting: &Arc<waiting::ParkedConnection>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = StrictLines::new(WriteTimeout::new(stream, service.limits.stall_time));
    let answers = AnswerState::default();
    let stream = RefusedRequests::new(stream, answers.clone());
    let address = peer.address;
    let (here, at_work) = (Arc::clone(service), Arc::clone(waiting));
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let client = match peer.local {
            Some(_) => peer.address,
            None => here.access.client(peer.address, request.headers()),
        };
        request.extensions_mut().insert(Peer {
            address: client,
            ..peer.clone()
        });
        let routes = routes.clone();
        let waiting = Arc::clone(&at_work);
        waiting.works();
        answers.begins();
        let answers = answers.clone();
        async move {
            let answer = routes.oneshot(request).await;
            let answer = answer.unwrap_or_else(|e| match e {});
            // One that streams is at work until it ends.
            if answer.body().size_hint().exact().is_some() {
                waiting.waits();
            }
            Ok::<_, Infallible>(answer.map(|body| answers.watch(body)))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(service.limits.header_time)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    let mut stopping = service.stopping();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = waiting.told_to_leave() => return,
        // What is under way is answered; nothing more is read.
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "a connection broke off");
    }
}
