//! Someone reported a hash as bad.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::REPORT,
    event: "reported",
    counted: "reports",
    role: Role::Claim,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| format!("REPORTED  {}", text(entry, "sha256")),
    details: &["reason"],
};
