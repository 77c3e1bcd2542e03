//! Something that decisions refer to: rules, a configuration, a policy.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::DOCUMENT,
    event: "document",
    counted: "documents",
    role: Role::Document,
    denied: None,
    named: &[],
    shown: &["digest", "media_type"],
    headline: |entry| format!("DOCUMENT  {}", text(entry, "digest")),
    details: &[],
};
