//! The writer, driven by hand: a clock that is set, a store that fails where
//! it is told to, a signer that refuses. Whatever a test does, the whole ledger
//! is verified again after it.
#![cfg(feature = "rocks")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[macro_use]
mod delegated;

mod appending;
mod beside;
mod book;
mod clock;
mod clocks;
mod crashes;
mod documents;
mod epochs;
mod evidence;
mod failures;
mod imports;
mod index;
mod marks;
mod payloads;
mod public_folder;
mod publishing;
mod rewriting;
mod rollbacks;
mod signers;
mod spy;
mod together;
mod version_1;
