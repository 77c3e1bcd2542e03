//! The line: entries in the order of the log, from where they are chained to where
//! they are committed.
//!
//! Whoever appends takes a place: under the line's lock his entries get their
//! numbers, times and hashes, and a slot at the end. He signs them in his own
//! thread, beside everybody else, and fills the slot. The committer takes what is
//! signed from the front, everything at once, whenever it is ready. So the order of
//! the log is that of the slots, however long a signature takes, and nothing is
//! waited for while there is something to do.
//!
//! A signature that fails cuts the line: its slot goes, and with it every one
//! behind it, whose entries name hashes that will never be. All of them are
//! refused, and the chain goes on as if they had never been asked.
//!
//! Made of a lock and two conditions and not of channels, because those give away
//! what was put in, and because those of them that can be waited for together give
//! way to other threads before they sleep: where every core is busy, that costs
//! whoever does it its turn.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ledger::key::Signer;

use super::error::LogbookError;
use super::request::{SealReply, Submission, Work};
use super::sequencer::{Chain, Chained, Sequencer, sign};

/// Entries in one work at most: large enough that a sync is shared by many, small
/// enough that the first does not wait long for the last.
const BATCH_ENTRIES: usize = 1_024;

/// Bytes from which on a work takes no further entries.
const BATCH_BYTES: usize = 4 << 20;

/// Requests in the line at most; a caller beyond them waits before it.
const LINE_REQUESTS: usize = 4_096;

/// Bytes from which on the line takes no further request.
const LINE_BYTES: usize = 64 << 20;

/// From this many entries on, whoever submits them does not sign them himself.
const SIGNED_HERE: usize = 64;

pub(super) struct Line {
    state: Mutex<State>,
    /// There is work, or nobody to give any.
    ready: Condvar,
    /// There is room, or nobody to make any.
    room: Condvar,
    signer: Arc<dyn Signer>,
}

struct State {
    sequencer: Sequencer,
    slots: VecDeque<Slot>,
    /// Number of the next slot; that of one that was cut is not given again.
    next: u64,
    requests: usize,
    weight: usize,
    /// Requests that were last taken together.
    together: usize,
    /// Somebody commits. He takes everything from the front.
    is_at_work: bool,
    /// The committer sleeps until the first slot is filled.
    awaited: bool,
    /// Callers sleep until there is room.
    crowded: bool,
    /// Why slots were cut last.
    cut_for: LogbookError,
    /// Nothing more is taken in.
    closed: bool,
}

struct Slot {
    number: u64,
    /// The chain as it was before.
    before: Chain,
    requests: usize,
    weight: usize,
    /// `None` until it is signed.
    works: Option<Vec<Work>>,
}

/// A slot that is to be filled. Dropped without, it is cut out.
pub(super) struct Place {
    line: Arc<Line>,
    number: u64,
    filled: bool,
}

/// What is to be committed now, by whoever holds it and nobody else.
pub(super) struct Turn<'l> {
    line: &'l Line,
    pub(super) works: VecDeque<Work>,
}

/// Why there is no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWork {
    /// There was none in time.
    Yet,
    /// There is nobody any more to give any.
    Ever,
}

impl Line {
    pub(super) fn new(sequencer: Sequencer, signer: Arc<dyn Signer>) -> Line {
        Line {
            state: Mutex::new(State {
                sequencer,
                slots: VecDeque::new(),
                next: 0,
                requests: 0,
                weight: 0,
                together: 0,
                is_at_work: false,
                awaited: false,
                crowded: false,
                cut_for: LogbookError::Stopped,
                closed: false,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
            signer,
        }
    }

    /// Chains what is submitted, and gives it its place; waits while there is no
    /// room. Refuses it if nothing is taken in any more.
    pub(super) fn enter(self: &Arc<Line>, submission: Submission) -> Option<(Place, Chained)> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.crowded = true;
            let woken = self.room.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        self.take_in(state, vec![submission])
    }

    /// The same, refused with [`LogbookError::Busy`] if there is no room.
    pub(super) fn try_enter(
        self: &Arc<Line>,
        submissions: Vec<Submission>,
    ) -> Option<(Place, Chained)> {
        let state = self.lock();
        if state.is_full() && !state.closed {
            drop(state);
            refuse_all(submissions, &LogbookError::Busy);
            return None;
        }
        self.take_in(state, submissions)
    }

    fn take_in(
        self: &Arc<Line>,
        mut state: MutexGuard<'_, State>,
        submissions: Vec<Submission>,
    ) -> Option<(Place, Chained)> {
        if state.closed {
            drop(state);
            refuse_all(submissions, &LogbookError::Stopped);
            return None;
        }
        let requests = submissions.len();
        let weight = submissions.iter().map(Submission::weight).sum();
        let before = state.sequencer.chain().clone();
        let chained = state.sequencer.append(submissions);
        let number = state.push(before, requests, weight, None);
        drop(state);
        let place = Place {
            line: Arc::clone(self),
            number,
            filled: false,
        };
        Some((place, chained))
    }

    /// Has the open epoch sealed behind what is in the line. Answered with `None`
    /// if it has no entries.
    pub(super) fn seal(&self, reply: SealReply) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(LogbookError::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        let Some(sealed_at) = state.sequencer.seal() else {
            drop(state);
            let _ = reply.send(Ok(None));
            return;
        };
        let reply = Some(reply);
        let seal = vec![Work::Seal { sealed_at, reply }];
        state.push(before, 1, 0, Some(seal));
        self.wake(state);
    }

    /// Puts the end behind what is in the line.
    pub(super) fn close(&self, reply: crossbeam_channel::Sender<Result<(), LogbookError>>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(LogbookError::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        state.push(before, 1, 0, Some(vec![Work::Close(reply)]));
        self.wake(state);
    }

    /// Nothing more is taken in. What is in the line is committed still.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.awaited = false;
        drop(state);
        self.ready.notify_one();
        self.room.notify_all();
    }

    /// Nothing more is taken in, and nobody commits what is there: it is refused.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.cut_for = LogbookError::Stopped;
        let cut = state.cut(0);
        drop(state);
        self.room.notify_all();
        refuse(works_of(cut), &LogbookError::Stopped);
    }

    /// Requests in the line.
    pub(super) fn requests(&self) -> usize {
        self.lock().requests
    }

    /// Signs, and fills the slot: here if that is soon done, else on any core, so
    /// that whoever submits much can go on.
    pub(super) fn have_signed(self: &Arc<Line>, place: Place, chained: Chained) {
        if chained.drafts.len() < SIGNED_HERE {
            return self.sign(place, chained);
        }
        let line = Arc::clone(self);
        rayon::spawn(move || {
            // What panics is answered as its place is dropped; others sign on.
            let _ = catch_unwind(AssertUnwindSafe(|| line.sign(place, chained)));
        });
    }

    fn sign(&self, place: Place, chained: Chained) {
        if let Some(state) = self.fill(place, chained) {
            self.wake(state);
        }
    }

    /// Signs here, and takes the turn if nobody else is in the line or was just
    /// before: where several wait, they had better wait together.
    pub(super) fn sign_alone(&self, place: Place, chained: Chained) -> Option<Turn<'_>> {
        let state = self.fill(place, chained)?;
        if state.slots.len() == 1 && state.together <= 1 && state.is_ready() {
            return Some(self.begin(state));
        }
        self.wake(state);
        None
    }

    fn fill(&self, place: Place, chained: Chained) -> Option<MutexGuard<'_, State>> {
        let Chained { drafts, mut asked } = chained;
        // Behind those who asked: if a signer panics, the place is cut out before
        // anyone is told, and who asks again then is not cut out with it.
        let mut place = place;
        asked.tell_too_late();
        let signed = sign(drafts, &*self.signer);
        place.filled = true;
        match signed {
            Ok(entries) => {
                let works = asked.into_works(entries);
                let mut state = self.lock();
                let index = state.find(place.number);
                let Some(slot) = index.and_then(|index| state.slots.get_mut(index)) else {
                    let error = state.cut_for.clone();
                    drop(state);
                    refuse(works, &error);
                    return None;
                };
                slot.works = Some(works);
                Some(state)
            }
            Err(error) => {
                let error = LogbookError::from(error);
                self.cut(place.number, &error);
                asked.refuse(&error);
                None
            }
        }
    }

    /// Everything that is signed, from the front on, as far as one batch goes;
    /// waits for it no longer than `most`.
    pub(super) fn take(&self, most: Duration) -> Result<Turn<'_>, NoWork> {
        let until = Instant::now() + most;
        let mut state = self.lock();
        loop {
            if state.is_ready() {
                state.awaited = false;
                return Ok(self.begin(state));
            }
            if state.closed && state.slots.is_empty() {
                return Err(NoWork::Ever);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.awaited = false;
                return Err(NoWork::Yet);
            }
            state.awaited = true;
            let woken = self.ready.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the turn.
    fn begin<'l>(&'l self, mut state: MutexGuard<'_, State>) -> Turn<'l> {
        state.is_at_work = true;
        let mut slots = Vec::new();
        let (mut entries, mut weight, mut requests) = (0, 0, 0);
        while entries < BATCH_ENTRIES
            && weight < BATCH_BYTES
            && let Some(works) = state.slots.front_mut().and_then(|slot| slot.works.take())
        {
            if let Some(slot) = state.slots.pop_front() {
                weight += slot.weight;
                requests += slot.requests;
            }
            entries += works.iter().map(Work::entries).sum::<usize>();
            slots.push(works);
        }
        state.requests -= requests;
        state.weight -= weight;
        state.together = requests;
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded {
            self.room.notify_all();
        }
        let mut works = VecDeque::with_capacity(1);
        for work in slots.into_iter().flatten() {
            let alone = match works.back_mut() {
                Some(last) => Work::join(last, work),
                None => Some(work),
            };
            works.extend(alone);
        }
        Turn { line: self, works }
    }

    /// Cuts out a slot and everything behind it.
    fn cut(&self, number: u64, error: &LogbookError) {
        let mut state = self.lock();
        let Some(index) = state.find(number) else {
            return;
        };
        state.cut_for = error.clone();
        let cut = state.cut(index);
        drop(state);
        self.room.notify_all();
        refuse(works_of(cut), error);
    }

    /// Wakes the committer, if it waits for what is there now.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let wakes = state.awaited && state.is_ready();
        if wakes {
            state.awaited = false;
        }
        // Not under the lock, which is the first thing that the woken needs.
        drop(state);
        if wakes {
            self.ready.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // Somebody panicked while he chained: the end of the chain is lost.
            let mut state = poisoned.into_inner();
            state.closed = true;
            state
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.filled {
            self.line.cut(self.number, &LogbookError::Stopped);
        }
    }
}

impl Drop for Turn<'_> {
    /// What was taken is done: whoever sees this sees all that it did.
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.is_at_work = false;
        self.line.wake(state);
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.requests >= LINE_REQUESTS || self.weight >= LINE_BYTES
    }

    /// Whether there is something to commit, and nobody who does.
    fn is_ready(&self) -> bool {
        let first = self.slots.front();
        !self.is_at_work && first.is_some_and(|slot| slot.works.is_some())
    }

    fn push(
        &mut self,
        before: Chain,
        requests: usize,
        weight: usize,
        works: Option<Vec<Work>>,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        self.requests += requests;
        self.weight += weight;
        self.slots.push_back(Slot {
            number,
            before,
            requests,
            weight,
            works,
        });
        number
    }

    fn find(&self, number: u64) -> Option<usize> {
        let found = self.slots.binary_search_by_key(&number, |slot| slot.number);
        found.ok()
    }

    /// Gives the numbers back that the slots from `index` on were given.
    fn cut(&mut self, index: usize) -> Vec<Slot> {
        let cut: Vec<_> = self.slots.drain(index..).collect();
        if let Some(first) = cut.first() {
            self.sequencer.go_back(first.before.clone());
        }
        self.requests -= cut.iter().map(|slot| slot.requests).sum::<usize>();
        self.weight -= cut.iter().map(|slot| slot.weight).sum::<usize>();
        cut
    }
}

fn works_of(slots: Vec<Slot>) -> Vec<Work> {
    let works = slots.into_iter().filter_map(|slot| slot.works);
    works.flatten().collect()
}

fn refuse(works: Vec<Work>, error: &LogbookError) {
    for work in works {
        work.refuse(error);
    }
}

fn refuse_all(submissions: Vec<Submission>, error: &LogbookError) {
    for submission in submissions {
        submission.reply.send(Err(error.clone()));
    }
}
