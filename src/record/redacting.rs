//! Which members of what is recorded can be withheld and erased, or are masked.

use std::sync::Arc;

use crate::ledger::hash::Hash;
use crate::ledger::kind::reserved_in_any_case;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::rules::RedactRules;
use crate::ledger::redact::{Action, Redactable};
use crate::logbook::error::LogbookError;
use crate::logbook::request::PreparedEntry;

use super::kind;
use super::redacted::{OVER_REQUEST, PLACES, is_within};

/// Rules for what is recorded.
#[derive(Clone, Debug, Default)]
pub struct Redacting(Arc<RedactRules>);

/// Why rules cannot be those of a recorder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactingError {
    #[error(
        "kinds.{kind}: nothing can be taken out of entries of this kind; of the program's own \
         kinds `wcp.decision` alone can have rules"
    )]
    Kind { kind: String },
    #[error(
        "kinds.wcp.decision: `{pointer}` has to stay; /input/request, /input/blast_radius, \
         /input/privilege_context and what lies in them can be taken out"
    )]
    Place { pointer: Pointer },
    #[error(
        "kinds.wcp.decision: `{pointer}` cannot be dropped, for a replay would take another \
         request for it; say `redactable` or `commitment`"
    )]
    Drop { pointer: Pointer },
}

impl Redacting {
    /// # Errors
    /// [`RedactingError`] where the rules take out of a reserved kind what has to stay.
    pub fn new(rules: RedactRules) -> Result<Redacting, RedactingError> {
        for (kind, places) in rules.kinds() {
            if kind == kind::DECISION {
                places.iter().try_for_each(check_place)?;
            } else if reserved_in_any_case(kind).is_some() {
                let kind = kind.to_owned();
                return Err(RedactingError::Kind { kind });
            }
        }
        Ok(Redacting(Arc::new(rules)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out of an entry what the rules say, and what is said of it besides.
    ///
    /// # Errors
    /// [`LogbookError::Redact`] where a member is not there, or lies in another.
    pub fn take(
        &self,
        entry: PreparedEntry,
        besides: &[Redactable],
        genesis: &Hash,
    ) -> Result<PreparedEntry, LogbookError> {
        let mut wanted = self.0.of(entry.kind(), besides);
        if entry.kind() == kind::DECISION {
            add_digests(&mut wanted);
        }
        entry.with_redactable(&wanted, genesis)
    }
}

fn check_place(place: &Redactable) -> Result<(), RedactingError> {
    let pointer = &place.pointer;
    if !PLACES.iter().any(|outer| is_within(pointer, outer)) {
        let pointer = pointer.clone();
        return Err(RedactingError::Place { pointer });
    }
    match place.action {
        Action::Drop => Err(RedactingError::Drop {
            pointer: pointer.clone(),
        }),
        Action::Redactable | Action::Commitment => Ok(()),
    }
}

/// What is over a value whose opening is not kept must not help to try it.
fn add_digests(wanted: &mut Vec<Redactable>) {
    if wanted.is_empty() {
        return;
    }
    let forgotten = wanted.iter().any(|it| it.action != Action::Redactable);
    let action = match forgotten {
        true => Action::Commitment,
        false => Action::Redactable,
    };
    for place in OVER_REQUEST.iter().filter_map(|at| Pointer::parse(at).ok()) {
        match wanted.iter_mut().find(|it| it.pointer == place) {
            Some(named) => named.action = action,
            None => wanted.push(Redactable {
                pointer: place,
                optional: true,
                action,
            }),
        }
    }
}
