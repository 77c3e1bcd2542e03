//! A submitted hash was confirmed.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::CONFIRMATION,
    event: "confirmed",
    counted: "confirmations",
    role: Role::Change,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        format!(
            "CONFIRMED  {} of {}",
            text(entry, "sha256"),
            text(entry, "worker_id")
        )
    },
    details: &["why"],
};
