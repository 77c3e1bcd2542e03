//! sealbook: an append-only signed logbook and evidence ledger.

#[cfg(feature = "store")]
pub mod audit;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "store")]
pub mod evidence;
pub mod ledger;
#[cfg(feature = "store")]
pub mod logbook;
#[cfg(feature = "store")]
pub mod store;
