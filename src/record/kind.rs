//! The kinds that are recorded (SPEC §5.4).

/// A routing decision; the outcome of verifying a worker package; and something
/// that decisions refer to: rules, a configuration, a policy.
pub use crate::ledger::kind::{ATTESTATION, DECISION, DOCUMENT};
/// A decision that someone else claims.
pub const INGESTED: &str = "wcp.ingested";
/// The outcome of verifying an artifact manifest.
pub const MANIFEST: &str = "manifest.verify";
/// A capability card and its verdict.
pub const CARD: &str = "vacant.card";
/// A resident form's verdict.
pub const RESIDENT: &str = "vacant.resident";
/// A Hall took up other rules, configuration, policy or ban list.
pub const RELOAD: &str = "hall.reload";
/// Someone resolved a denial that wants a human.
pub const APPROVAL: &str = "hall.approval";
/// A worker was enrolled, with its record.
pub const ENROLMENT: &str = "hall.enrolment";
/// Someone submitted the hash of a worker's package.
pub const SUBMISSION: &str = "hall.attestation";
/// Someone reported a hash as bad.
pub const REPORT: &str = "hall.report";
