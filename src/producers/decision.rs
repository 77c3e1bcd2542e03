//! A routing decision. The replay shows it with what came of taking it again.
//!
//! Its entry has digests of what can be computed: of the decision as it was answered
//! (candidates, controls, profiles, escalation, preconditions, attestation, telemetry), of
//! its `telemetry_envelopes` alone, and of the evidence receipt.

use super::{Kind, Role, kind};

pub(super) static KIND: Kind = Kind {
    name: kind::DECISION,
    event: "decided",
    counted: "decisions",
    role: Role::Choice,
    denied: None,
    named: &[],
    shown: &["decision"],
    headline: |_| String::new(),
    details: &[],
};
