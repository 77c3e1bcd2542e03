//! Bodies: read whole within limits of size, time and memory, or passed on as
//! they come.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::StreamExt as _;

use super::config::Limits;
use super::problem::Problem;

/// What memory is counted in.
const UNIT: u64 = 64 << 10;

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

/// A body, and the memory it was granted.
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    granted: Vec<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(super) fn new(limits: &Limits) -> Bodies {
        let units = limits.bodies_bytes.div_ceil(UNIT).max(1);
        let units = usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS);
        Bodies {
            units: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            limit: limits.body_bytes,
            time: limits.body_time,
        }
    }

    /// The whole body of a request.
    pub(super) async fn read(&self, request: Request<Body>) -> Result<Whole, Problem> {
        let limit = self.limit;
        if declared(request.headers()).is_some_and(|length| length > limit) {
            drain(request.into_body().into_data_stream()).await;
            return Err(Problem::TooLarge { limit });
        }
        tokio::time::timeout(self.time, self.collect(request.into_body()))
            .await
            .unwrap_or(Err(Problem::BodyTooSlow))
    }

    /// Memory is granted as the bytes come, not as they are announced: who
    /// announces much and sends nothing holds nothing.
    async fn collect(&self, body: Body) -> Result<Whole, Problem> {
        let mut whole = Whole {
            bytes: Vec::new(),
            granted: Vec::new(),
        };
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Problem::BodyBroken)?;
            let length = whole.bytes.len().saturating_add(chunk.len()) as u64;
            if length > self.limit {
                drain(chunks).await;
                return Err(Problem::TooLarge { limit: self.limit });
            }
            while length > whole.granted.len() as u64 * UNIT {
                let unit = Arc::clone(&self.units).acquire_owned();
                match tokio::time::timeout(WAIT, unit).await {
                    Ok(Ok(unit)) => whole.granted.push(unit),
                    _ => return Err(Problem::Busy),
                }
            }
            whole.bytes.extend_from_slice(&chunk);
        }
        Ok(whole)
    }
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

/// The length that a request announces.
pub(super) fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
