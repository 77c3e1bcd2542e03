//! `queue.rs`: places in the order of the log, signed beside each other and taken
//! from the front.

mod tickets;

use std::collections::VecDeque;
use std::sync::Arc;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex, MutexGuard, mpsc};
use shuttle::thread;

use tickets::{Ticket, What, refuse};

use super::super::mutant::Mutant;
use super::sequencer::Chain;
use super::{Entry, Id, Refused, Reply, Sealed, Sequencer, Work};

/// Small, so that batches are full now and then, and the queue too.
const BATCH_ENTRIES: usize = 3;
const QUEUE_REQUESTS: usize = 3;
const OVERTAKEN: usize = 2;

pub struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    room: Condvar,
    mutant: Mutant,
}

struct State {
    sequencer: Sequencer,
    tickets: VecDeque<Ticket>,
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

/// A ticket that is to be filled. Dropped without, it is cut out.
pub struct Unsigned {
    queue: Arc<Queue>,
    number: u64,
    drafts: Option<Arc<Vec<Entry>>>,
}

/// What is to be committed now, by whoever holds it.
pub struct Permit<'q> {
    queue: &'q Queue,
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

impl Queue {
    pub fn new(sequencer: Sequencer, panics_in: Option<usize>, mutant: Mutant) -> Queue {
        Queue {
            state: Mutex::new(State {
                sequencer,
                tickets: VecDeque::new(),
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
    pub fn enter(self: &Arc<Queue>, ids: Vec<Id>, reply: Reply) -> Option<Unsigned> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.crowded = true;
            state = self.again(self.room.wait(state).unwrap());
        }
        self.take_in(state, ids, reply)
    }

    /// Refuses if there is none.
    pub fn try_enter(self: &Arc<Queue>, ids: Vec<Id>, reply: Reply) -> Option<Unsigned> {
        let state = self.lock();
        if state.is_full() && !state.closed {
            drop(state);
            reply.send(Err(Refused::Busy));
            return None;
        }
        self.take_in(state, ids, reply)
    }

    fn take_in(
        self: &Arc<Queue>,
        mut state: MutexGuard<'_, State>,
        ids: Vec<Id>,
        reply: Reply,
    ) -> Option<Unsigned> {
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
        Some(Unsigned {
            queue: Arc::clone(self),
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
        if self.mutant == Mutant::QueueAbandoned {
            return;
        }
        let mut state = self.lock();
        state.closed = true;
        let cut = state.cut(0, self.mutant);
        drop(state);
        self.room.notify_all();
        refuse(cut, Refused::Stopped);
    }

    pub fn sign(&self, unsigned: Unsigned, signing: Signing) {
        if let Some(state) = self.fill(unsigned, signing) {
            self.wake_for_fill(state);
        }
    }

    pub fn sign_alone(&self, unsigned: Unsigned, signing: Signing) -> Option<Permit<'_>> {
        let state = self.fill(unsigned, signing)?;
        let overlooked = self.mutant == Mutant::PermitOverlooked;
        if state.tickets.len() == 1 && state.together <= 1 && (state.is_ready() || overlooked) {
            return Some(self.begin(state));
        }
        self.wake_for_fill(state);
        None
    }

    fn fill(&self, mut unsigned: Unsigned, signing: Signing) -> Option<MutexGuard<'_, State>> {
        thread::yield_now();
        // Where it panics, everything that he held is dropped.
        if signing == Signing::Panics {
            return None;
        }
        unsigned.drafts = None;
        if signing == Signing::Fails {
            self.cut(unsigned.number, Refused::Sign);
            return None;
        }
        let mut state = self.lock();
        state.fill(unsigned.number).then_some(state)
    }

    fn help<'q>(&'q self, state: MutexGuard<'q, State>, number: u64) -> MutexGuard<'q, State> {
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
    pub fn take(&self, timed: bool) -> Result<Permit<'_>, NoWork> {
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
            if state.closed && state.tickets.is_empty() {
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

    fn begin<'q>(&'q self, mut state: MutexGuard<'_, State>) -> Permit<'q> {
        state.is_at_work = true;
        if self.mutant == Mutant::OrderOverlooked {
            let signed = state.tickets.iter().position(Ticket::is_filled);
            state.tickets.rotate_left(signed.unwrap_or_default());
        }
        let mut tickets = Vec::new();
        let mut entries = 0;
        while entries < BATCH_ENTRIES
            && state.tickets.front().is_some_and(Ticket::is_filled)
            && let Some(ticket) = state.tickets.pop_front()
        {
            entries += ticket.entries();
            tickets.push(ticket);
        }
        state.filled -= tickets.len();
        state.together = tickets.len();
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded && self.mutant != Mutant::RoomWakesNobody {
            self.room.notify_all();
        }
        let mut works = VecDeque::new();
        for work in tickets.into_iter().flat_map(Ticket::into_works) {
            let alone = match works.back_mut() {
                Some(last) => Work::join(last, work),
                None => Some(work),
            };
            works.extend(alone);
        }
        Permit {
            queue: self,
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
    fn again<'q>(&self, mut state: MutexGuard<'q, State>) -> MutexGuard<'q, State> {
        if state.poisoned && self.mutant != Mutant::QueuePoisonOverlooked {
            state.closed = true;
        }
        state
    }
}

impl Permit<'_> {
    /// Refuses everything in the queue: the log ends before.
    pub fn go_back(&self, end: (u64, Option<u32>)) {
        let mut state = self.queue.lock();
        let cut = state.cut(0, Mutant::Sound);
        state.sequencer.go_back_to_end(end);
        drop(state);
        self.queue.room.notify_all();
        refuse(cut, Refused::Full);
    }

    /// What was taken is done.
    pub fn give_up(&mut self) {
        if self.given_up {
            return;
        }
        self.given_up = true;
        let mut state = self.queue.lock();
        state.is_at_work = false;
        if self.queue.mutant != Mutant::PermitWakesNobody {
            self.queue.wake(state);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.give_up();
        }
    }
}

impl Drop for Unsigned {
    fn drop(&mut self) {
        let left_behind = self.queue.mutant == Mutant::UnsignedLeftBehind;
        if self.drafts.is_some() && !left_behind && !std::thread::panicking() {
            self.queue.cut(self.number, Refused::Stopped);
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.tickets.len() >= QUEUE_REQUESTS
    }

    fn is_ready(&self) -> bool {
        !self.is_at_work && self.tickets.front().is_some_and(Ticket::is_filled)
    }

    fn wants_the_committer(&self) -> bool {
        let is_over = self.closed && self.tickets.is_empty();
        self.is_ready() || self.is_overtaken() || is_over
    }

    fn has_any(&self) -> bool {
        !self.is_at_work && self.tickets.iter().any(Ticket::is_filled)
    }

    fn is_overtaken(&self) -> bool {
        self.filled >= OVERTAKEN && self.tickets.front().is_some_and(Ticket::can_be_helped)
    }

    fn help(&mut self) -> Option<u64> {
        if self.is_at_work || !self.is_overtaken() {
            return None;
        }
        let ticket = self.tickets.front_mut()?;
        match &mut ticket.what {
            What::Entries { helped, .. } => {
                *helped = true;
                Some(ticket.number)
            }
            What::Order(_) => None,
        }
    }

    fn push(&mut self, before: Chain, what: What) -> u64 {
        let number = self.next;
        self.next += 1;
        let ticket = Ticket {
            number,
            before,
            what,
        };
        self.filled += usize::from(ticket.is_filled());
        self.tickets.push_back(ticket);
        number
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.tickets
            .iter()
            .position(|ticket| ticket.number == number)
    }

    fn fill(&mut self, number: u64) -> bool {
        let index = self.find(number);
        let ticket = index.and_then(|index| self.tickets.get_mut(index));
        match ticket.map(|ticket| &mut ticket.what) {
            Some(What::Entries { signed, .. }) if !*signed => {
                *signed = true;
                self.filled += 1;
                true
            }
            _ => false,
        }
    }

    fn cut(&mut self, index: usize, mutant: Mutant) -> Vec<Ticket> {
        let end = if mutant == Mutant::CutTooShort {
            self.tickets.len().min(index + 1)
        } else {
            self.tickets.len()
        };
        let cut: Vec<_> = self.tickets.drain(index..end).collect();
        if let Some(first) = cut.first()
            && mutant != Mutant::NumbersNotGivenBack
        {
            self.sequencer.go_back(first.before.clone());
        }
        self.filled -= cut.iter().filter(|ticket| ticket.is_filled()).count();
        cut
    }
}
