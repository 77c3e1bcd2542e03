//! sealbook: an append-only signed logbook and evidence ledger.

pub mod ledger;
#[cfg(feature = "store")]
pub mod logbook;
#[cfg(feature = "store")]
pub mod store;
