//! Members that can be withheld and erased.

use crate::evidence::openings::openings_of;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::redact::erasure::{ErasedMember, Erasure, MOST};
use crate::ledger::redact::pointer::Pointer;
use crate::ledger::redact::{Redactable, redacted_in};
use crate::logbook::entry_at;
use crate::logbook::erasures::erasures;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::record;
use crate::record::redacted::erased_with;
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

    /// What is erased with these members: themselves, and the digests over them.
    ///
    /// # Errors
    /// [`Error::NotErasable`] if one of them is not there.
    pub fn to_erase(&self, wanted: &[(Seq, Pointer)]) -> Result<Vec<ErasedMember>, Error> {
        let mut erased = Vec::with_capacity(wanted.len());
        for (seq, pointer) in wanted {
            erased.extend(self.erasable(*seq, pointer)?);
        }
        erased.sort_by_key(|it| (it.seq, it.pointer.clone()));
        erased.dedup();
        Ok(erased)
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
        let erased = self.to_erase(wanted)?;
        let key = |it: &ErasedMember| OpeningKey {
            seq: it.seq,
            commitment: it.commitment,
        };
        let keys: Vec<_> = erased.iter().map(key).collect();
        self.store()
            .check_erasable(&keys)
            .map_err(LogbookError::from)?;
        let mut receipts = Vec::new();
        for part in erased.chunks(MOST) {
            let erasure = Erasure {
                actor: Some(actor.clone()),
                erased: part.to_vec(),
                reason: reason.to_owned(),
            };
            let entry = PreparedEntry::new(kind::ERASURE, &erasure.to_object())?;
            receipts.push(logbook.erase(entry, part.iter().map(key).collect())?);
        }
        self.store().purge()?;
        Ok(receipts)
    }

    fn erasable(&self, seq: Seq, pointer: &Pointer) -> Result<Vec<ErasedMember>, Error> {
        let mut kept = self.redacted(seq)?;
        kept.retain(|it| matches!(it.state, MemberState::Kept(_)));
        if !kept.iter().any(|it| it.pointer == *pointer) {
            return Err(Error::NotErasable {
                seq,
                pointer: pointer.clone(),
            });
        }
        let entry = entry_at(self.store(), seq)?;
        let digests = erased_with(entry.kind(), pointer);
        let goes = |it: &Pointer| it == pointer || digests.contains(&it.as_str());
        kept.retain(|it| goes(&it.pointer));
        let of = |seq| {
            move |it: RedactedMember| ErasedMember {
                commitment: it.commitment,
                pointer: it.pointer,
                seq,
            }
        };
        let mut erased: Vec<_> = kept.into_iter().map(of(seq)).collect();
        if !digests.is_empty() {
            for approval in self.approvals_of(seq, &entry)? {
                let mut kept = self.redacted(approval)?;
                kept.retain(|it| matches!(it.state, MemberState::Kept(_)));
                erased.extend(kept.into_iter().map(of(approval)));
            }
        }
        Ok(erased)
    }

    /// The entries in which a human decided on a request: they repeat its digest.
    fn approvals_of(&self, seq: Seq, decision: &Entry) -> Result<Vec<Seq>, Error> {
        let filter = Filter {
            kinds: vec![record::kind::APPROVAL.to_owned()],
            from_seq: Some(seq),
            ..Filter::default()
        };
        let denied = Value::from(decision.hash().to_string());
        let mut found = Vec::new();
        for item in select(self.store(), &filter)? {
            let (approval, entry) = item?;
            let payload = entry.check_payload().unwrap_or_default();
            if payload.get("denied") == Some(&denied) {
                found.push(approval);
            }
        }
        Ok(found)
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
