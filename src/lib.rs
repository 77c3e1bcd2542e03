//! sealbook: an append-only signed logbook and evidence ledger.

pub mod ledger;
pub mod wcp;
