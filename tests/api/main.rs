//! The facade, as a program that embeds a ledger uses it. Without the feature
//! `rocks` what stands here runs on a ledger in memory alone.
#![cfg(feature = "store")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[cfg(feature = "parquet")]
#[path = "../writer/clock.rs"]
#[allow(dead_code, reason = "the writer's tests use more of it")]
mod clock;
mod dictionary;
mod errors;
mod index;
mod memory;
mod redact;
#[cfg(feature = "rocks")]
mod router;
mod spill;
#[cfg(feature = "parquet")]
mod table_set;
#[cfg(feature = "parquet")]
mod tables;
mod two_filters;
