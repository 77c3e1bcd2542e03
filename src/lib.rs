//! **sealbook**: an append-only signed logbook and evidence ledger.
//!
//! Entries are hash-chained and signed, hours are sealed under Merkle roots, and
//! what is taken out of a ledger is verified by strangers, offline, with the
//! log's key alone.
//!
//! ```text
//!              pure                       on disk
//! ┌──────────────────────────┐  ┌──────────────────────────┐
//! │ ledger   formats, verify │◀─│ store     keeps bytes    │
//! └──────────────────────────┘  │ logbook   the one writer │◀── cli ◀── main
//!                               │ audit     a ledger, read │
//!                               │ evidence  taken out      │
//!                               │ imports   taken in       │
//!                               │ backup    copied whole   │
//!                               └──────────────────────────┘
//! ```
//! The producers stand beside: [`wcp`] decides routes, `attestation` and
//! `manifest` verify packages and artifacts, [`vacant`] has identities and
//! cards. [`record`] makes entries of their outcomes, [`replay`] computes recorded
//! decisions again. Arrows point left only. [`ledger`] says what the formats are, [`store`]
//! what is kept and how a commit is ordered, [`logbook`] how entries become
//! durable.

pub mod attestation;
#[cfg(feature = "store")]
pub mod audit;
#[cfg(feature = "store")]
pub mod backup;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "store")]
pub mod evidence;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "store")]
pub mod imports;
pub mod ledger;
#[cfg(feature = "store")]
pub mod logbook;
#[cfg(feature = "files")]
pub mod manifest;
pub mod record;
pub mod replay;
#[cfg(feature = "store")]
pub mod report;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "store")]
pub mod store;
pub mod vacant;
pub mod wcp;

pub use record::Hall;
