//! The server, over HTTP: every endpoint as a client meets it, who is let in,
//! what it bears, and how it ends.
#![cfg(all(feature = "serve", feature = "client", feature = "cli"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod access;
mod alike;
mod answer;
mod appending;
mod approvals;
mod described;
mod elsewhere;
mod endpoints;
mod erasures;
mod evidence;
mod frozen;
mod given;
mod hall;
mod idempotency;
mod incident;
mod limits;
mod managed;
mod outside;
mod page;
mod place;
mod process;
mod reading;
mod readme;
mod registry;
mod remote;
mod reported;
mod sealing;
mod sinks;
#[path = "../ledger/skipped.rs"]
mod skipped;
mod socket;
mod tail;
#[cfg(feature = "otlp")]
mod telemetry;
mod tokens;
mod users;
mod verdicts;
mod wire;
