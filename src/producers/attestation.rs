//! The verification of a worker package.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::ATTESTATION,
    event: "attested",
    counted: "attestations",
    role: Role::Evidence,
    denied: Some(("ok", "false")),
    named: &[],
    shown: &[
        "worker_id",
        "worker_species_id",
        "package_hash",
        "manifest_sha256",
        "ok",
        "deny_code",
    ],
    headline: |entry| {
        let passed = text(entry, "ok") == "true";
        let word = if passed { "ATTESTED" } else { "NOT ATTESTED" };
        format!("{word}  {}", text(entry, "worker_id"))
    },
    details: &["package_hash", "manifest_sha256", "deny_code", "path"],
};
