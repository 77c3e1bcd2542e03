//! Verifying a file that somebody sends: streamed, and never kept.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use utoipa::ToSchema;

use super::body::{declared, drain};
use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::api::{Error, verify_as};
use crate::ledger::fault::{Format, Report};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::policy::Policy;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::source::ReadError;

/// Chunks that may wait for the verifier.
const AHEAD: usize = 8;

/// A verdict (SPEC §6).
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes a report")]
pub(super) struct ReportText {
    /// `pass` or `fail`.
    verdict: String,
    format: String,
    entries: u64,
    epochs: u64,
    head: String,
    log: Option<String>,
    genesis: Option<String>,
    key_source: String,
    #[schema(value_type = Vec<Object>)]
    faults: (),
    not_checked: Vec<String>,
    #[schema(value_type = Vec<Object>)]
    warnings: (),
    elapsed_ms: u64,
}

#[derive(Serialize)]
struct Sent {
    #[serde(flatten)]
    report: Report,
    elapsed_ms: u64,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new::<__path_verify_upload, _, _>(
        Need::Scope(Scope::Read),
        Takes::Upload,
        verify_upload,
    )]
}

/// Verifies a logbook, bundle, report or proof (of an entry, or of equivocation). A verdict of `fail` is an answer.
#[utoipa::path(post, path = "/v1/verify", tag = "ledger",
    request_body(content = String, content_type = "application/octet-stream"),
    params(
        ("key" = Option<Vec<String>>, Query,
            description = "A trusted key, 64 hex digits; without one the verdict is `fail`"),
        ("as" = Option<String>, Query, description = "logbook, bundle, proof, equivocation or report"),
        ("expect_head" = Option<String>, Query, description = "The hash of the last entry"),
        ("revoked" = Option<Vec<String>>, Query,
            description = "What a file with a revocation says, which ends the log"),
        ("allow_unsigned" = Option<bool>, Query,
            description = "Whether a bundle may pass whose closing record is not signed")),
    responses((status = 200, description = "The verdict", body = ReportText)))]
pub(super) async fn verify_upload(
    State(service): State<Arc<Service>>,
    mut params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let keys = params.all("key").into_iter();
    let hex = |key: String| {
        key.split_whitespace()
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let keys = keys.map(|key| PublicKey::from_hex(&hex(key)));
    let keys = keys.collect::<Result<_, _>>().map_err(|_| key_refused())?;
    let expect_head = params.one("expect_head")?;
    let expect_head = expect_head.map(|hash| Hash::from_hex(&hash)).transpose()?;
    let pinned = params.one("as")?.map(|name| format(&name)).transpose()?;
    let revocations = params.all("revoked").into_iter();
    let revocations = revocations.map(|text| SignedRevocation::from_file(text.as_bytes()));
    let revocations = revocations.collect::<Result<_, _>>();
    let allow_unsigned = params.one("allow_unsigned")?;
    params.finish()?;
    let policy = Policy {
        keys,
        expect_head,
        revocations: revocations.map_err(|_| revocation_refused())?,
        allow_unsigned: allow_unsigned.as_deref() == Some("true"),
        ..Policy::default()
    };
    let limit = service.limits.upload_bytes;
    if declared(request.headers()).is_some_and(|length| length > limit) {
        drain(request.into_body().into_data_stream()).await;
        return Err(Problem::TooLarge { limit });
    }
    let place = service.pools.long_work().await?;
    let (sender, chunks) = mpsc::channel(AHEAD);
    let begun = Instant::now();
    let judged = tokio::task::spawn_blocking(move || {
        let report = verify_as(Chunks::new(chunks), pinned, limit, &policy);
        drop(place);
        report
    });
    let patience = service.limits.stall_time;
    let passed_on = pass_on(request.into_body(), sender, limit, patience).await;
    let report = judged.await.map_err(|_| Problem::Abandoned)?;
    passed_on?;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = report.map_err(|error| match error {
        Error::Read(ReadError::Unsupported(_)) => Problem::FormatUnsupported,
        Error::Read(_) => Problem::BodyBroken,
        other => other.into(),
    })?;
    Ok(Json(Sent { report, elapsed_ms }).into_response())
}

/// Passes the body on to the verifier, as fast as it reads.
async fn pass_on(
    body: Body,
    sender: mpsc::Sender<io::Result<axum::body::Bytes>>,
    limit: u64,
    patience: Duration,
) -> Result<(), Problem> {
    let mut chunks = body.into_data_stream();
    let mut passed = 0_u64;
    loop {
        let problem = match tokio::time::timeout(patience, chunks.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(chunk))) => {
                passed = passed.saturating_add(chunk.len() as u64);
                if passed <= limit {
                    // A verifier that has seen enough reads no more; the rest
                    // still has to come, so that the answer can go.
                    let _ = sender.send(Ok(chunk)).await;
                    continue;
                }
                Problem::TooLarge { limit }
            }
            Ok(Some(Err(_))) => Problem::BodyBroken,
            Err(_) => Problem::BodyTooSlow,
        };
        let broken = io::Error::from(io::ErrorKind::UnexpectedEof);
        let _ = sender.send(Err(broken)).await;
        if matches!(problem, Problem::TooLarge { .. }) {
            drain(chunks).await;
        }
        return Err(problem);
    }
}

fn revocation_refused() -> Problem {
    Problem::Argument {
        what: "revoked",
        expected: "a revocation is needed, signed by the key that it names",
    }
}

fn key_refused() -> Problem {
    Problem::Argument {
        what: "key",
        expected: "64 hex digits are needed",
    }
}

fn format(name: &str) -> Result<Format, Problem> {
    match name {
        "logbook" => Ok(Format::Logbook),
        "bundle" => Ok(Format::Bundle),
        "proof" => Ok(Format::Proof),
        "equivocation" => Ok(Format::Equivocation),
        "report" => Ok(Format::Report),
        _ => Err(Problem::Argument {
            what: "as",
            expected: "logbook, bundle, proof, equivocation or report is needed",
        }),
    }
}

/// The chunks of a body as a file.
struct Chunks {
    chunks: mpsc::Receiver<io::Result<axum::body::Bytes>>,
    current: axum::body::Bytes,
}

impl Chunks {
    fn new(chunks: mpsc::Receiver<io::Result<axum::body::Bytes>>) -> Chunks {
        Chunks {
            chunks,
            current: axum::body::Bytes::new(),
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.current = chunk?,
            }
        }
        let length = (&*self.current).read(buffer)?;
        let _ = self.current.split_to(length);
        Ok(length)
    }
}
