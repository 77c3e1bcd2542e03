//! `line.rs`: places in the order of the log, signed beside each other and taken
//! from the front.

mod slots;

use std::collections::VecDeque;
use std::sync::Arc;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex, MutexGuard, mpsc};
use shuttle::thread;

use slots::{Slot, What, refuse};

use super::super::mutant::Mutant;
use super::sequencer::Chain;
use super::{Entry, Id, Refused, Reply, Sealed, Sequencer, Work};

/// Small, so that batches are full now and then, and the line too.
const BATCH_ENTRIES: usize = 3;
const LINE_REQUESTS: usize = 3;
const OVERTAKEN: usize = 2;

pub struct Line {
    state: Mutex<State>,
    ready: Condvar,
    room: Condvar,
    mutant: Mutant,
}

struct State {
    sequencer: Sequencer,
    slots: VecDeque<Slot>,
    next: u64,
    together: usize,
    is_at_work: bool,
    awaited: bool,
    crowded: bool,
    filled: usize,
    closed: bool,
    /// How many requests until one whose chaining panics.
    panics_in: Option<usize>,
    poisoned: bool,
}

/// A slot that is to be filled. Dropped without, it is cut out.
pub struct Place {
    line: Arc<Line>,
    number: u64,
    drafts: Option<Arc<Vec<Entry>>>,
}

/// What is to be committed now, by whoever holds it.
pub struct Turn<'l> {
    line: &'l Line,
    pub works: VecDeque<Work>,
    given_up: bool,
}

/// How a signature comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    Succeeds,
    Fails,
    Panics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWork {
    Yet,
    Ever,
}

impl Line {
    pub fn new(sequencer: Sequencer, panics_in: Option<usize>, mutant: Mutant) -> Line {
        Line {
            state: Mutex::new(State {
                sequencer,
                slots: VecDeque::new(),
                next: 0,
                together: 0,
                is_at_work: false,
                awaited: false,
                crowded: false,
                filled: 0,
                closed: false,
                panics_in,
                poisoned: false,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
            mutant,
        }
    }

    /// Waits while there is no room.
    pub fn enter(self: &Arc<Line>, ids: Vec<Id>, reply: Reply) -> Option<Place> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.crowded = true;
            state = self.again(self.room.wait(state).unwrap());
        }
        self.take_in(state, ids, reply)
    }

    /// Refuses if there is none.
    pub fn try_enter(self: &Arc<Line>, ids: Vec<Id>, reply: Reply) -> Option<Place> {
        let state = self.lock();
        if state.is_full() && !state.closed {
            drop(state);
            reply.send(Err(Refused::Busy));
            return None;
        }
        self.take_in(state, ids, reply)
    }

    fn take_in(
        self: &Arc<Line>,
        mut state: MutexGuard<'_, State>,
        ids: Vec<Id>,
        reply: Reply,
    ) -> Option<Place> {
        if state.closed {
            drop(state);
            reply.send(Err(Refused::Stopped));
            return None;
        }
        let before = state.sequencer.chain().clone();
        let chained = state.sequencer.append(ids, reply);
        if state.panics_in == Some(0) {
            // Numbers were given that nobody will write.
            state.panics_in = None;
            state.poisoned = true;
            drop(state);
            drop(chained);
            return None;
        }
        state.panics_in = state.panics_in.map(|left| left - 1);
        let drafts = Arc::new(chained.drafts);
        let what = What::Entries {
            drafts: Arc::clone(&drafts),
            asked: chained.asked,
            signed: false,
            helped: false,
        };
        let number = state.push(before, what);
        drop(state);
        Some(Place {
            line: Arc::clone(self),
            number,
            drafts: Some(drafts),
        })
    }

    pub fn seal(&self, reply: mpsc::Sender<Sealed>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(Refused::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        if !state.sequencer.seal() {
            drop(state);
            let _ = reply.send(Ok(None));
            return;
        }
        state.push(before, What::Order(Work::Seal(Some(reply))));
        self.wake(state);
    }

    pub fn close(&self, reply: mpsc::Sender<Result<(), Refused>>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(Refused::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        state.push(before, What::Order(Work::Close(reply)));
        self.wake(state);
    }

    pub fn end(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.awaited = false;
        drop(state);
        self.ready.notify_one();
        self.room.notify_all();
    }

    pub fn abandon(&self) {
        if self.mutant == Mutant::LineAbandoned {
            return;
        }
        let mut state = self.lock();
        state.closed = true;
        let cut = state.cut(0, self.mutant);
        drop(state);
        self.room.notify_all();
        refuse(cut, Refused::Stopped);
    }

    pub fn sign(&self, place: Place, signing: Signing) {
        if let Some(state) = self.fill(place, signing) {
            self.wake_for_fill(state);
        }
    }

    pub fn sign_alone(&self, place: Place, signing: Signing) -> Option<Turn<'_>> {
        let state = self.fill(place, signing)?;
        let overlooked = self.mutant == Mutant::TurnOverlooked;
        if state.slots.len() == 1 && state.together <= 1 && (state.is_ready() || overlooked) {
            return Some(self.begin(state));
        }
        self.wake_for_fill(state);
        None
    }

    fn fill(&self, mut place: Place, signing: Signing) -> Option<MutexGuard<'_, State>> {
        thread::yield_now();
        // Where it panics, everything that he held is dropped.
        if signing == Signing::Panics {
            return None;
        }
        place.drafts = None;
        if signing == Signing::Fails {
            self.cut(place.number, Refused::Sign);
            return None;
        }
        let mut state = self.lock();
        state.fill(place.number).then_some(state)
    }

    fn help<'l>(&'l self, state: MutexGuard<'l, State>, number: u64) -> MutexGuard<'l, State> {
        drop(state);
        thread::yield_now();
        let succeeds = thread_rng().gen_bool(0.8);
        let mut state = self.lock();
        if succeeds {
            state.fill(number);
        }
        state
    }

    /// With `timed`, it may as well be that there is no work in time.
    pub fn take(&self, timed: bool) -> Result<Turn<'_>, NoWork> {
        let mut state = self.lock();
        loop {
            if state.is_ready() || self.mutant == Mutant::OrderOverlooked && state.has_any() {
                state.awaited = false;
                return Ok(self.begin(state));
            }
            if let Some(number) = state.help() {
                state = self.help(state, number);
                continue;
            }
            if state.closed && state.slots.is_empty() {
                return Err(NoWork::Ever);
            }
            if timed && thread_rng().gen_bool(0.5) {
                state.awaited = false;
                return Err(NoWork::Yet);
            }
            state.awaited = true;
            state = self.again(self.ready.wait(state).unwrap());
        }
    }

    fn begin<'l>(&'l self, mut state: MutexGuard<'_, State>) -> Turn<'l> {
        state.is_at_work = true;
        if self.mutant == Mutant::OrderOverlooked {
            let signed = state.slots.iter().position(Slot::is_filled);
            state.slots.rotate_left(signed.unwrap_or_default());
        }
        let mut slots = Vec::new();
        let mut entries = 0;
        while entries < BATCH_ENTRIES
            && state.slots.front().is_some_and(Slot::is_filled)
            && let Some(slot) = state.slots.pop_front()
        {
            entries += slot.entries();
            slots.push(slot);
        }
        state.filled -= slots.len();
        state.together = slots.len();
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded && self.mutant != Mutant::RoomWakesNobody {
            self.room.notify_all();
        }
        let mut works = VecDeque::new();
        for work in slots.into_iter().flat_map(Slot::into_works) {
            let alone = match works.back_mut() {
                Some(last) => Work::join(last, work),
                None => Some(work),
            };
            works.extend(alone);
        }
        Turn {
            line: self,
            works,
            given_up: false,
        }
    }

    fn cut(&self, number: u64, error: Refused) {
        let mut state = self.lock();
        let Some(index) = state.find(number) else {
            return;
        };
        let cut = state.cut(index, self.mutant);
        self.wake(state);
        self.room.notify_all();
        refuse(cut, error);
    }

    fn wake_for_fill(&self, state: MutexGuard<'_, State>) {
        if self.mutant != Mutant::FillWakesNobody {
            self.wake(state);
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let wakes = state.awaited && state.wants_the_committer();
        if wakes {
            state.awaited = false;
        }
        drop(state);
        if wakes {
            self.ready.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.again(self.state.lock().unwrap())
    }

    /// What Rust's lock does: it tells everyone of a panic under it.
    fn again<'l>(&self, mut state: MutexGuard<'l, State>) -> MutexGuard<'l, State> {
        if state.poisoned && self.mutant != Mutant::LinePoisonOverlooked {
            state.closed = true;
        }
        state
    }
}

impl Turn<'_> {
    /// What was taken is done.
    pub fn give_up(&mut self) {
        if self.given_up {
            return;
        }
        self.given_up = true;
        let mut state = self.line.lock();
        state.is_at_work = false;
        if self.line.mutant != Mutant::TurnWakesNobody {
            self.line.wake(state);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.give_up();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left_behind = self.line.mutant == Mutant::PlaceLeftBehind;
        if self.drafts.is_some() && !left_behind && !std::thread::panicking() {
            self.line.cut(self.number, Refused::Stopped);
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.slots.len() >= LINE_REQUESTS
    }

    fn is_ready(&self) -> bool {
        !self.is_at_work && self.slots.front().is_some_and(Slot::is_filled)
    }

    fn wants_the_committer(&self) -> bool {
        let is_over = self.closed && self.slots.is_empty();
        self.is_ready() || self.is_overtaken() || is_over
    }

    fn has_any(&self) -> bool {
        !self.is_at_work && self.slots.iter().any(Slot::is_filled)
    }

    fn is_overtaken(&self) -> bool {
        self.filled >= OVERTAKEN && self.slots.front().is_some_and(Slot::can_be_helped)
    }

    fn help(&mut self) -> Option<u64> {
        if self.is_at_work || !self.is_overtaken() {
            return None;
        }
        let slot = self.slots.front_mut()?;
        match &mut slot.what {
            What::Entries { helped, .. } => {
                *helped = true;
                Some(slot.number)
            }
            What::Order(_) => None,
        }
    }

    fn push(&mut self, before: Chain, what: What) -> u64 {
        let number = self.next;
        self.next += 1;
        let slot = Slot {
            number,
            before,
            what,
        };
        self.filled += usize::from(slot.is_filled());
        self.slots.push_back(slot);
        number
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.slots.iter().position(|slot| slot.number == number)
    }

    fn fill(&mut self, number: u64) -> bool {
        let index = self.find(number);
        let slot = index.and_then(|index| self.slots.get_mut(index));
        match slot.map(|slot| &mut slot.what) {
            Some(What::Entries { signed, .. }) if !*signed => {
                *signed = true;
                self.filled += 1;
                true
            }
            _ => false,
        }
    }

    fn cut(&mut self, index: usize, mutant: Mutant) -> Vec<Slot> {
        let end = if mutant == Mutant::CutTooShort {
            self.slots.len().min(index + 1)
        } else {
            self.slots.len()
        };
        let cut: Vec<_> = self.slots.drain(index..end).collect();
        if let Some(first) = cut.first()
            && mutant != Mutant::NumbersNotGivenBack
        {
            self.sequencer.go_back(first.before.clone());
        }
        self.filled -= cut.iter().filter(|slot| slot.is_filled()).count();
        cut
    }
}
