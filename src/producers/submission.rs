//! Someone submitted the hash of a worker's package.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::SUBMISSION,
    event: "submitted",
    counted: "submissions",
    role: Role::Claim,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        format!(
            "SUBMITTED  {} of {}",
            text(entry, "sha256"),
            text(entry, "worker_id")
        )
    },
    details: &[],
};
