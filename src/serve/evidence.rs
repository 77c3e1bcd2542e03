//! Evidence out of the ledger: proofs, and bundles as they are written.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::endpoint::{Endpoint, Need, Takes};
use super::entries::{find, json};
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::evidence::prove;
use crate::evidence::range::{RangeExport, export_range};
use crate::evidence::selection::{SelectionExport, export_selection};
use crate::ledger::position::Seq;
use crate::store::query::Filter;

/// Bytes that are sent together.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait for a slow client.
const AHEAD: usize = 4;

type Chunk = Result<Vec<u8>, io::Error>;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let need = Need::Scope(Scope::Read);
    vec![
        Endpoint::new::<__path_proof, _, _>(need, Takes::Nothing, proof),
        Endpoint::new::<__path_bundle, _, _>(need, Takes::Nothing, bundle),
    ]
}

/// The inclusion proof of a sealed entry.
#[utoipa::path(get, path = "/v1/entries/{id}/proof", tag = "ledger",
    params(("id" = String, Path, description = "A sequence number, or 64 hex digits of a hash")),
    responses((status = 200, description = "The proof", body = Object),
        (status = 409, description = "It is not sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn proof(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.finish()?;
    let store = service.store();
    let read = move || {
        let (seq, _) = find(&*store, &id)?;
        Ok(prove(&*store, seq)?.to_bytes())
    };
    Ok(json(service.pools.read(read).await?))
}

/// An evidence bundle, streamed: of a range, or with other filters of a
/// selection, which leaves out what is not sealed yet.
#[utoipa::path(get, path = "/v1/bundle", tag = "ledger",
    params(
        ("kind" = Option<Vec<String>>, Query, description = "Any of these kinds"),
        ("since" = Option<String>, Query, description = "Not before this time (RFC 3339)"),
        ("until" = Option<String>, Query, description = "Not after this time (RFC 3339)"),
        ("tenant" = Option<String>, Query), ("correlation" = Option<String>, Query),
        ("worker" = Option<String>, Query), ("decision" = Option<String>, Query),
        ("denied" = Option<bool>, Query),
        ("from_seq" = Option<u64>, Query), ("until_seq" = Option<u64>, Query)),
    responses((status = 200, description = "The bundle: JSON Lines", body = String,
            content_type = "application/x-ndjson"),
        (status = 409, description = "Nothing of it is sealed yet",
            body = super::problem::ErrorBody)))]
pub(super) async fn bundle(
    State(service): State<Arc<Service>>,
    mut params: Params,
) -> Result<Response, Problem> {
    let filter = params.filter()?;
    params.finish()?;
    let place = service.pools.long_work().await?;
    let (sender, mut chunks) = mpsc::channel::<Chunk>(AHEAD);
    let out = ChunkWriter {
        chunk: Vec::with_capacity(CHUNK),
        sender,
        runtime: Handle::current(),
        patience: service.limits.stall_time,
    };
    let here = Arc::clone(&service);
    let written = tokio::task::spawn_blocking(move || {
        let written = write_bundle(&here, &filter, out);
        drop(place);
        written
    });
    // Nothing is said before there is something: what fails at once is an error
    // of its own, and not a bundle that breaks off.
    let Some(Ok(first)) = chunks.recv().await else {
        return match written.await {
            Ok(Err(problem)) => Err(problem),
            _ => Err(Problem::Abandoned),
        };
    };
    let rest = ReceiverStream::new(chunks);
    let body = Body::from_stream(tokio_stream::once(Ok(first)).chain(rest));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"evidence.bundle\"",
        ),
    ];
    Ok((headers, body).into_response())
}

fn write_bundle(service: &Service, filter: &Filter, out: ChunkWriter) -> Result<(), Problem> {
    let store = service.logbook.store();
    let signer = Some(&*service.signer);
    let sender = out.sender.clone();
    let written = if is_range(filter) {
        let head = service.logbook.head()?;
        let last = filter.until_seq.unwrap_or(head.content.seq);
        let export = RangeExport {
            first: filter.from_seq.unwrap_or(Seq::FIRST),
            last: last.min(head.content.seq),
            head: Some(&head),
            signer,
            progress: &mut |_| (),
        };
        export_range(&**store, out, export).map(|(out, _)| out)
    } else {
        let export = SelectionExport {
            filter,
            signer,
            progress: &mut |_| (),
        };
        export_selection(&**store, out, export).map(|(out, _)| out)
    };
    let flushed = written.map(|mut out| out.flush());
    match flushed {
        Ok(_) => Ok(()),
        Err(error) => {
            // If something was sent already, the answer breaks off: a client
            // must not take half a bundle for a whole one.
            let _ = sender.try_send(Err(io::Error::other("the bundle could not be written")));
            Err(error.into())
        }
    }
}

/// Nothing but a range is asked for.
fn is_range(filter: &Filter) -> bool {
    let only_range = Filter {
        from_seq: filter.from_seq,
        until_seq: filter.until_seq,
        ..Filter::default()
    };
    *filter == only_range
}

/// Hands chunks over to whoever sends them, and waits for a slow client, but
/// not for ever.
struct ChunkWriter {
    chunk: Vec<u8>,
    sender: mpsc::Sender<Chunk>,
    runtime: Handle,
    patience: Duration,
}

impl ChunkWriter {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let sending = self.sender.send(Ok(chunk));
        let patience = self.patience;
        // The timer is made where there is a runtime.
        let sent = self
            .runtime
            .block_on(async move { tokio::time::timeout(patience, sending).await });
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
