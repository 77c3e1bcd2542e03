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
mod documents;
mod ed25519;
mod entries;
mod format;
mod heads;
mod logbooks;
mod merkle;
mod receipts;
mod roundtrip;
mod sample;
mod strict;
mod tampering;
mod vectors;
