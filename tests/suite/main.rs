//! Everything that is tested through the public names, in one binary: linking
//! RocksDB takes longer than most of what is tested.
#![cfg(feature = "rocks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod query;
mod sample;
mod store_contract;
mod store_faults;
mod store_growth;
mod store_places;
mod store_scrubbed;
mod tiles;
