//! A decision that someone else claims.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::INGESTED,
    event: "claimed",
    counted: "claimed",
    role: Role::Claim,
    denied: None,
    named: &[],
    shown: &["submitter"],
    headline: |entry| format!("CLAIMED by {}", text(entry, "submitter")),
    details: &[],
};
