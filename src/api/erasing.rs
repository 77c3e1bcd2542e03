//! Members that are erased: which are found, what goes with them, and that it is done.

use std::collections::HashMap;

use crate::evidence::openings::openings_of;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::json::Value;
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::redact::Opening;
use crate::ledger::redact::erasure::{ErasedMember, Erasure, MOST};
use crate::ledger::redact::pointer::Pointer;
use crate::logbook::entry_at;
use crate::logbook::error::LogbookError;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::record;
use crate::record::redacted::erased_with;
use crate::store::OpeningKey;
use crate::store::query::{Filter, select};

use super::{Error, Ledger};

impl Ledger {
    /// The members at these pointers that can still be erased, of every entry that the
    /// filter finds, one after the other. An entry that has none of them is passed over.
    ///
    /// # Errors
    /// [`Error::Query`]; [`Error::Evidence`].
    pub fn erasable_where<'a>(
        &'a self,
        filter: &Filter,
        pointers: &'a [Pointer],
    ) -> Result<impl Iterator<Item = Result<(Seq, Pointer), Error>> + 'a, Error> {
        let found = select(self.store(), filter)?;
        Ok(found.flat_map(move |item| {
            let kept = item
                .map_err(Error::from)
                .and_then(|(seq, entry)| self.kept_in(seq, &entry));
            let members: Vec<_> = match kept {
                Ok(kept) => kept
                    .into_iter()
                    .filter(|it| pointers.contains(&it.pointer))
                    .map(|it| Ok((it.seq, it.pointer)))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            members
        }))
    }

    /// What is erased with these members: themselves, and the digests over them.
    ///
    /// # Errors
    /// [`Error::NotErasable`] if one of them is not there.
    pub fn to_erase(&self, wanted: &[(Seq, Pointer)]) -> Result<Vec<ErasedMember>, Error> {
        let mut erased = Vec::with_capacity(wanted.len());
        let mut approvals = None;
        for (seq, pointer) in wanted {
            let (of_it, with_digests) = self.erasable(*seq, pointer)?;
            erased.extend(of_it);
            let Some(decision) = with_digests else {
                continue;
            };
            let approvals = match &mut approvals {
                Some(approvals) => approvals,
                none => none.insert(self.approvals(wanted)?),
            };
            for approval in approvals.get(&decision.to_string()).into_iter().flatten() {
                let entry = entry_at(self.store(), *approval)?;
                erased.extend(self.kept_in(*approval, &entry)?);
            }
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
        self.erase_planned(&self.to_erase(wanted)?, reason, actor)
    }

    /// The same of what [`Ledger::to_erase`] answered, with nothing erased in between.
    pub(crate) fn erase_planned(
        &self,
        planned: &[ErasedMember],
        reason: &str,
        actor: Value,
    ) -> Result<Vec<Receipt>, Error> {
        let logbook = self.logbook()?;
        let key = |it: &ErasedMember| OpeningKey {
            seq: it.seq,
            commitment: it.commitment,
        };
        let keys: Vec<_> = planned.iter().map(key).collect();
        self.store()
            .check_erasable(&keys)
            .map_err(LogbookError::from)?;
        let mut receipts = Vec::new();
        for part in planned.chunks(MOST) {
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

    /// The member, and what of its own entry goes with it; and the hash of the entry, if
    /// others may repeat a digest over the member.
    fn erasable(
        &self,
        seq: Seq,
        pointer: &Pointer,
    ) -> Result<(Vec<ErasedMember>, Option<Hash>), Error> {
        if self.store().last_seq()?.is_none_or(|last| seq > last) {
            return Err(Error::NoSuchEntry { seq });
        }
        let entry = entry_at(self.store(), seq)?;
        let mut erased = self.kept_in(seq, &entry)?;
        if !erased.iter().any(|it| it.pointer == *pointer) {
            return Err(Error::NotErasable {
                seq,
                pointer: pointer.clone(),
            });
        }
        let digests = erased_with(entry.kind(), pointer);
        let goes = |it: &Pointer| it == pointer || digests.contains(&it.as_str());
        erased.retain(|it| goes(&it.pointer));
        Ok((erased, (!digests.is_empty()).then(|| entry.hash())))
    }

    /// The redacted members of an entry whose values are kept.
    fn kept_in(&self, seq: Seq, entry: &Entry) -> Result<Vec<ErasedMember>, Error> {
        let genesis = self.identity().genesis;
        let openings = openings_of(self.store(), &genesis, seq, entry)?.into_iter();
        let member = |opening: Opening| ErasedMember {
            commitment: opening.commitment(&genesis),
            pointer: opening.pointer,
            seq,
        };
        Ok(openings.map(member).collect())
    }

    /// By the hash of the decision: the entries in which a human decided on the request of
    /// one that is wanted, or of a later one. They repeat its digest.
    fn approvals(&self, wanted: &[(Seq, Pointer)]) -> Result<HashMap<String, Vec<Seq>>, Error> {
        let filter = Filter {
            kinds: vec![record::kind::APPROVAL.to_owned()],
            from_seq: wanted.iter().map(|(seq, _)| *seq).min(),
            ..Filter::default()
        };
        let mut found: HashMap<String, Vec<Seq>> = HashMap::new();
        for item in select(self.store(), &filter)? {
            let (approval, entry) = item?;
            let payload = entry.check_payload().unwrap_or_default();
            if let Some(denied) = payload.get("denied").and_then(Value::as_str) {
                found.entry(denied.to_owned()).or_default().push(approval);
            }
        }
        Ok(found)
    }
}
