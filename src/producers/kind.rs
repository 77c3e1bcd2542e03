//! The kinds that are recorded (SPEC §5.4).

/// Something that decisions refer to: rules, a configuration, a policy.
pub use crate::ledger::kind::DOCUMENT;
pub const DECISION: &str = "wcp.decision";
/// The outcome of verifying a worker package.
pub const ATTESTATION: &str = "wcp.attestation";
/// A decision that someone else claims.
pub const INGESTED: &str = "wcp.ingested";
/// The outcome of verifying an artifact manifest.
pub const MANIFEST: &str = "manifest.verify";
/// A capability card and its verdict.
pub const CARD: &str = "vacant.card";
pub const RESIDENT: &str = "vacant.resident";
/// A Hall took up other rules, configuration, policy or ban list.
pub const RELOAD: &str = "hall.reload";
/// Someone resolved a denial that wants a human.
pub const APPROVAL: &str = "hall.approval";
/// A worker was enrolled, with its record; or its record was refused.
pub const ENROLMENT: &str = "hall.enrolment";
/// Someone submitted the hash of a worker's package.
pub const SUBMISSION: &str = "hall.attestation";
/// Someone reported a hash as bad.
pub const REPORT: &str = "hall.report";
/// A submitted hash was confirmed as a worker's.
pub const CONFIRMATION: &str = "hall.confirmation";
/// Something was banned, or a ban lifted.
pub const BAN: &str = "hall.ban";
/// Writes were refused while the ledger did not agree with its mark.
pub const REFUSAL: &str = "hall.refusal";
/// The enrolment of a worker was revoked, or restored.
pub const REVOCATION: &str = "hall.revocation";
