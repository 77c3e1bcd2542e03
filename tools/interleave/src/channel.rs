//! The channels of the writer as the model checker sees them: the bounded queue
//! of requests, the rendezvous with the committer, and the choice between
//! handing on and taking in, with the semantics of `crossbeam-channel`.

use std::collections::VecDeque;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::mutant::Mutant;

/// The other side is gone.
pub struct Gone;

/// Why nothing was received in time.
pub enum Missed {
    Timeout,
    Gone,
}

/// What waits in the queue.
pub enum Tried<R> {
    Received(R),
    Empty,
    Gone,
}

/// What [`Channels::offer`] came to.
pub enum Offered<R, W> {
    Handed(Result<(), Gone>),
    Received(Result<R, Gone>, W),
}

/// Both channels under one lock, so that a choice between them is one step.
pub struct Channels<R, W>(Arc<(Mutex<State<R, W>>, Condvar)>);

impl<R, W> Clone for Channels<R, W> {
    fn clone(&self) -> Self {
        Channels(Arc::clone(&self.0))
    }
}

struct State<R, W> {
    queue: VecDeque<R>,
    capacity: usize,
    callers: usize,
    /// Somebody takes requests off the queue.
    receiver_is_there: bool,
    /// Somebody may hand over.
    sequencer_is_there: bool,
    committer_is_there: bool,
    /// The committer stands at the rendezvous.
    committer_waits: bool,
    handed: Option<W>,
    mutant: Mutant,
}

impl<R, W> Channels<R, W> {
    pub fn new(capacity: usize, callers: usize, mutant: Mutant) -> Self {
        let state = State {
            queue: VecDeque::new(),
            capacity,
            callers,
            receiver_is_there: true,
            sequencer_is_there: true,
            committer_is_there: true,
            committer_waits: false,
            handed: None,
            mutant,
        };
        Channels(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn lock(&self) -> MutexGuard<'_, State<R, W>> {
        self.0.0.lock().unwrap()
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<R, W>>) -> MutexGuard<'a, State<R, W>> {
        self.0.1.wait(state).unwrap()
    }

    fn changed(&self) {
        self.0.1.notify_all();
    }

    /// A caller asks; waits while the queue is full.
    pub fn request(&self, request: R) -> Result<(), R> {
        let mut state = self.lock();
        while state.receiver_is_there && state.queue.len() == state.capacity {
            state = self.wait(state);
        }
        if !state.receiver_is_there {
            return Err(request);
        }
        state.queue.push_back(request);
        if state.mutant != Mutant::RequestWakesNobody {
            self.changed();
        }
        Ok(())
    }

    /// A caller will not ask again.
    pub fn caller_leaves(&self) {
        self.lock().callers -= 1;
        self.changed();
    }

    /// Waits until a request waits, or nobody is left to ask.
    pub fn wait_for_request(&self) {
        let mut state = self.lock();
        while state.queue.is_empty() && state.callers > 0 {
            state = self.wait(state);
        }
    }

    /// Takes a request if one is waiting.
    pub fn try_receive(&self) -> Tried<R> {
        let mut state = self.lock();
        match state.queue.pop_front() {
            Some(request) => {
                self.changed();
                Tried::Received(request)
            }
            None if state.callers == 0 => Tried::Gone,
            None => Tried::Empty,
        }
    }

    pub fn nothing_waits(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Takes requests and drops them, until nobody is left to ask.
    pub fn refuse_until_all_left(&self) {
        loop {
            self.wait_for_request();
            match self.try_receive() {
                Tried::Received(request) => drop(request),
                Tried::Empty => {}
                Tried::Gone => return,
            }
        }
    }

    /// The queue has no end any more; what waits in it is dropped, or left lying.
    pub fn nobody_receives(&self, left_lying: bool) {
        let mut state = self.lock();
        if left_lying {
            return;
        }
        state.receiver_is_there = false;
        let waiting = std::mem::take(&mut state.queue);
        self.changed();
        drop(state);
        drop(waiting);
    }

    /// The sequencer waits for the committer to take `work`, or for a request;
    /// for the committer first, if both are there.
    pub fn offer(&self, work: W, begin: impl Fn(&W)) -> Offered<R, W> {
        let mut state = self.lock();
        loop {
            if !state.committer_is_there {
                return Offered::Handed(Err(Gone));
            }
            if state.committer_waits && state.handed.is_none() {
                begin(&work);
                state.handed = Some(work);
                self.changed();
                return Offered::Handed(Ok(()));
            }
            if let Some(request) = state.queue.pop_front() {
                self.changed();
                return Offered::Received(Ok(request), work);
            }
            if state.callers == 0 {
                return Offered::Received(Err(Gone), work);
            }
            state = self.wait(state);
        }
    }

    /// The sequencer hands on `work`, waiting for the committer.
    pub fn hand_on(&self, work: W) -> Result<(), Gone> {
        let mut state = self.lock();
        while state.committer_is_there && !(state.committer_waits && state.handed.is_none()) {
            state = self.wait(state);
        }
        if !state.committer_is_there {
            return Err(Gone);
        }
        state.handed = Some(work);
        self.changed();
        Ok(())
    }

    /// The sequencer is no more.
    pub fn nobody_hands_over(&self) {
        self.lock().sequencer_is_there = false;
        self.changed();
    }

    /// The committer takes work. With `timed`, it may as well be that none comes
    /// in time.
    pub fn take(&self, timed: bool) -> Result<W, Missed> {
        let mut state = self.lock();
        state.committer_waits = true;
        self.changed();
        loop {
            if let Some(work) = state.handed.take() {
                state.committer_waits = false;
                return Ok(work);
            }
            if !state.sequencer_is_there {
                state.committer_waits = false;
                return Err(Missed::Gone);
            }
            if timed && thread_rng().gen_bool(0.5) {
                state.committer_waits = false;
                return Err(Missed::Timeout);
            }
            state = self.wait(state);
        }
    }

    /// The committer ends; what was handed to it and not taken is dropped.
    pub fn committer_leaves(&self) {
        let mut state = self.lock();
        state.committer_is_there = false;
        state.committer_waits = false;
        let left = state.handed.take();
        self.changed();
        drop(state);
        drop(left);
    }
}
