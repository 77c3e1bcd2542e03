//! A checkpoint of the log came back with the cosignatures of witnesses.

use super::{Kind, Role, text};
use crate::ledger::kind::WITNESSED;

pub(super) static KIND: Kind = Kind {
    name: WITNESSED,
    event: "witnessed",
    counted: "witnessed",
    role: Role::Other,
    denied: None,
    named: &[],
    shown: &[],
    headline: |entry| {
        let note = text(entry, "checkpoint");
        let mut lines = note.lines();
        let name = lines.next().unwrap_or_default();
        let size = lines.next().unwrap_or_default();
        let signatures = note
            .lines()
            .filter(|line| line.starts_with('\u{2014}'))
            .count();
        format!("WITNESSED  {name}, {size} entries, {signatures} signatures")
    },
    details: &[],
};
