//! Two statements of one key of which one must be false: equivocation.
//!
//! A log has one entry at each place, one header of each epoch, and one entry
//! after each entry. Anyone who holds a key and signs two is caught when both come
//! to the same reader. Each of the two files passes verification on its own;
//! together they are the evidence, so both are kept whole.

use std::collections::BTreeMap;

use crate::ledger::entry::Entry;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::parse;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;
use crate::store::{Store, StoreError};

use super::{LogId, rows};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub about: ConflictSubject,
    /// The file that came first, and what it says.
    pub earlier: (Hash, Hash),
    /// The file that was refused, and what it says.
    pub later: (Hash, Hash),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictSubject {
    /// The entry at this place; the hashes are those of entries.
    Entry(Seq),
    /// The header of this epoch; the hashes are those of headers.
    Epoch(EpochNumber),
    /// The entry after the one of this hash, in whichever log of the key.
    After(Hash),
}

impl Conflict {
    pub fn to_fault(&self) -> Fault {
        let code = FaultCode::Equivocation;
        let fault = match self.about {
            ConflictSubject::Entry(seq) => {
                let detail = format!("the log's key signed two entries {seq}");
                Fault::at(code, At::Entry, seq.0, detail).with_seq(Some(seq.0))
            }
            ConflictSubject::Epoch(number) => {
                let detail = format!("the log's key signed two headers of epoch {number}");
                Fault::at(code, At::Epoch, number.0, detail)
            }
            ConflictSubject::After(prev) => {
                let detail = format!("the log's key signed two entries after {prev}");
                Fault::of_file(code, detail)
            }
        };
        fault.compared(self.earlier.1, self.later.1)
    }
}

pub(super) struct Checker<'s> {
    store: &'s dyn Store,
    log: LogId,
    file: Hash,
    /// Links of this file that are not in the store yet.
    links: BTreeMap<Hash, Hash>,
}

impl<'s> Checker<'s> {
    pub(super) fn new(store: &'s dyn Store, log: LogId, file: Hash) -> Checker<'s> {
        Checker {
            store,
            log,
            file,
            links: BTreeMap::new(),
        }
    }

    pub(super) fn entry(
        &mut self,
        seq: Seq,
        entry: &Entry,
    ) -> Result<Option<Conflict>, StoreError> {
        let hash = entry.hash();
        if let Some(row) = self.store.imported(&rows::entry(&self.log, seq))? {
            let (file, record) = rows::with_hash(&row)?;
            let found = Entry::from_record(record.to_vec()).map_err(|_| rows::wrong())?;
            if found.hash() != hash {
                let about = ConflictSubject::Entry(seq);
                return Ok(Some(self.conflict(about, (file, found.hash()), hash)));
            }
        }
        let prev = entry.prev_hash();
        if prev == Hash::ZERO {
            return Ok(None);
        }
        let earlier = match self.store.imported(&rows::link(&self.log.key, &prev))? {
            Some(row) => {
                let (file, next) = rows::with_hash(&row)?;
                Some((file, rows::a_hash(next)?))
            }
            None => self.links.insert(prev, hash).map(|next| (self.file, next)),
        };
        let other = earlier.filter(|(_, next)| *next != hash);
        Ok(other.map(|earlier| self.conflict(ConflictSubject::After(prev), earlier, hash)))
    }

    pub(super) fn epoch(&self, epoch: &SignedEpoch) -> Result<Option<Conflict>, StoreError> {
        let header = &epoch.content;
        let Some(row) = self.store.imported(&rows::epoch(&self.log, header.epoch))? else {
            return Ok(None);
        };
        let (file, text) = rows::with_hash(&row)?;
        let value = parse::parse(text).map_err(|_| rows::wrong())?;
        let found: SignedEpoch = Statement::from_value(&value).map_err(|_| rows::wrong())?;
        let differs = found.content != *header;
        Ok(differs.then(|| {
            let about = ConflictSubject::Epoch(header.epoch);
            self.conflict(about, (file, found.content.hash()), header.hash())
        }))
    }

    pub(super) fn written(&mut self) {
        self.links.clear();
    }

    fn conflict(&self, about: ConflictSubject, earlier: (Hash, Hash), hash: Hash) -> Conflict {
        Conflict {
            about,
            earlier,
            later: (self.file, hash),
        }
    }
}
