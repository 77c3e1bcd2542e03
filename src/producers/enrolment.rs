//! A worker was enrolled, or its record refused.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::ENROLMENT,
    event: "enrolled",
    counted: "enrolments",
    role: Role::Change,
    denied: Some(("enrolled", "false")),
    named: &[],
    shown: &[
        "worker_id",
        "worker_species_id",
        "enrolled",
        "deny_code",
        "detail",
        "artifact_hash",
        "before",
        "after",
        "changes",
    ],
    headline: |entry| {
        let refused = text(entry, "enrolled") == "false";
        let word = if refused { "NOT ENROLLED" } else { "ENROLLED" };
        format!("{word}  {}", text(entry, "worker_id"))
    },
    details: &["deny_code", "detail", "changes"],
};
