//! The pure core: vectors, brute force, tampering. Needs no store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed step fails the test"
)]

mod adversary;
mod bundles;
mod ed25519;
mod entries;
mod logbooks;
mod merkle;
mod sample;
mod strict;
mod vectors;
