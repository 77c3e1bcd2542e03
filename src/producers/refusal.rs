//! Writes that were refused while the ledger did not agree with its mark.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::REFUSAL,
    event: "refused",
    counted: "refusals",
    role: Role::Other,
    denied: Some(("denied", "true")),
    named: &[],
    shown: &["refused", "more"],
    headline: |entry| format!("WRITES REFUSED  {}", text(entry, "refused")),
    details: &["more"],
};
