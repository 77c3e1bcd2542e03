//! What is posted to be recorded: read whole, and taken up on a thread that may
//! block.

use std::sync::Arc;

use axum::extract::Request;

use super::problem::Problem;
use super::service::Service;

/// Has `work` take up the body of a request, if anything is recorded at all.
pub(super) async fn take_up<T: Send + 'static>(
    service: Arc<Service>,
    request: Request,
    work: impl FnOnce(&Service, &[u8]) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    service.check_recording()?;
    let body = service.bodies.read(request).await?;
    let here = Arc::clone(&service);
    let work = move || work(&here, &body.bytes);
    service.pools.read(work).await
}
