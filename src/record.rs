//! Producers' outcomes become entries: the one joint where new producers are
//! added.
//!
//! A producer decides or verifies and knows nothing of ledgers; here its
//! outcome gets the payload that SPEC §5.4 gives its kind, and
//! `Recorder` (feature `store`) makes it durable. What a payload says is also read
//! back here, for replay: writing and reading stand side by side.
//!
//! ```text
//! hall ─────► documents, once each        wcp.document
//!    │                │ the same submit
//!    ▼                ▼
//! decision ◄─ input, context, answers     wcp.decision ─► receipt
//! outcome                                 wcp.attestation manifest.verify …
//! ```
//!
//! # A decision
//! ```text
//! {"decision":   as it was answered,
//!  "input":      the request, without the credential,
//!  "input_hash": SHA-256 of the request as it came,
//!  "context":    {"rules", "config", "policy", "ban_list": digests of documents,
//!                 "gate", "task_id", "registry": the slice that was consulted},
//!  "answers":    {"live_hashes", "gate", "banned"}, each if it was asked for,
//!  "receipt":    the evidence receipt of WCP}
//! ```
//! Digests of documents are `blake2b-256:` and 64 hex digits, and nothing else
//! under `context` looks so: with it the documents
//! of a decision are found.
//!
//! What is recorded of a registry is what was asked of it, so a log grows with
//! the decisions and not with the registry.

pub mod answers;
#[cfg(feature = "store")]
pub mod bulk;
pub mod changes;
pub mod context;
#[cfg(feature = "store")]
pub mod decided_under;
pub mod decision;
pub mod document;
#[cfg(feature = "store")]
mod document_store;
#[cfg(feature = "store")]
pub mod error;
pub mod governance;
pub mod hall;
#[cfg(feature = "files")]
pub mod hall_files;
pub mod input;
pub mod outcome;
#[cfg(feature = "store")]
mod prepare;
pub mod receipt;
#[cfg(feature = "store")]
pub mod recorder;
pub mod slice;
#[cfg(feature = "store")]
pub mod worker_index;

pub use self::decision::DecisionRecord;
pub use self::document::{Document, DocumentDigest};
pub use self::governance::{Governance, SharedGate};
pub use self::hall::Hall;
#[cfg(feature = "files")]
pub use self::hall_files::HallError;
pub use self::input::RequestContent;
pub use self::outcome::Outcome;
pub use self::receipt::EvidenceReceipt;
#[cfg(feature = "store")]
pub use self::{
    error::RecordError,
    recorder::{Asked, DecisionReceipt, Recorded, Recorder, Together, Underway},
};
pub use crate::producers::kind;
