//! A Hall took up other files.

use super::{Kind, Role, kind};

pub(super) static KIND: Kind = Kind {
    name: kind::RELOAD,
    event: "reloaded",
    counted: "reloads",
    role: Role::Change,
    denied: None,
    named: &[],
    shown: &[],
    headline: |_| "RELOADED".to_owned(),
    details: &["before", "after", "changes"],
};
