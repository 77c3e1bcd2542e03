//! The index of the epochs that are sealed: what a seal commits to, and what is
//! merged behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::ledger::begins::Begins;
use crate::ledger::entry::Entry;
use crate::ledger::epoch::leaf_hash;
use crate::ledger::hash::Hash;
use crate::ledger::index::cover::{Begun, Block, commitment, cover, newly_merged};
use crate::ledger::index::leaf::{Count, Leaf};
use crate::ledger::index::term::{Placed, Term, terms};
use crate::ledger::index::vrf::VrfSecret;
use crate::ledger::kind;
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::store::query::{Filter, select};
use crate::store::terms::{TermsError, Writing, merge, placed_row, rows_of, tree_of};
use crate::store::{Batch, Corruption, Store, StoreError};

use super::error::{LogbookError, OpenError};
use super::recover::{entry_at, epoch_at};

/// The name under which the secret key of the index is kept: beside the entries, from
/// which everything that it hides can be read anyway. It leaves the store only with a
/// copy of all of it.
pub const INDEX_KEY: &str = "index_key";

/// Places that are remembered at most, so that a term's is computed once.
const REMEMBERED: usize = 1 << 16;

/// Entries that are counted between two looks at whether a seal waits.
const STEP: u64 = 1_024;

/// Entries that are left for the seal to count.
const BEHIND: u64 = 4 * STEP;

/// The terms of the open epoch. The committer has it when it seals; before, the thread
/// behind it counts what is durable.
#[derive(Clone)]
pub(crate) struct OpenTerms(Arc<Mutex<TermCounting>>);

struct TermCounting {
    secret: VrfSecret,
    genesis: Hash,
    begun: Begun,
    /// The next entry to be counted.
    next: Seq,
    counts: HashMap<Hash, Count>,
    placed: Vec<Placed>,
    /// Where hidden terms stand that were met.
    places: HashMap<Term, Hash>,
}

/// What a seal commits to.
pub(crate) struct SealedTerms {
    /// The member `index` of the header.
    pub(crate) index: Hash,
    /// What is written with the header.
    pub(crate) batch: Batch,
}

impl OpenTerms {
    /// Of the log in a store, whose open epoch begins with `first`; `None` if it has no index.
    pub(crate) fn read(store: &dyn Store, first: Seq) -> Result<Option<OpenTerms>, OpenError> {
        let opened = entry_at(store, Seq::FIRST)?;
        let opening = opened.check_payload().ok();
        let opening = opening.and_then(|payload| Opening::from_object(&payload).ok());
        let begun = opening.map(|opening| begun(store, &opening)).transpose()?;
        let terms = OpenTerms::of(store, opened.hash(), begun.flatten(), first)?;
        Ok(terms)
    }

    /// Of the log of `genesis`, whose open epoch begins with `first`, under the key of its
    /// index; `None` if it has none. A copy without the secret of that key cannot be gone on with.
    pub(super) fn of(
        store: &dyn Store,
        genesis: Hash,
        begun: Option<Begun>,
        first: Seq,
    ) -> Result<Option<OpenTerms>, StoreError> {
        let Some(begun) = begun else {
            return Ok(None);
        };
        let secret = store.meta(INDEX_KEY)?;
        let secret = secret.as_deref().and_then(|bytes| bytes.first_chunk());
        let terms = secret.and_then(|secret| OpenTerms::under(secret, genesis, begun, first));
        let lost = || StoreError::corrupt(Corruption::Row { table: INDEX_KEY });
        terms.ok_or_else(lost).map(Some)
    }

    /// The same under this secret; `None` if it is not that of the index.
    pub(crate) fn under(
        secret: &[u8; VrfSecret::BYTES],
        genesis: Hash,
        begun: Begun,
        first: Seq,
    ) -> Option<OpenTerms> {
        let secret = VrfSecret::from_bytes(secret);
        (secret.public_key() == begun.key).then(|| {
            OpenTerms(Arc::new(Mutex::new(TermCounting {
                secret,
                genesis,
                begun,
                next: first,
                counts: HashMap::new(),
                placed: Vec::new(),
                places: HashMap::new(),
            })))
        })
    }

    /// Counts an entry that is not in the store yet; those before it are, or were given.
    #[cfg(feature = "bucket")]
    pub(crate) fn take(
        &self,
        store: &dyn Store,
        seq: Seq,
        entry: &Entry,
    ) -> Result<(), LogbookError> {
        let mut counting = self.lock()?;
        if counting.next < seq {
            counting.count(store, seq)?;
        }
        counting.entry(seq, entry);
        counting.next = Seq(seq.0.saturating_add(1));
        Ok(())
    }

    /// Counts some of what is durable. False if too little is left to be worth it: a
    /// process that appends a few entries and ends reads none of those before it.
    pub(super) fn catch_up(&self, store: &dyn Store) -> Result<bool, LogbookError> {
        let mut counting = self.lock()?;
        let end = store.count()?;
        let left = end.saturating_sub(counting.next.0);
        if left < BEHIND {
            return Ok(false);
        }
        let step = counting.next.0.saturating_add(STEP);
        counting.count(store, Seq(step))?;
        Ok(true)
    }

    /// Counts the open epoch again, which begins with `first`: it was not sealed.
    pub(super) fn begin_again(&self, first: Seq) -> Result<(), LogbookError> {
        let mut counting = self.lock()?;
        counting.next = first;
        counting.counts.clear();
        counting.placed.clear();
        // Places that are known are not shown again.
        counting.places.clear();
        Ok(())
    }

    /// Seals the epoch that ends with `last`.
    pub(crate) fn seal(
        &self,
        store: &dyn Store,
        epoch: EpochNumber,
        last: Seq,
    ) -> Result<SealedTerms, LogbookError> {
        let mut counting = self.lock()?;
        let end = Seq(last.0.saturating_add(1));
        counting.count(store, end)?;
        let counts = std::mem::take(&mut counting.counts).into_iter();
        let mut leaves: Vec<_> = counts.map(|(place, count)| Leaf { place, count }).collect();
        leaves.sort_unstable_by_key(|leaf| leaf.place);
        let own = Block {
            level: 0,
            index: epoch.0,
        };
        let mut writing = Writing::begin(own);
        for leaf in &leaves {
            writing.push(leaf);
        }
        let (mut tiles, tree) = writing.finish();
        let begun = counting.begun;
        if let Some(block) = newly_merged(begun.since, epoch) {
            merge(store, &block)?;
        }
        let before = epoch.0.checked_sub(1).map(EpochNumber);
        let mut trees = Vec::new();
        for block in cover(begun.since, epoch)
            .iter()
            .filter(|block| **block != own)
        {
            trees.push(tree_of(store, block)?);
        }
        trees.push(tree);
        let placed = std::mem::take(&mut counting.placed);
        if !placed.is_empty() {
            tiles.push(placed_row(epoch, &placed));
        }
        Ok(SealedTerms {
            index: commitment(&begun, trees),
            batch: Batch {
                tiles,
                forget_trees: before
                    .map(|before| superseded(begun.since, before))
                    .unwrap_or_default(),
                ..Batch::default()
            },
        })
    }

    /// The first epoch that is indexed.
    pub(super) fn since(&self) -> Result<EpochNumber, LogbookError> {
        Ok(self.lock()?.begun.since)
    }

    /// What was counted when a thread panicked may be counted twice: then nothing is
    /// sealed before the ledger is reopened.
    fn lock(&self) -> Result<MutexGuard<'_, TermCounting>, LogbookError> {
        self.0.lock().map_err(|_| LogbookError::Stopped)
    }
}

/// The trees that no header from the one after `epoch` on stands over, and that the one
/// before it did.
fn superseded(since: EpochNumber, epoch: EpochNumber) -> Vec<EpochNumber> {
    let before = epoch.0.checked_sub(1).map(EpochNumber);
    let Some(before) = before.filter(|before| *before >= since) else {
        return Vec::new();
    };
    let kept = cover(since, epoch);
    let gone = cover(since, before).into_iter();
    let gone = gone.filter(|block| !kept.contains(block));
    gone.map(|block| rows_of(&block)).collect()
}

/// Merges what the header after that of `epoch` stands over.
pub(super) fn merge_behind(
    store: &dyn Store,
    since: EpochNumber,
    epoch: EpochNumber,
) -> Result<(), TermsError> {
    let next = EpochNumber(epoch.0.saturating_add(1));
    match newly_merged(since, next) {
        Some(block) => merge(store, &block).map(|_| ()),
        None => Ok(()),
    }
}

/// Where the index of a log begins; `None` if it has none.
///
/// # Errors
/// [`OpenError`].
pub fn begun(store: &dyn Store, opening: &Opening) -> Result<Option<Begun>, OpenError> {
    match opening.index {
        Some(key) => Ok(Some(Begun::with_the_log(key))),
        None => begun_later(store),
    }
}

/// Where an entry of the log begins its index, which its entry 0 does not name.
///
/// # Errors
/// [`OpenError`].
pub fn begun_later(store: &dyn Store) -> Result<Option<Begun>, OpenError> {
    let Some(last) = store.last_seq()? else {
        return Ok(None);
    };
    // Nothing is looked for in a log that never had a key for it.
    let has_key = store.meta(INDEX_KEY)?.is_some();
    let header = store.last_epoch()?.map(|last| epoch_at(store, last));
    let header = header.transpose()?.map(|epoch| epoch.content);
    if !has_key && header.as_ref().is_none_or(|header| header.index.is_none()) {
        return Ok(None);
    }
    let filter = Filter {
        kinds: vec![kind::FORMAT.to_owned()],
        until_seq: Some(last),
        limit: Some(1),
        ..Filter::default()
    };
    let found = select(store, &filter)?.next().transpose()?;
    let Some((seq, entry)) = found else {
        return Ok(None);
    };
    let wrong = |error| OpenError::Entry { seq, error };
    let payload = entry.check_payload().map_err(wrong)?;
    let begins = Begins::from_object(&payload).map_err(|error| wrong(error.into()))?;
    let since = match store.epoch_of(seq)? {
        Some(epoch) => epoch,
        // It is the first of the epoch that is open.
        None => EpochNumber(header.map_or(0, |header| header.epoch.0.saturating_add(1))),
    };
    Ok(Some(Begun {
        since,
        key: begins.index,
    }))
}

impl TermCounting {
    /// Counts the entries before `end`.
    fn count(&mut self, store: &dyn Store, end: Seq) -> Result<(), LogbookError> {
        for row in store.entries(self.next.0..end.0) {
            let (seq, record) = row?;
            if seq != self.next {
                return Err(LogbookError::Stopped);
            }
            let entry = Entry::from_record(record).map_err(|_| LogbookError::Stopped)?;
            self.entry(seq, &entry);
            self.next = Seq(seq.0.saturating_add(1));
        }
        match self.next >= end {
            true => Ok(()),
            false => Err(LogbookError::Stopped),
        }
    }

    fn entry(&mut self, seq: Seq, entry: &Entry) {
        let leaf = leaf_hash(&entry.hash(), &entry.signature());
        for (field, value) in terms(entry.kind(), entry.payload_bytes()) {
            let term = Term::new(field, value);
            let place = match term.open_place(&self.genesis) {
                Some(place) => place,
                None => self.hidden_place(term),
            };
            let count = self.counts.entry(place).or_insert(Count::NONE);
            *count = count.and(seq, &leaf);
        }
    }

    fn hidden_place(&mut self, term: Term) -> Hash {
        if let Some(place) = self.places.get(&term) {
            return *place;
        }
        if self.places.len() >= REMEMBERED {
            self.places.clear();
        }
        let (place, proof) = term.place(&self.genesis, &self.secret);
        self.places.insert(term.clone(), place);
        self.placed.push(Placed { term, proof });
        place
    }
}
