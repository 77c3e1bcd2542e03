//! sealbook: an append-only signed logbook and evidence ledger.

pub mod attestation;
#[cfg(feature = "files")]
pub mod files;
pub mod ledger;
#[cfg(feature = "files")]
pub mod manifest;
pub mod vacant;
