//! The enrolment of a worker was revoked, or restored.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::REVOCATION,
    event: "revoked",
    counted: "revocations",
    role: Role::Change,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        let word = match text(entry, "revoked").as_str() {
            "true" => "REVOKED",
            _ => "RESTORED",
        };
        format!("{word}  {}", text(entry, "worker_id"))
    },
    details: &["why"],
};
