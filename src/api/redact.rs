//! Members that can be withheld and erased: how they come to be, and what is known of them.

use crate::evidence::openings::openings_of;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::ErasedMember;
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Redactable, redacted_in};
use crate::logbook::entry_at;
use crate::logbook::erasures::erasures;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::store::Store;

use super::{Error, Ledger};

/// A member whose value does not stand in its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedMember {
    /// Where it is.
    pub pointer: Pointer,
    /// What stands there.
    pub commitment: Hash,
    /// What is known of the value.
    pub state: MemberState,
}

/// What a ledger knows of a redacted value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// It is kept, and proven by the commitment.
    Kept(Value),
    /// It was erased, as that entry says.
    Erased {
        /// The entry.
        by: Seq,
    },
    /// It was never kept here.
    NotKept,
}

impl Ledger {
    /// Appends an entry of which some members can be withheld and erased.
    ///
    /// # Errors
    /// [`Error::Append`]; where a member is not there, nothing is appended.
    pub fn append_redactable(
        &self,
        kind: &str,
        payload: &Object,
        wanted: &[Redactable],
    ) -> Result<Receipt, Error> {
        let entry = self.take_out(PreparedEntry::of_caller(kind, payload)?, wanted)?;
        let mut receipts = self.logbook()?.submit(vec![entry])?.wait()?;
        receipts.pop().ok_or(LogbookError::Stopped.into())
    }

    /// Takes out of an entry to be what the ledger's rules say, and what is said of it
    /// besides.
    ///
    /// # Errors
    /// [`LogbookError::Redact`].
    pub fn take_out(
        &self,
        entry: PreparedEntry,
        besides: &[Redactable],
    ) -> Result<PreparedEntry, LogbookError> {
        let redacting = &self.options.redacting;
        redacting.take(entry, besides, &self.identity().genesis)
    }

    /// The redacted members of an entry, in the order of its payload.
    ///
    /// # Errors
    /// [`Error::Evidence`].
    pub fn redacted(&self, seq: Seq) -> Result<Vec<RedactedMember>, Error> {
        redacted(self.store(), &self.identity().genesis, seq)
    }
}

/// The redacted members of an entry of a store.
fn redacted(store: &dyn Store, genesis: &Hash, seq: Seq) -> Result<Vec<RedactedMember>, Error> {
    if store.last_seq()?.is_none_or(|last| seq > last) {
        return Err(Error::NoSuchEntry { seq });
    }
    let entry = entry_at(store, seq)?;
    let redacted = redacted_in(entry.payload_bytes());
    if redacted.is_empty() {
        return Ok(Vec::new());
    }
    let kept = openings_of(store, genesis, seq, &entry)?;
    let erased = match kept.len() < redacted.len() {
        true => erasures(store, seq)?,
        false => Vec::new(),
    };
    let members = redacted.into_iter().map(|(pointer, commitment)| {
        let opening = kept.iter().find(|opening| opening.pointer == pointer);
        let is_it = |of: &ErasedMember| of.seq == seq && of.commitment == commitment;
        let gone = erased.iter().find(|(_, of)| is_it(of));
        let state = match (opening, gone) {
            (Some(opening), _) => MemberState::Kept(opening.value.clone()),
            (None, Some((by, _))) => MemberState::Erased { by: *by },
            (None, None) => MemberState::NotKept,
        };
        RedactedMember {
            pointer,
            commitment,
            state,
        }
    });
    Ok(members.collect())
}
