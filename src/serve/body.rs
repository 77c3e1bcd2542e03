//! Bodies: read whole within limits of size, time and memory, or passed on as
//! they come.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, Request};
use flate2::write::MultiGzDecoder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::StreamExt as _;

use super::config::ServeLimits;
use super::problem::Problem;

const UNIT: u64 = 64 << 10;

/// Bytes of a compressed body that are decompressed at a time.
const PIECE: usize = 1 << 10;

/// How long a body waits for memory before the server is called busy.
const WAIT: Duration = Duration::from_secs(2);

/// How much is read of a body that is too large, and how long.
const DRAINED: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The memory that bodies may take together.
pub(super) struct Bodies {
    units: Arc<Semaphore>,
    limit: u64,
    time: Duration,
}

pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    granted: Vec<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(super) fn new(limits: &ServeLimits) -> Bodies {
        let units = limits.bodies_bytes.div_ceil(UNIT).max(1);
        let units = usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS);
        Bodies {
            units: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            limit: limits.body_bytes,
            time: limits.body_time,
        }
    }

    pub(super) async fn read(&self, request: Request<Body>) -> Result<Whole, Problem> {
        let limit = self.limit;
        let gzip = is_gzip(request.headers())?;
        if declared(request.headers()).is_some_and(|length| length > limit) {
            drain(request.into_body().into_data_stream()).await;
            return Err(Problem::TooLarge { limit });
        }
        tokio::time::timeout(self.time, self.collect(request.into_body(), gzip))
            .await
            .unwrap_or(Err(Problem::BodyTooSlow))
    }

    /// Memory is granted as the bytes come, not as they are announced: who
    /// announces much and sends nothing holds nothing. The limit is for what is
    /// inside of a compressed body.
    async fn collect(&self, body: Body, gzip: bool) -> Result<Whole, Problem> {
        let mut whole = Whole {
            bytes: Vec::new(),
            granted: Vec::new(),
        };
        let mut decoder = gzip.then(|| MultiGzDecoder::new(Vec::new()));
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Problem::BodyBroken)?;
            // A piece that is this small decompresses to a megabyte at most.
            let size = if gzip { PIECE } else { chunk.len().max(1) };
            for piece in chunk.chunks(size) {
                let taken = match &mut decoder {
                    None => self.take(&mut whole, piece).await,
                    Some(decoder) => {
                        let written = decoder.write_all(piece);
                        written.map_err(|_| Problem::BodyBroken)?;
                        let inside = std::mem::take(decoder.get_mut());
                        self.take(&mut whole, &inside).await
                    }
                };
                if let Err(problem) = taken {
                    drain(chunks).await;
                    return Err(problem);
                }
            }
        }
        if let Some(mut decoder) = decoder {
            decoder.try_finish().map_err(|_| Problem::BodyBroken)?;
            let inside = std::mem::take(decoder.get_mut());
            self.take(&mut whole, &inside).await?;
        }
        Ok(whole)
    }

    async fn take(&self, whole: &mut Whole, bytes: &[u8]) -> Result<(), Problem> {
        let length = whole.bytes.len().saturating_add(bytes.len()) as u64;
        if length > self.limit {
            return Err(Problem::TooLarge { limit: self.limit });
        }
        while length > whole.granted.len() as u64 * UNIT {
            let unit = Arc::clone(&self.units).acquire_owned();
            match tokio::time::timeout(WAIT, unit).await {
                Ok(Ok(unit)) => whole.granted.push(unit),
                _ => return Err(Problem::Busy),
            }
        }
        whole.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Whether a body is compressed; other encodings than gzip are refused.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut gzip = false;
    for line in headers.get_all(CONTENT_ENCODING) {
        let names = line.to_str().unwrap_or("?").split(',').map(str::trim);
        for name in names.filter(|name| !name.eq_ignore_ascii_case("identity")) {
            let known = ["gzip", "x-gzip"]
                .iter()
                .any(|one| name.eq_ignore_ascii_case(one));
            if !known || gzip {
                return Err(Problem::ContentEncoding);
            }
            gzip = true;
        }
    }
    Ok(gzip)
}

/// Reads on for a while and keeps nothing: a client that is cut off while it
/// sends does not see why.
pub(super) async fn drain(mut chunks: BodyDataStream) {
    let drained = async {
        let mut left = DRAINED;
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
}

pub(super) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
