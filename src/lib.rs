//! **sealbook**: an append-only signed logbook and evidence ledger.
//!
//! Entries are hash-chained and signed, hours are sealed under Merkle roots, and
//! what is taken out of a ledger is verified by third parties, offline, with the
//! log's key alone.
//!
//! A router that embeds one records what it decides, and proves it:
//!
//! ```standalone_crate
//! use sealbook::ledger::parse::parse;
//! use sealbook::wcp::RouteInput;
//! use sealbook::{Hall, Ledger, Options, Policy, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # std::env::set_current_dir(&dir)?;
//! # std::fs::create_dir("enrolled")?;
//! # std::fs::write("rules.json", r#"{"rules": [{"rule_id": "r", "match": {"capability_id": "cap.a"},
//! #     "decision": {"candidate_workers_ranked": [{"worker_species_id": "wrk.a"}]}}]}"#)?;
//! # std::fs::write("enrolled/a.json", r#"{"worker_id": "org.a", "worker_species_id": "wrk.a",
//! #     "capabilities": ["cap.a"], "currently_implements": []}"#)?;
//! # std::fs::write("request.json", r#"{"capability_id": "cap.a", "env": "dev", "data_label": "INTERNAL",
//! #     "tenant_risk": "low", "qos_class": "P2", "tenant_id": "acme", "correlation_id": "c-1"}"#)?;
//! let input = RouteInput::read(&parse(&std::fs::read("request.json")?)?, "")?;
//! let ledger = Ledger::create("ledger", Options::new("router"))?;
//! let hall = Hall::load("rules.json")?.registry("enrolled")?;
//! let done = ledger.decide(&hall, &input)?; // decision and receipt, durable
//! if let Some(worker) = &done.decision.selected_worker_species_id {
//!     println!("dispatch to {worker}, on the word of entry {}", done.receipt.seq);
//! }
//! ledger.seal()?;
//! let proof = ledger.prove(done.receipt.seq)?;
//! std::fs::write("decision.proof", proof.to_bytes())?;
//! let report = sealbook::verify(&proof.to_bytes()[..], &Policy::key(ledger.key()))?;
//! assert_eq!(report.verdict, Verdict::Pass);
//! ledger.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Ledger`] is all that such a program needs; [`api`] has what else there is.
//! Below it:
//!
//! ```text
//!              pure                       on disk
//! ┌──────────────────────────┐  ┌──────────────────────────┐
//! │ ledger   formats, verify │◀─│ store     keeps bytes    │
//! └──────────────────────────┘  │ logbook   the one writer │     ┌─────┐
//!                               │ audit     a ledger, read │◀────│ api │◀── serve, cli
//!                               │ evidence  taken out      │
//!                               │ parquet   as tables      │     └─────┘
//!                               │ imports   taken in       │
//!                               │ backup    copied whole   │
//!                               │ bucket    kept elsewhere │
//!                               └──────────────────────────┘
//! ```
//! The producers stand beside: [`wcp`] decides routes, `attestation` and
//! `manifest` verify packages and artifacts, [`vacant`] has identities and
//! cards. [`record`] makes entries of their outcomes, [`replay`] computes recorded
//! decisions again. Arrows point left only. [`ledger`] says what the formats are, [`store`]
//! what is kept and how a commit is ordered, [`logbook`] how entries become
//! durable. What an error code means stands in [`codes`] alone.
//!
//! [`guide`] is the handbook.
//!
//! Without RocksDB (`--no-default-features --features store`) [`verify`] and
//! [`Ledger::in_memory`] remain; without any feature, the [`ledger`] itself.

#[cfg(feature = "store")]
pub mod api;
pub mod attestation;
#[cfg(feature = "store")]
pub mod audit;
#[cfg(feature = "store")]
pub mod backup;
#[cfg(feature = "bucket")]
pub mod bucket;
#[cfg(feature = "verify")]
#[cfg_attr(
    not(feature = "rocks"),
    allow(dead_code, unused_imports, reason = "what only the whole program uses")
)]
pub mod cli;
pub mod codes;
#[cfg(feature = "store")]
pub mod evidence;
#[cfg(feature = "client")]
pub mod fetch;
#[cfg(feature = "files")]
pub mod files;
pub mod guide;
#[cfg(feature = "store")]
pub mod imports;
pub mod ledger;
#[cfg(feature = "store")]
pub mod logbook;
#[cfg(feature = "files")]
pub mod manifest;
#[cfg(feature = "files")]
pub mod monitor;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod producers;
#[cfg(feature = "store")]
pub mod publish;
pub mod record;
pub mod replay;
#[cfg(feature = "store")]
pub mod report;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "store")]
pub mod signers;
#[cfg(all(feature = "store", feature = "client"))]
pub mod sinks;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "timestamps")]
pub mod timestamp;
pub mod vacant;
pub mod wcp;
#[cfg(feature = "client")]
pub mod witness;

pub use self::record::Hall;

#[cfg(feature = "store")]
pub use self::api::{Error, Ledger, Options, Place, Policy, Receipt, Report, Verdict, verify};
