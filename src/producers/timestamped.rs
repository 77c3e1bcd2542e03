//! An authority stamped the hash of an entry with a time.

use super::{Kind, Role, text};
use crate::ledger::kind::TIMESTAMP;

pub(super) static KIND: Kind = Kind {
    name: TIMESTAMP,
    event: "timestamped",
    counted: "timestamps",
    role: Role::Other,
    denied: None,
    named: &[],
    shown: &["hash", "seq"],
    headline: |entry| format!("TIMESTAMPED  entry {}", text(entry, "seq")),
    details: &["hash"],
};
