//! Ledgers whose record is in an object store.
#![cfg(feature = "bucket")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod archived;
mod commands;
mod committing;
mod crossing;
mod damaged;
mod decisions;
mod erased;
mod faulty;
mod fleet;
mod indexed;
mod machine;
mod model;
mod pruned;
mod published;
mod s3;
#[path = "../ledger/skipped.rs"]
mod skipped;
mod standby;
mod trusted;
mod witnessed;
