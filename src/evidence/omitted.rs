//! The entries that the index counts for a selection, and that the rest of its filter
//! leaves out: named, each in its place.

use std::iter::Peekable;

use crate::ledger::bundle::{BundleSink, BundleWriter};
use crate::ledger::epoch::{SignedEpoch, leaf_hash};
use crate::ledger::index::omitted::Omitted;
use crate::ledger::index::proof::TermProof;
use crate::ledger::position::Seq;
use crate::logbook::epoch_at;
use crate::store::Store;
use crate::store::query::Filter;

use super::EvidenceError;
use super::selection::{Items, asked, in_order};
use super::term::filter_of;

/// Those of them that are still to come.
pub(super) struct OmittedEntries<'s> {
    store: &'s dyn Store,
    /// All entries that have the term and that the index covers.
    all: Peekable<Items<'s>>,
    /// The epoch of the last.
    epoch: Option<SignedEpoch>,
}

impl<'s> OmittedEntries<'s> {
    /// `None` of a filter that asks for the term and nothing else: it leaves out none.
    pub(super) fn of(
        store: &'s dyn Store,
        filter: &Filter,
        proof: &TermProof,
    ) -> Result<Option<OmittedEntries<'s>>, EvidenceError> {
        let of_term = filter_of(&proof.term);
        if of_term == *filter {
            return Ok(None);
        }
        let asked = asked(&of_term)?;
        let covered = Filter {
            from_seq: Some(epoch_at(store, proof.since)?.content.first_seq),
            until_seq: Some(proof.header.content.last_seq),
            ..of_term
        };
        Ok(Some(OmittedEntries {
            store,
            all: in_order(store, &covered, Some(&asked))?.peekable(),
            epoch: None,
        }))
    }

    /// Writes those before `end`, or all.
    pub(super) fn write<W: BundleSink>(
        &mut self,
        end: Option<Seq>,
        writer: &mut BundleWriter<W>,
    ) -> Result<(), EvidenceError> {
        loop {
            let comes = match self.all.peek() {
                None => false,
                Some(Err(_)) => true,
                Some(Ok((seq, _))) => end.is_none_or(|end| *seq < end),
            };
            let Some(next) = self.all.next_if(|_| comes) else {
                return Ok(());
            };
            let (seq, entry) = next?;
            let known = self.epoch.take();
            let epoch = match known.filter(|epoch| seq <= epoch.content.last_seq) {
                Some(epoch) => epoch,
                None => {
                    let number = self.store.epoch_of(seq)?;
                    epoch_at(self.store, number.ok_or(EvidenceError::NothingSealed)?)?
                }
            };
            writer.omitted(&Omitted {
                epoch: epoch.content.epoch,
                leaf: leaf_hash(&entry.hash(), &entry.signature()),
                seq,
            })?;
            self.epoch = Some(epoch);
        }
    }

    /// The entry itself is given.
    pub(super) fn given(&mut self, given: Seq) {
        let is_it = |next: &Result<(Seq, _), _>| matches!(next, Ok((seq, _)) if *seq == given);
        self.all.next_if(is_it);
    }
}
