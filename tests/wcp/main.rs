//! WCP routing from outside: the reference vectors, properties, hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod bulk;
mod catalog;
#[cfg(all(feature = "rego", feature = "cli"))]
mod fenced;
mod hall;
mod hostile;
mod inputs;
#[cfg(feature = "store")]
mod producers;
mod properties;
#[cfg(feature = "store")]
mod record;
mod registry;
#[cfg(feature = "rego")]
mod rego;
#[cfg(feature = "store")]
mod replay;
mod router;
mod rules;
#[cfg(feature = "store")]
mod scene;
mod support;
mod validate;
mod varied;
mod vectors;
#[cfg(feature = "store")]
mod versions;
