//! A capability card, judged.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::CARD,
    event: "card",
    counted: "cards",
    role: Role::Other,
    denied: Some(("verdict", r#""fail""#)),
    named: &[],
    shown: &["card", "verdict"],
    headline: |entry| format!("vacant.card {}", text(entry, "verdict").to_uppercase()),
    details: &[],
};
