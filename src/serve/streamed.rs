//! Answers that are written while they are sent.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::problem::Problem;
use super::rate::Payer;
use super::service::Service;

/// Bytes that are sent together.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait for a slow client.
const AHEAD: usize = 4;

type Chunk = Result<Vec<u8>, io::Error>;

pub(super) struct StreamedFile {
    pub(super) media_type: &'static str,
    /// `attachment; filename="…"`
    pub(super) disposition: &'static str,
}

pub(super) async fn streamed(
    service: &Arc<Service>,
    payer: &Payer,
    file: StreamedFile,
    write: impl FnOnce(&Service, ChunkWriter) -> Result<ChunkWriter, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let place = service.pools.long_work(payer).await?;
    let (sender, mut chunks) = mpsc::channel::<Chunk>(AHEAD);
    let out = ChunkWriter {
        chunk: Vec::with_capacity(CHUNK),
        sender: sender.clone(),
        runtime: Handle::current(),
        timeout: service.limits.stall_time,
        slowest: service.limits.slowest,
        sent: 0,
        begun: Instant::now(),
    };
    let here = Arc::clone(service);
    let written = tokio::task::spawn_blocking(move || {
        let written = write(&here, out).map(|mut out| out.flush());
        drop(place);
        match written {
            Ok(_) => Ok(()),
            Err(error) => {
                // If something was sent already, the answer breaks off: a client
                // must not take half of it for the whole.
                let _ = sender.try_send(Err(io::Error::other("it could not be written")));
                Err(error)
            }
        }
    });
    // Nothing is said before there is something: what fails at once is an error
    // of its own, and not an answer that breaks off.
    let first = match chunks.recv().await {
        Some(Ok(first)) => first,
        _ => {
            return match written.await {
                Ok(Err(problem)) => Err(problem),
                _ => Err(Problem::Abandoned),
            };
        }
    };
    let rest = ReceiverStream::new(chunks);
    let body = Body::from_stream(tokio_stream::once(Ok(first)).chain(rest));
    let headers = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CONTENT_DISPOSITION, file.disposition),
    ];
    Ok((headers, body).into_response())
}

/// Hands chunks over to the connection, and waits for a slow client, but not for ever.
pub(super) struct ChunkWriter {
    chunk: Vec<u8>,
    sender: mpsc::Sender<Chunk>,
    runtime: Handle,
    timeout: Duration,
    /// Bytes a second that a client has to take, over all.
    slowest: u64,
    sent: u64,
    begun: Instant,
}

impl ChunkWriter {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.sent = self.sent.saturating_add(chunk.len() as u64);
        let sending = self.sender.send(Ok(chunk));
        // A client that takes a byte now and then does not keep its place.
        let in_time = Duration::from_secs(self.sent / self.slowest.max(1)) + self.timeout;
        let timeout = self
            .timeout
            .min(in_time.saturating_sub(self.begun.elapsed()));
        // The timer is made where there is a runtime.
        let sent = self
            .runtime
            .block_on(async move { tokio::time::timeout(timeout, sending).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.chunk.is_empty() {
            true => Ok(()),
            false => self.send(),
        }
    }
}
