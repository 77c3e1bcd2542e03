//! The pure core: vectors, brute force, tampering. Needs no store.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed step fails the test"
)]

mod adversary;
mod agreement;
#[path = "../../tools/break-books/book.rs"]
mod book;
#[path = "../../tools/break-books/breaker.rs"]
mod breaker;
mod bundles;
mod checkpoints;
mod denied;
mod documents;
mod ed25519;
mod entries;
mod equivocation;
mod explained;
mod format;
mod format_public;
mod heads;
mod logbooks;
mod merkle;
mod notes;
mod public_names;
mod receipts;
mod roundtrip;
mod sample;
#[path = "../../tools/break-books/score.rs"]
mod score;
mod second_key;
mod skipped;
mod strict;
mod suite;
mod tampering;
mod tlog;
mod vectors;
mod witness_answers;
mod witness_policies;
