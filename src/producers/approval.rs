//! What a human said to a denial.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::APPROVAL,
    event: "approved",
    counted: "approvals",
    role: Role::Change,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        let word = match text(entry, "verdict").as_str() {
            "approve" => "APPROVED",
            "deny" => "REFUSED",
            _ => "ESCALATED",
        };
        let (who, denied) = (text(entry, "who"), text(entry, "denied"));
        format!("{word} by {who}: the denial {denied}")
    },
    details: &["why", "expires"],
};
