//! What the server says of itself while it runs: JSON Lines on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::time::SystemTime;

/// What is logged, in the syntax of `tracing`; by default every request.
const VARIABLE: &str = "SEALBOOK_LOG";

pub(super) fn begin() {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    let logs = fmt()
        .json()
        .flatten_event(true)
        .with_timer(SystemTime)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A logger that is there already goes on.
    let _ = logs.try_init();
}
