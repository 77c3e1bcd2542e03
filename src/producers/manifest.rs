//! The verification of an artifact manifest.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::MANIFEST,
    event: "verified",
    counted: "manifests",
    role: Role::Other,
    denied: Some(("outcome", r#""fail""#)),
    named: &[],
    shown: &[
        "outcome",
        "fail_reasons",
        "signing_public_key_fingerprint",
        "manifest_sha256",
    ],
    headline: |entry| format!("MANIFEST {}", text(entry, "outcome").to_uppercase()),
    details: &[
        "manifest_sha256",
        "signing_public_key_fingerprint",
        "fail_reasons",
        "path",
    ],
};
