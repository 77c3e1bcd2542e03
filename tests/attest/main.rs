//! Attestation: packages, artifact manifests, the registry client.
#![cfg(feature = "files")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed step fails the test"
)]

mod contents;
mod manifest;
mod manifest_attacks;
mod manifest_invariants;
mod manifest_scene;
mod package;
mod package_attacks;
mod package_vectors;
mod record;
#[cfg(feature = "client")]
mod registry;
#[cfg(feature = "client")]
#[allow(dead_code, reason = "the tests of public logs use more of it")]
mod registry_server;
mod scene;
