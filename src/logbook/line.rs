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
//! A thread that is not let go on in the middle of its signature would have all wait
//! that were signed behind it. So if many were, the committer, who has nothing else
//! to do then, makes that signature too: there is but one, and whoever comes second
//! finds the slot filled.
//!
//! A signature that fails cuts the line: its slot goes, and with it every one
//! behind it, whose entries name hashes that will never be. All of them are
//! refused, and the chain goes on as if they had never been asked.
//!
//! Made of a lock and two conditions and not of channels, because those give away
//! what was put in, and because those of them that can be waited for together give
//! way to other threads before they sleep: where every core is busy, that costs
//! whoever does it its turn.

mod slots;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::ledger::key::Signer;

use super::error::LogbookError;
use super::request::{SealReply, Submission, Work};
use super::sequencer::{End, Sequencer, sign};
use slots::{Drafts, Slot, Slots, What};

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
    slots: Slots,
    /// Requests that were last taken together.
    together: usize,
    /// Somebody commits. He takes everything from the front.
    is_at_work: bool,
    /// The committer sleeps until the first slot is filled.
    awaited: bool,
    /// Callers sleep until there is room.
    crowded: bool,
    /// Nothing more is taken in.
    closed: bool,
}

/// A slot that is to be filled. Dropped without, it is cut out.
pub(super) struct Place {
    line: Arc<Line>,
    number: u64,
    /// `None` once they are signed, or cannot be.
    drafts: Option<Drafts>,
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
                slots: Slots::default(),
                together: 0,
                is_at_work: false,
                awaited: false,
                crowded: false,
                closed: false,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
            signer,
        }
    }

    /// Chains what is submitted, and gives it its place; waits while there is no
    /// room. Refuses it if nothing is taken in any more.
    pub(super) fn enter(self: &Arc<Line>, submission: Submission) -> Option<Place> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.crowded = true;
            let woken = self.room.wait(state);
            state = self.look_again(woken.unwrap_or_else(PoisonError::into_inner));
        }
        self.take_in(state, vec![submission])
    }

    /// The same, refused with [`LogbookError::Busy`] if there is no room.
    pub(super) fn try_enter(self: &Arc<Line>, submissions: Vec<Submission>) -> Option<Place> {
        let state = self.lock();
        if state.is_full() && !state.closed {
            drop(state);
            refuse(submissions, &LogbookError::Busy);
            return None;
        }
        self.take_in(state, submissions)
    }

    fn take_in(
        self: &Arc<Line>,
        mut state: MutexGuard<'_, State>,
        submissions: Vec<Submission>,
    ) -> Option<Place> {
        if state.closed {
            drop(state);
            refuse(submissions, &LogbookError::Stopped);
            return None;
        }
        let requests = submissions.len();
        let weight = submissions.iter().map(Submission::weight).sum();
        let before = state.sequencer.chain().clone();
        let chained = state.sequencer.append(submissions);
        let drafts = Arc::new(chained.drafts);
        let what = What::Entries {
            drafts: Arc::clone(&drafts),
            asked: chained.asked,
            signed: None,
            helped: false,
        };
        let number = state.slots.push(before, requests, weight, what);
        drop(state);
        for (reply, error) in chained.refused {
            reply.send(Err(error));
        }
        Some(Place {
            line: Arc::clone(self),
            number,
            drafts: Some(drafts),
        })
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
        let seal = Work::Seal { sealed_at, reply };
        state.slots.push(before, 1, 0, What::Order(seal));
        self.wake(state);
    }

    /// Puts the end behind what is in the line.
    pub(super) fn close(&self, reply: Sender<Result<(), LogbookError>>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(LogbookError::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        state
            .slots
            .push(before, 1, 0, What::Order(Work::Close(reply)));
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
        let cut = state.slots.cut_all();
        drop(state);
        self.room.notify_all();
        refuse_slots(cut, &LogbookError::Stopped);
    }

    /// Requests in the line.
    pub(super) fn requests(&self) -> usize {
        self.lock().slots.requests()
    }

    /// Signs, and fills the slot: here if that is soon done, else on any core, so
    /// that whoever submits much can go on.
    pub(super) fn have_signed(self: &Arc<Line>, place: Place) {
        if place.entries() < SIGNED_HERE {
            return self.sign(place);
        }
        let line = Arc::clone(self);
        rayon::spawn(move || {
            // What panics is answered as its place is dropped; others sign on.
            let _ = catch_unwind(AssertUnwindSafe(|| line.sign(place)));
        });
    }

    fn sign(&self, place: Place) {
        if let Some(state) = self.fill(place) {
            self.wake(state);
        }
    }

    /// Signs here, and takes the turn if nobody else is in the line or was just
    /// before: where several wait, they had better wait together.
    pub(super) fn sign_alone(&self, place: Place) -> Option<Turn<'_>> {
        let state = self.fill(place)?;
        if state.slots.len() == 1 && state.together <= 1 && state.is_ready() {
            return Some(self.begin(state));
        }
        self.wake(state);
        None
    }

    /// Nothing if the slot is not there any more.
    fn fill(&self, mut place: Place) -> Option<MutexGuard<'_, State>> {
        let signed = sign(place.drafts.as_ref()?, &*self.signer);
        place.drafts = None;
        match signed {
            Ok(signed) => {
                let mut state = self.lock();
                state.slots.fill(place.number, signed).then_some(state)
            }
            Err(error) => {
                self.cut(place.number, &error.into());
                None
            }
        }
    }

    /// Signs for somebody who has not come to it. If that fails, he is to find out.
    fn help<'l>(
        &'l self,
        state: MutexGuard<'l, State>,
        number: u64,
        drafts: Drafts,
    ) -> MutexGuard<'l, State> {
        drop(state);
        let signed = catch_unwind(AssertUnwindSafe(|| sign(&drafts, &*self.signer)));
        drop(drafts);
        let mut state = self.lock();
        if let Ok(Ok(signed)) = signed {
            state.slots.fill(number, signed);
        }
        state
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
            if !state.is_at_work
                && let Some((number, drafts)) = state.slots.help()
            {
                state = self.help(state, number, drafts);
                continue;
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
            state = self.look_again(woken.unwrap_or_else(PoisonError::into_inner).0);
        }
    }

    /// Takes the turn, and everything that is signed.
    fn begin<'l>(&'l self, mut state: MutexGuard<'_, State>) -> Turn<'l> {
        state.is_at_work = true;
        let slots = state.slots.take_filled();
        state.together = slots.iter().map(Slot::requests).sum();
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded {
            self.room.notify_all();
        }
        let mut turn = Turn {
            line: self,
            works: VecDeque::with_capacity(1),
        };
        for work in slots.into_iter().flat_map(Slot::into_works) {
            let alone = match turn.works.back_mut() {
                Some(last) => Work::join(last, work),
                None => Some(work),
            };
            turn.works.extend(alone);
        }
        turn
    }

    /// Cuts out a slot and everything behind it.
    fn cut(&self, number: u64, error: &LogbookError) {
        let mut state = self.lock();
        let cut = state.slots.cut(number);
        if let Some(first) = cut.first() {
            // Gives back the numbers that they were given.
            state.sequencer.go_back(first.before.clone());
        }
        self.wake(state);
        self.room.notify_all();
        refuse_slots(cut, error);
    }

    /// Wakes the committer, if it waits for what is there now.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let wakes = state.awaited && state.wants_the_committer();
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
        let state = self.state.lock();
        self.look_again(state.unwrap_or_else(PoisonError::into_inner))
    }

    /// If somebody panicked while he chained, the end of the chain is lost.
    fn look_again<'l>(&self, mut state: MutexGuard<'l, State>) -> MutexGuard<'l, State> {
        state.closed |= self.state.is_poisoned();
        state
    }
}

impl Place {
    fn entries(&self) -> usize {
        self.drafts.as_ref().map_or(0, |drafts| drafts.len())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.drafts.is_some() {
            self.line.cut(self.number, &LogbookError::Stopped);
        }
    }
}

impl Turn<'_> {
    /// Refuses what is left of it and everything in the line: the log ends before.
    pub(super) fn go_back(&mut self, end: End, error: &LogbookError) {
        let mut state = self.line.lock();
        state.sequencer.go_back_to_end(&end);
        let cut = state.slots.cut_all();
        drop(state);
        self.line.room.notify_all();
        for work in self.works.drain(..) {
            work.refuse(error);
        }
        refuse_slots(cut, error);
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
        self.slots.requests() >= LINE_REQUESTS || self.slots.weight() >= LINE_BYTES
    }

    /// Whether there is something to commit, and nobody who does.
    fn is_ready(&self) -> bool {
        !self.is_at_work && self.slots.first_is_filled()
    }

    /// Whether the committer has something to do, or nothing to do for ever.
    fn wants_the_committer(&self) -> bool {
        let is_over = self.closed && self.slots.is_empty();
        self.is_ready() || self.slots.is_overtaken() || is_over
    }
}

fn refuse(submissions: Vec<Submission>, error: &LogbookError) {
    for submission in submissions {
        submission.reply.send(Err(error.clone()));
    }
}

fn refuse_slots(slots: Vec<Slot>, error: &LogbookError) {
    for slot in slots {
        slot.refuse(error);
    }
}
