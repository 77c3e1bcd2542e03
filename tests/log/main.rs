//! What is asked of others about a public log: witnesses, monitors, timestamps. Every
//! other side is on this machine, and lies as a test tells it to.
#![cfg(all(feature = "client", feature = "files", feature = "timestamps"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed step fails the test"
)]

mod authority;
mod every_byte;
#[cfg(feature = "rocks")]
mod halts;
mod made;
mod monitors;
#[path = "../attest/registry_server.rs"]
#[allow(dead_code, reason = "the registry client's tests use more of it")]
mod server;
#[path = "../ledger/skipped.rs"]
mod skipped;
mod times;
mod timestamps;
mod witnesses;
