//! WCP routing from outside: the reference vectors, properties, hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // A panic is how a test fails.

mod support;
mod vectors;
