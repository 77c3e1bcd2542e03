//! The slots of the line, in the order of the log: who asked, and how far it is.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ledger::entry::Draft;
use crate::ledger::position::Seq;

use super::super::error::LogbookError;
use super::super::request::Work;
use super::super::sequencer::{Asked, Chain, Signed, placed};

/// Entries taken together at most: large enough that a sync is shared by many, small
/// enough that the first does not wait long for the last.
const BATCH_ENTRIES: usize = 1_024;

/// Bytes from which on no further entries are taken.
const BATCH_BYTES: usize = 4 << 20;

/// So many must have been signed behind one who is not before the committer helps:
/// more than sign at the same time on a few cores.
const OVERTAKEN: usize = 8;

/// Entries that the committer signs for another at most.
const HELPED: usize = 4;

#[derive(Default)]
pub(super) struct Slots {
    slots: VecDeque<Slot>,
    /// Number of the next; that of one that was cut is not given again.
    next: u64,
    requests: usize,
    weight: usize,
    /// How many are filled, wherever they stand.
    filled: usize,
}

pub(super) struct Slot {
    number: u64,
    /// The chain as it was before.
    pub(super) before: Chain,
    requests: usize,
    weight: usize,
    what: What,
}

pub(super) enum What {
    Entries {
        drafts: Drafts,
        asked: Asked,
        /// As many as there are drafts, once they are signed.
        signed: Option<Vec<Signed>>,
        /// The committer has tried to sign them.
        helped: bool,
    },
    Order(Work),
}

/// Held by the slot, and by whoever signs as long as he does.
pub(super) type Drafts = Arc<Vec<(Seq, Draft)>>;

impl Slots {
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) const fn requests(&self) -> usize {
        self.requests
    }

    /// Roughly the bytes that they take.
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn first_is_filled(&self) -> bool {
        self.slots.front().is_some_and(Slot::is_filled)
    }

    /// Whether many wait, signed, for one who is not and may be helped.
    pub(super) fn is_overtaken(&self) -> bool {
        self.filled >= OVERTAKEN && self.slots.front().is_some_and(Slot::can_be_helped)
    }

    /// Whom the committer is to help, once.
    pub(super) fn help(&mut self) -> Option<(u64, Drafts)> {
        if !self.is_overtaken() {
            return None;
        }
        let slot = self.slots.front_mut()?;
        match &mut slot.what {
            What::Entries { drafts, helped, .. } => {
                *helped = true;
                Some((slot.number, Arc::clone(drafts)))
            }
            What::Order(_) => None,
        }
    }

    /// Adds a slot, and gives its number.
    pub(super) fn push(
        &mut self,
        before: Chain,
        requests: usize,
        weight: usize,
        what: What,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        self.requests += requests;
        self.weight += weight;
        let slot = Slot {
            number,
            before,
            requests,
            weight,
            what,
        };
        self.filled += usize::from(slot.is_filled());
        self.slots.push_back(slot);
        number
    }

    /// False if the slot was cut out, or another has filled it.
    pub(super) fn fill(&mut self, number: u64, those: Vec<Signed>) -> bool {
        let found = self.slots.binary_search_by_key(&number, |slot| slot.number);
        let slot = found.ok().and_then(|index| self.slots.get_mut(index));
        match slot.map(|slot| &mut slot.what) {
            Some(What::Entries { signed, .. }) if signed.is_none() => {
                *signed = Some(those);
                self.filled += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes what is filled from the front, as far as one batch goes.
    pub(super) fn take_filled(&mut self) -> Vec<Slot> {
        let mut taken = Vec::new();
        let (mut entries, mut weight) = (0, 0);
        while entries < BATCH_ENTRIES
            && weight < BATCH_BYTES
            && self.first_is_filled()
            && let Some(slot) = self.slots.pop_front()
        {
            entries += slot.entries();
            weight += slot.weight;
            self.forget(&slot);
            taken.push(slot);
        }
        taken
    }

    /// Cuts out slot `number` and everything behind it; nothing if it is not there
    /// any more.
    pub(super) fn cut(&mut self, number: u64) -> Vec<Slot> {
        let found = self.slots.binary_search_by_key(&number, |slot| slot.number);
        found.map_or_else(|_| Vec::new(), |index| self.cut_from(index))
    }

    pub(super) fn cut_all(&mut self) -> Vec<Slot> {
        self.cut_from(0)
    }

    fn cut_from(&mut self, index: usize) -> Vec<Slot> {
        let cut: Vec<_> = self.slots.drain(index..).collect();
        cut.iter().for_each(|slot| self.forget(slot));
        cut
    }

    fn forget(&mut self, slot: &Slot) {
        self.requests -= slot.requests;
        self.weight -= slot.weight;
        self.filled -= usize::from(slot.is_filled());
    }
}

impl Slot {
    fn is_filled(&self) -> bool {
        match &self.what {
            What::Entries { signed, .. } => signed.is_some(),
            What::Order(_) => true,
        }
    }

    fn can_be_helped(&self) -> bool {
        match &self.what {
            What::Entries {
                drafts,
                signed: None,
                helped: false,
                ..
            } => drafts.len() <= HELPED,
            _ => false,
        }
    }

    fn entries(&self) -> usize {
        match &self.what {
            What::Entries { drafts, .. } => drafts.len(),
            What::Order(_) => 0,
        }
    }

    /// Of a slot that is filled.
    pub(super) fn into_works(self) -> Vec<Work> {
        match self.what {
            What::Entries {
                drafts,
                asked,
                signed,
                ..
            } => {
                // Who has helped in vain may still hold them.
                let drafts = Arc::try_unwrap(drafts).unwrap_or_else(|held| held.to_vec());
                asked.into_works(placed(drafts, signed.unwrap_or_default()))
            }
            What::Order(work) => vec![work],
        }
    }

    pub(super) fn refuse(self, error: &LogbookError) {
        match self.what {
            What::Entries { asked, .. } => asked.refuse(error),
            What::Order(work) => work.refuse(error),
        }
    }

    pub(super) const fn requests(&self) -> usize {
        self.requests
    }
}
