//! Something was banned, or a ban lifted.

use super::{Kind, Role, kind, text};

pub(super) static KIND: Kind = Kind {
    name: kind::BAN,
    event: "banned",
    counted: "bans",
    role: Role::Change,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        let word = match text(entry, "banned").as_str() {
            "true" => "BANNED",
            _ => "BAN LIFTED",
        };
        let names = ["sha256", "worker_id", "namespace"].map(|name| text(entry, name));
        format!("{word}  {}", names.concat())
    },
    details: &["reason"],
};
