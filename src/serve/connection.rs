//! One connection: TLS if there is any, HTTP/1.1, and patience within limits.

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
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::line_ends::StrictLines;
use super::patience::Patient;
use super::service::{Service, told};
use super::waiting;
use crate::ledger::sha256::Sha256Digest;

/// Bytes of a request's head.
pub(super) const HEAD_BYTES: usize = 32 << 10;

const HEAD_LINES: usize = 64;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// SHA-256 of the client certificate, if one was asked for and verified.
    pub(super) certificate: Option<Sha256Digest>,
}

pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
    routes: Router,
    service: &Arc<Service>,
    waiting: &Arc<waiting::Connection>,
) {
    // Answers are written at once and whole.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let peer = Peer {
            address,
            certificate: None,
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
    waiting: &Arc<waiting::Connection>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = StrictLines::new(Patient::new(stream, service.limits.stall_time));
    let address = peer.address;
    let (here, at_work) = (Arc::clone(service), Arc::clone(waiting));
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let client = here.doors.client(peer.address, request.headers());
        request.extensions_mut().insert(Peer {
            address: client,
            certificate: peer.certificate,
        });
        let routes = routes.clone();
        let waiting = Arc::clone(&at_work);
        waiting.works();
        async move {
            let answer = routes.oneshot(request).await;
            let answer = answer.unwrap_or_else(|e| match e {});
            // One that streams is at work until it ends.
            if answer.body().size_hint().exact().is_some() {
                waiting.waits();
            }
            Ok::<_, Infallible>(answer)
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
