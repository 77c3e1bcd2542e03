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
//! {"format":     2,
//!  "decision":   what is shown of it: whether it is denied, why, by which rule, whom it selected,
//!  "input":      the request, without the credential and without defaults,
//!  "input_hash": SHA-256 of the request as it came,
//!  "context":    {"rules", "config", "policy", "ban_list", "registry": digests of documents,
//!                 "gate", "task_id", "registry_digest"},
//!  "answers":    {"live_hashes", "gate", "banned"}, each if it was asked for,
//!  "digests":    {"decision", "receipt", "telemetry"}: of what can be computed}
//! ```
//! The caller is answered the whole decision, with its telemetry and the evidence receipt
//! of WCP. Of these the entry has the digests: a replay computes
//! them. Half of an entry of version 1 was what can be computed from the other half; such
//! entries are read and replayed for ever. `sealbook help format` has both (17).
//!
//! Digests of documents are `blake2b-256:` and 64 hex digits, and nothing else
//! under `context` looks so: with it the documents
//! of a decision are found.
//!
//! What is recorded of a registry is what was asked of it, as a document that decisions
//! share which asked the same: so a log grows with the decisions and not with the
//! registry.

pub mod answers;
#[cfg(feature = "store")]
pub mod bulk;
pub mod changes;
pub mod context;
#[cfg(feature = "store")]
pub mod decided_under;
pub mod decision;
#[cfg(feature = "store")]
pub mod decision_receipt;
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
pub mod redacted;
#[cfg(feature = "store")]
pub mod redacting;
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
    recorder::{DecisionReceipt, DecisionRequest, RecordedDecision, Recorder, Together, Underway},
};
pub use crate::producers::kind;
