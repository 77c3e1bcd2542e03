//! Verifying a file that somebody sends: streamed, and never kept.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use utoipa::ToSchema;

use super::actor::Actor;
use super::body::{declared, drain};
use super::config::ServeLimits;
use super::endpoint::{Endpoint, Need, Takes};
use super::params::Params;
use super::problem::Problem;
use super::scope::Scope;
use super::service::Service;
use crate::api::{Error, verify_as};
use crate::ledger::fault::{Fault, Format, KeySource, NotChecked, Report, Verdict, Warning};
use crate::ledger::hash::Hash;
use crate::ledger::key::PublicKey;
use crate::ledger::policy::Policy;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::source::ReadError;

/// Bytes of a body that are waited for before a place is taken.
const BEGINNING: usize = 1 << 20;

/// Chunks that may wait for the verifier.
const AHEAD: usize = 8;

/// A verdict (SPEC §6).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportText {
    /// `pass` or `fail`.
    #[schema(value_type = String)]
    verdict: Verdict,
    #[schema(value_type = String)]
    format: Format,
    entries: u64,
    epochs: u64,
    #[schema(value_type = String)]
    head: Hash,
    #[schema(value_type = Option<String>)]
    log: Option<PublicKey>,
    #[schema(value_type = Option<String>)]
    genesis: Option<Hash>,
    #[schema(value_type = String)]
    key_source: KeySource,
    #[schema(value_type = Vec<Object>)]
    faults: Vec<Fault>,
    #[schema(value_type = Vec<String>)]
    not_checked: Vec<NotChecked>,
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<Warning>,
    elapsed_ms: u64,
}

impl ReportText {
    fn new(report: Report, elapsed_ms: u64) -> ReportText {
        ReportText {
            verdict: report.verdict,
            format: report.format,
            entries: report.entries,
            epochs: report.epochs,
            head: report.head,
            log: report.log,
            genesis: report.genesis,
            key_source: report.key_source,
            faults: report.faults,
            not_checked: report.not_checked,
            warnings: report.warnings,
            elapsed_ms,
        }
    }
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
        ("as" = Option<String>, Query, description = "logbook, bundle, proof, equivocation, report or parquet"),
        ("expect_head" = Option<String>, Query, description = "The hash of the last entry"),
        ("revoked" = Option<Vec<String>>, Query,
            description = "What a file with a revocation says, which ends the log"),
        ("allow_unsigned" = Option<bool>, Query,
            description = "Whether a bundle may pass whose closing record is not signed"),
        ("allow_revocation_not_applicable" = Option<bool>, Query,
            description = "Whether something may pass of which a revocation does not show whether it comes before its place")),
    responses((status = 200, description = "The verdict", body = ReportText)))]
pub(super) async fn verify_upload(
    State(service): State<Arc<Service>>,
    actor: Actor,
    mut params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let (policy, pinned) = believed(&service, &mut params)?;
    params.finish()?;
    let limit = service.limits.upload_bytes;
    let begun = Instant::now();
    let judge = move |file: Upload| verify_as(file, pinned, limit, &policy);
    let report = receive(&service, &actor, request, judge).await?;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = report.map_err(|error| match error {
        Error::Read(ReadError::Unsupported(_)) => Problem::FormatUnsupported,
        Error::Read(_) => Problem::BodyBroken,
        other => other.into(),
    })?;
    Ok(Json(ReportText::new(report, elapsed_ms)).into_response())
}

/// On what a file is believed, and what it has to be.
pub(super) fn believed(
    service: &Service,
    params: &mut Params,
) -> Result<(Policy, Option<Format>), Problem> {
    let keys = params.all("key").into_iter();
    let hex = |key: String| {
        key.split_whitespace()
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let keys = keys.map(|key| PublicKey::from_hex(&hex(key)));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|_| key_refused())?;
    let expect_head = params.one("expect_head")?;
    let expect_head = expect_head.map(|hash| Hash::from_hex(&hash)).transpose()?;
    let pinned = params.one("as")?.map(|name| format(&name)).transpose()?;
    let revocations = params.all("revoked").into_iter();
    let revocations = revocations.map(|text| SignedRevocation::from_file(text.as_bytes()));
    let revocations = revocations.collect::<Result<_, _>>();
    let mut revocations: Vec<_> = revocations.map_err(|_| revocation_refused())?;
    // Of logs that nobody trusts here they say nothing.
    let known = service.revocations.iter();
    let known = known.filter(|it| keys.contains(&it.content.log) && !revocations.contains(it));
    let known: Vec<_> = known.cloned().collect();
    revocations.extend(known);
    let mut allowed = |what| Ok::<_, Problem>(params.one(what)?.as_deref() == Some("true"));
    let allow_unsigned = allowed("allow_unsigned")?;
    let allow_unapplied_revocations = allowed("allow_revocation_not_applicable")?;
    let policy = Policy {
        keys,
        expect_head,
        revocations,
        allow_unsigned,
        allow_unapplied_revocations,
        ..Policy::default()
    };
    Ok((policy, pinned))
}

/// A file as it comes in.
pub(super) type Upload = WatchedReader<Chunks>;

/// Has `work` read the file that a request brings, on a thread of its own and within
/// the limits.
pub(super) async fn receive<T: Send + 'static>(
    service: &Service,
    actor: &Actor,
    request: Request,
    work: impl FnOnce(Upload) -> T + Send + 'static,
) -> Result<T, Problem> {
    let limit = service.limits.upload_bytes;
    if declared(request.headers()).is_some_and(|length| length > limit) {
        drain(request.into_body().into_data_stream()).await;
        return Err(Problem::TooLarge { limit });
    }
    let limits = &service.limits;
    // What comes slowly has no place yet: it would be held for nothing.
    let mut body = Arriving::of(request.into_body(), limits);
    body.beginning().await?;
    let place = service.pools.long_work(&actor.payer()).await?;
    let (sender, chunks) = mpsc::channel(AHEAD);
    let begun = Instant::now();
    let watched = WatchedUpload::until(begun.checked_add(limits.verify_time));
    // Dropped with this answer, should the client leave before it is there.
    let _left = StopOnDrop(Arc::clone(&watched.stopped));
    let overtime = Arc::clone(&watched.overtime);
    let judged = service.pools.behind(move || {
        let chunks = WatchedReader(Chunks::new(chunks), watched);
        let done = work(chunks);
        drop(place);
        done
    });
    let passed_on = body.pass_on(sender, limit).await;
    let done = judged.await.map_err(|_| Problem::Abandoned)?;
    passed_on?;
    if overtime.load(Ordering::Relaxed) {
        return Err(Problem::TooMuchWork);
    }
    Ok(done)
}

/// A body as it comes, in time.
struct Arriving {
    chunks: axum::body::BodyDataStream,
    /// What came before the verifier had a place.
    kept: Vec<axum::body::Bytes>,
    ended: bool,
    /// How long the next part may take.
    timeout: Duration,
    /// How long the beginning may take.
    beginning_time: Duration,
    /// Bytes a second that have to come, over all.
    slowest: u64,
}

impl Arriving {
    fn of(body: Body, limits: &ServeLimits) -> Arriving {
        Arriving {
            chunks: body.into_data_stream(),
            kept: Vec::new(),
            ended: false,
            timeout: limits.stall_time,
            beginning_time: limits.body_time,
            slowest: limits.slowest,
        }
    }

    /// The next part; none at the end.
    async fn next(&mut self, timeout: Duration) -> Result<Option<axum::body::Bytes>, Problem> {
        match tokio::time::timeout(timeout.min(self.timeout), self.chunks.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(_))) => Err(Problem::BodyBroken),
            Err(_) => Err(Problem::BodyTooSlow),
        }
    }

    /// Waits until so much is there that verifying it is work, or all of it.
    async fn beginning(&mut self) -> Result<(), Problem> {
        let begun = Instant::now();
        let mut length = 0;
        while length < BEGINNING {
            let left = self.beginning_time.saturating_sub(begun.elapsed());
            let Some(chunk) = self.next(left).await? else {
                self.ended = true;
                return Ok(());
            };
            length += chunk.len();
            self.kept.push(chunk);
        }
        Ok(())
    }

    /// Passes the body on to the verifier, as fast as it reads.
    async fn pass_on(
        mut self,
        sender: mpsc::Sender<io::Result<axum::body::Bytes>>,
        limit: u64,
    ) -> Result<(), Problem> {
        let mut passed = 0_u64;
        // The time that the client took, and not the verifier.
        let mut waited = Duration::ZERO;
        let mut kept = std::mem::take(&mut self.kept).into_iter();
        loop {
            let chunk = match kept.next() {
                Some(chunk) => Ok(Some(chunk)),
                None if self.ended => Ok(None),
                None => {
                    let in_time = Duration::from_secs(passed / self.slowest.max(1)) + self.timeout;
                    let begun = Instant::now();
                    let chunk = self.next(in_time.saturating_sub(waited)).await;
                    waited += begun.elapsed();
                    chunk
                }
            };
            let problem = match chunk {
                Ok(None) => return Ok(()),
                Ok(Some(chunk)) => {
                    passed = passed.saturating_add(chunk.len() as u64);
                    if passed <= limit {
                        // A verifier that has seen enough reads no more; the rest
                        // still has to come, so that the answer can go.
                        let _ = sender.send(Ok(chunk)).await;
                        continue;
                    }
                    Problem::TooLarge { limit }
                }
                Err(problem) => problem,
            };
            let broken = io::Error::from(io::ErrorKind::UnexpectedEof);
            let _ = sender.send(Err(broken)).await;
            if matches!(problem, Problem::TooLarge { .. }) {
                drain(self.chunks).await;
            }
            return Err(problem);
        }
    }
}

/// Says to the verifier that nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A stream that ends with an error when it is told to, or when its time is up.
pub(super) struct WatchedUpload {
    stopped: Arc<AtomicBool>,
    overtime: Arc<AtomicBool>,
    until: Option<Instant>,
}

impl WatchedUpload {
    fn until(until: Option<Instant>) -> WatchedUpload {
        WatchedUpload {
            stopped: Arc::default(),
            overtime: Arc::default(),
            until,
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.until.is_some_and(|until| until < Instant::now()) {
            self.overtime.store(true, Ordering::Relaxed);
        }
        let over = [&self.stopped, &self.overtime];
        match over.into_iter().any(|over| over.load(Ordering::Relaxed)) {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(()),
        }
    }
}

pub(super) struct WatchedReader<R>(R, WatchedUpload);

impl<R: Read> Read for WatchedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1.check()?;
        self.0.read(buffer)
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
        "parquet" => Ok(Format::Parquet),
        _ => Err(Problem::Argument {
            what: "as",
            expected: "logbook, bundle, proof, equivocation, report or parquet is needed",
        }),
    }
}

/// The chunks of a body as a file.
pub(super) struct Chunks {
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
