//! A routing decision. The replay shows it with what came of taking it again.

use super::{Kind, Role, kind};

pub(super) static KIND: Kind = Kind {
    name: kind::DECISION,
    event: "decided",
    counted: "decisions",
    role: Role::Choice,
    denied: None,
    named: &[],
    shown: &["decision"],
    headline: |_| String::new(),
    details: &[],
};
