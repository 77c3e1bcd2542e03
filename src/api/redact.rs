//! Members that can be withheld and erased.

use crate::evidence::openings::openings_of;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::{ErasedMember, Erasure, MOST};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Redactable, redacted_in};
use crate::logbook::entry_at;
use crate::logbook::request::{Prepared, Receipt};
use crate::store::query::{Filter, select};
use crate::store::{OpeningKey, Store};

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
        let entry = Prepared::of_caller(kind, payload)?;
        let entry = entry.with_redactable(wanted, &self.identity().genesis)?;
        let mut receipts = self.logbook()?.submit(vec![entry])?.wait()?;
        receipts
            .pop()
            .ok_or(crate::logbook::error::LogbookError::Stopped.into())
    }

    /// The redacted members of an entry, in the order of its payload.
    ///
    /// # Errors
    /// [`Error::Evidence`].
    pub fn redacted(&self, seq: Seq) -> Result<Vec<RedactedMember>, Error> {
        redacted(self.store(), &self.identity().genesis, seq)
    }

    /// Erases redactable members for good, and says so in entries: of a thousand places
    /// at most each, every one with its erasures in one write. Then what was erased
    /// leaves the files of the database.
    ///
    /// # Errors
    /// [`Error::NotErasable`] if one of them is not there: then nothing is erased.
    /// [`Error::Append`].
    pub fn erase(
        &self,
        wanted: &[(Seq, Pointer)],
        reason: &str,
        actor: Value,
    ) -> Result<Vec<Receipt>, Error> {
        let logbook = self.logbook()?;
        let mut erased = Vec::with_capacity(wanted.len());
        for (seq, pointer) in wanted {
            erased.push(self.erasable(*seq, pointer)?);
        }
        erased.sort_by_key(|it| (it.seq, it.pointer.clone()));
        erased.dedup();
        let mut receipts = Vec::new();
        for part in erased.chunks(MOST) {
            let erasure = Erasure {
                actor: Some(actor.clone()),
                erased: part.to_vec(),
                reason: reason.to_owned(),
            };
            let entry = Prepared::new(kind::ERASURE, &erasure.to_object())?;
            let keys = part.iter().map(|it| OpeningKey {
                seq: it.seq,
                commitment: it.commitment,
            });
            receipts.push(logbook.erase(entry, keys.collect())?);
        }
        self.store().purge()?;
        Ok(receipts)
    }

    fn erasable(&self, seq: Seq, pointer: &Pointer) -> Result<ErasedMember, Error> {
        let members = self.redacted(seq)?.into_iter();
        let kept = members.filter(|it| matches!(it.state, MemberState::Kept(_)));
        let found = kept.into_iter().find(|it| it.pointer == *pointer);
        found
            .map(|it| ErasedMember {
                commitment: it.commitment,
                pointer: it.pointer,
                seq,
            })
            .ok_or_else(|| Error::NotErasable {
                seq,
                pointer: pointer.clone(),
            })
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
        true => erased(store, seq)?,
        false => Vec::new(),
    };
    let members = redacted.into_iter().map(|(pointer, commitment)| {
        let opening = kept.iter().find(|opening| opening.pointer == pointer);
        let gone = erased.iter().find(|(of, _)| *of == commitment);
        let state = match (opening, gone) {
            (Some(opening), _) => MemberState::Kept(opening.value.clone()),
            (None, Some((_, by))) => MemberState::Erased { by: *by },
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

/// What was erased of an entry, and which entries say so.
fn erased(store: &dyn Store, seq: Seq) -> Result<Vec<(Hash, Seq)>, Error> {
    let erasures = Filter {
        kinds: vec![kind::ERASURE.to_owned()],
        from_seq: Some(seq),
        ..Filter::default()
    };
    let mut found = Vec::new();
    for item in select(store, &erasures)? {
        let (by, entry) = item?;
        let payload = entry.check_payload().ok();
        let erasure = payload.and_then(|payload| Erasure::from_object(&payload).ok());
        let of_it = erasure.into_iter().flat_map(|erasure| erasure.erased);
        let of_it = of_it.filter(|member| member.seq == seq);
        found.extend(of_it.map(|member| (member.commitment, by)));
    }
    Ok(found)
}
