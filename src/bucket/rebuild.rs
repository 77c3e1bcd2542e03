//! What was committed, made again from an object and the key: signatures, tiles, headers.

use rayon::prelude::*;

use super::BucketError;
use crate::ledger::begins::Begins;
use crate::ledger::entry::{Draft, Entry};
use crate::ledger::epoch::{EpochHeader, SignedEpoch, leaf_hash};
use crate::ledger::hash::Hash;
use crate::ledger::index::cover::Begun;
use crate::ledger::index::vrf::VrfSecret;
use crate::ledger::json::Form;
use crate::ledger::key::{SignError, Signer};
use crate::ledger::kind;
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;
use crate::ledger::tile::TreeBuilder;
use crate::ledger::time::Timestamp;
use crate::ledger::version::Version;
use crate::ledger::wal::{Bare, UnsignedBatch, WalError, WalPosition};
use crate::logbook::error::OpenError;
use crate::logbook::terms::{INDEX_KEY, OpenTerms};
use crate::logbook::{entry_at, epoch_at};
use crate::store::tree::open_tree;
use crate::store::{Batch, NewEntry, NewEpoch, Note, Store, TileKey};

/// From this many entries on, they are signed on every core.
const TOGETHER: usize = 64;

/// The end of a log, as far as the next object must go on from it.
pub(super) struct Rebuild<'s> {
    /// Where what was made before lies, if there is any.
    store: Option<&'s dyn Store>,
    next: u64,
    last_hash: Hash,
    last_ts: Option<Timestamp>,
    last_epoch: Option<SignedEpoch>,
    tree: TreeBuilder,
    /// The first entry of the open epoch, and its time.
    open: Option<(Seq, Timestamp)>,
    /// The secret key of the log's index.
    index_key: Option<[u8; VrfSecret::BYTES]>,
    /// The terms of the open epoch, where headers commit to an index.
    terms: Option<OpenTerms>,
}

impl<'s> Rebuild<'s> {
    /// Of a log without an entry.
    pub(super) fn begin() -> Rebuild<'s> {
        Rebuild {
            store: None,
            next: 0,
            last_hash: Hash::ZERO,
            last_ts: None,
            last_epoch: None,
            tree: TreeBuilder::new(),
            open: None,
            index_key: None,
            terms: None,
        }
    }

    /// Goes on behind what a store holds.
    pub(super) fn after(store: &'s dyn Store) -> Result<Rebuild<'s>, BucketError> {
        let Some(last_seq) = store.last_seq()? else {
            return Ok(Rebuild::begin());
        };
        let last = entry_at(store, last_seq)?;
        let last_epoch = match store.last_epoch()? {
            Some(number) => Some(epoch_at(store, number)?),
            None => None,
        };
        let header = last_epoch.as_ref().map(|epoch| &epoch.content);
        let first_open = header.map_or(0, |header| header.last_seq.0.saturating_add(1));
        let number = next_number(header);
        let open = match first_open <= last_seq.0 {
            true => Some((Seq(first_open), entry_at(store, Seq(first_open))?.ts())),
            false => None,
        };
        let tree = open_tree(store, number, Seq(first_open)).map_err(OpenError::Tree)?;
        let index_key = store.meta(INDEX_KEY)?;
        Ok(Rebuild {
            store: Some(store),
            index_key: index_key.and_then(|bytes| bytes.first_chunk().copied()),
            terms: OpenTerms::read(store, Seq(first_open))?,
            next: last_seq.0.saturating_add(1),
            last_hash: last.hash(),
            last_ts: Some(last.ts()),
            last_epoch,
            tree,
            open,
        })
    }

    /// The number of the next entry, and the hash that it must name.
    pub(super) const fn end(&self) -> (u64, Hash) {
        (self.next, self.last_hash)
    }

    /// Whether headers commit to an index.
    pub(super) const fn has_index(&self) -> bool {
        self.terms.is_some()
    }

    /// The batch that `unsigned` was, without its rows of imported evidence.
    pub(super) fn batch(
        &mut self,
        place: WalPosition,
        unsigned: &UnsignedBatch,
        signer: &dyn Signer,
    ) -> Result<Batch, BucketError> {
        if (unsigned.first_seq, unsigned.prev_hash) != (self.next, self.last_hash) {
            let last = self.next.saturating_sub(1);
            return Err(BucketError::NotNext { place, last });
        }
        let signed = self.sign(place, &unsigned.entries, signer)?;
        let epoch = next_number(self.last_header());
        let mut batch = Batch {
            forget_notes_before: unsigned.forget_before,
            ..Batch::default()
        };
        if let Some(key) = unsigned.index_key {
            self.index_key = Some(key);
            batch.meta.push((INDEX_KEY, key.to_vec()));
        }
        for (entry, leaf) in signed {
            let seq = Seq(self.next);
            self.count(place, epoch, seq, &entry)?;
            self.open.get_or_insert((seq, entry.ts()));
            self.last_ts = Some(entry.ts());
            self.next = self.next.saturating_add(1);
            self.tree.push(leaf, |tile, hashes| {
                batch.tiles.push((TileKey { epoch, tile }, hashes));
            });
            batch.entries.push(NewEntry {
                seq,
                hash: entry.hash(),
                record: entry.into_record(),
            });
        }
        batch.notes = unsigned
            .notes
            .iter()
            .map(|note| Note {
                hour: note.hour,
                key: note.key,
                value: note.value.clone(),
            })
            .collect();
        if let Some(header) = &unsigned.epoch {
            self.seal(place, header, signer, &mut batch)?;
        }
        Ok(batch)
    }

    /// The entries, chained and signed, with their leaves.
    fn sign(
        &mut self,
        place: WalPosition,
        entries: &[Bare],
        signer: &dyn Signer,
    ) -> Result<Vec<(Entry, Hash)>, BucketError> {
        let mut drafts = Vec::with_capacity(entries.len());
        for bare in entries {
            let last = self.next.saturating_sub(1);
            if self.last_ts.is_some_and(|last| bare.ts < last) {
                return Err(BucketError::NotNext { place, last });
            }
            let draft = Draft::new(&bare.kind, bare.ts, &bare.payload, &self.last_hash);
            let draft = draft.map_err(|_| BucketError::Object {
                place,
                error: WalError::Lines,
            })?;
            self.last_hash = draft.hash();
            self.last_ts = Some(bare.ts);
            drafts.push(draft);
        }
        let sign = |draft: Draft| {
            let signature = signer.sign(draft.signing_payload())?;
            let leaf = leaf_hash(&draft.hash(), &signature);
            Ok::<_, SignError>((draft.with_signature(&signature), leaf))
        };
        let signed: Result<Vec<_>, _> = match drafts.len() < TOGETHER {
            true => drafts.into_iter().map(sign).collect(),
            false => drafts.into_par_iter().map(sign).collect(),
        };
        Ok(signed?)
    }

    /// That the object of entry 0 has the secret key of the index that this entry names.
    fn check_key(&self, place: WalPosition, first: &Entry) -> Result<(), BucketError> {
        let payload = first.check_payload().ok();
        let opening = payload.and_then(|payload| Opening::from_object(&payload).ok());
        let named = opening.and_then(|opening| opening.index);
        let kept = self.index_key.as_ref().map(VrfSecret::from_bytes);
        match named.is_none() || named == kept.map(|secret| secret.public_key()) {
            true => Ok(()),
            false => Err(BucketError::IndexKey { place }),
        }
    }

    /// Counts the terms of an entry; it may be the one with which the index begins.
    fn count(
        &mut self,
        place: WalPosition,
        since: EpochNumber,
        seq: Seq,
        entry: &Entry,
    ) -> Result<(), BucketError> {
        let Some(store) = self.store else {
            return self.check_key(place, entry);
        };
        if entry.kind() == kind::FORMAT && self.terms.is_none() {
            let payload = entry.check_payload().ok();
            let begins = payload.and_then(|payload| Begins::from_object(&payload).ok());
            let genesis = entry_at(store, Seq::FIRST)?.hash();
            let terms = begins.zip(self.index_key).and_then(|(begins, secret)| {
                let key = begins.index;
                OpenTerms::under(&secret, genesis, Begun { since, key }, seq)
            });
            self.terms = Some(terms.ok_or(BucketError::IndexKey { place })?);
        }
        match &self.terms {
            Some(terms) => Ok(terms.take(store, seq, entry).map_err(OpenError::from)?),
            None => Ok(()),
        }
    }

    /// The header must be the one that the entries give: it is signed again.
    fn seal(
        &mut self,
        place: WalPosition,
        header: &EpochHeader,
        signer: &dyn Signer,
        batch: &mut Batch,
    ) -> Result<(), BucketError> {
        let wrong = || BucketError::Header { place };
        let (first_seq, first_ts) = self.open.ok_or_else(wrong)?;
        let last = self.last_header();
        let (epoch, last_seq) = (next_number(last), Seq(self.next.saturating_sub(1)));
        let terms = match (&self.terms, self.store) {
            (Some(terms), Some(store)) => {
                let sealed = terms.seal(store, epoch, last_seq);
                Some(sealed.map_err(OpenError::from)?)
            }
            _ => None,
        };
        let expected = EpochHeader {
            epoch,
            first_seq,
            last_seq,
            tree_size: self.tree.size(),
            root: self.tree.root().ok_or_else(wrong)?,
            head: self.last_hash,
            prev: last.map_or(Hash::ZERO, EpochHeader::hash),
            hour: first_ts.hour_start(),
            format: terms.as_ref().map(|_| Version::Two),
            index: terms.as_ref().map(|terms| terms.index),
            ..header.clone()
        };
        if expected != *header || header.log != signer.public_key() {
            return Err(wrong());
        }
        let number = header.epoch;
        let signed = Statement::sign(header.clone(), signer)?;
        let partial = self.tree.partial_tiles().into_iter();
        let partial = partial.map(|(tile, hashes)| {
            (
                TileKey {
                    epoch: number,
                    tile,
                },
                hashes,
            )
        });
        batch.tiles.extend(partial);
        if let Some(terms) = terms {
            batch.tiles.extend(terms.batch.tiles);
            batch.forget_trees = terms.batch.forget_trees;
        }
        batch.epoch = Some(NewEpoch {
            number,
            last_seq: header.last_seq,
            header: signed.to_value().canonical(Form::Utf8).into_bytes(),
        });
        self.last_epoch = Some(signed);
        self.tree = TreeBuilder::new();
        self.open = None;
        Ok(())
    }

    fn last_header(&self) -> Option<&EpochHeader> {
        self.last_epoch.as_ref().map(|epoch| &epoch.content)
    }
}

fn next_number(last: Option<&EpochHeader>) -> EpochNumber {
    EpochNumber(last.map_or(0, |header| header.epoch.0.saturating_add(1)))
}
