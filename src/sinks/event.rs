//! An entry as it is delivered.

use std::borrow::Cow;

use crate::ledger::entry::Entry;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::logbook::Identity;
use crate::producers::derived::{Derived, TEXTS};

/// Whose entries they are.
pub(super) struct EventOrigin {
    pub(super) log: String,
    pub(super) genesis: String,
}

/// An entry in the form of a sink, and what a transport says of it beside.
pub(super) struct SinkEvent {
    pub(super) seq: Seq,
    pub(super) ts: Timestamp,
    pub(super) kind: String,
    pub(super) denied: bool,
    /// One line, without the newline.
    pub(super) text: Vec<u8>,
}

impl EventOrigin {
    pub(super) fn of(identity: Identity) -> EventOrigin {
        EventOrigin {
            log: identity.log.to_string(),
            genesis: identity.genesis.to_string(),
        }
    }
}

/// What an entry names, for formats that have places for it.
pub(super) struct NamedParties<'e> {
    derived: Derived<'e>,
}

impl<'e> NamedParties<'e> {
    pub(super) fn of(entry: &'e Entry) -> NamedParties<'e> {
        let payload = str::from_utf8(entry.payload_bytes()).unwrap_or_default();
        let derived = Derived::of(entry.kind(), payload);
        NamedParties { derived }
    }

    /// One of [`TEXTS`].
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let at = TEXTS.iter().position(|text| *text == name)?;
        self.derived.texts.get(at)?.as_ref().map(Cow::as_ref)
    }

    /// The worker's id, or its species.
    pub(super) fn worker(&self) -> Option<&str> {
        self.text("worker").or_else(|| self.text("species"))
    }

    pub(super) const fn denied(&self) -> Option<bool> {
        self.derived.denied
    }
}
