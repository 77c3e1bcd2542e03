//! A resident form, judged.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::RESIDENT,
    event: "card",
    counted: "cards",
    role: Role::Other,
    denied: Some(("verified", "false")),
    named: &[],
    shown: &[],
    headline: |entry| {
        let passed = text(entry, "verified") == "true";
        let word = if passed { "PASS" } else { "FAIL" };
        format!("vacant.resident {word}")
    },
    details: &["path"],
};
