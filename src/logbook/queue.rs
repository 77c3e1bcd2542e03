//! The queue: entries in the order of the log, from where they are chained to where
//! they are committed.
//!
//! 1. A caller enters. Under the queue's lock its entries get numbers, times and hashes,
//!    and a ticket at the end.
//! 2. The caller signs them in its own thread, beside the others, and fills the ticket.
//! 3. One thread has the permit to commit. It takes the filled tickets from the front,
//!    all at once, writes them, and gives the permit back.
//!
//! So the order of the log is that of the tickets, however long a signature takes, and
//! the committer waits for nothing while there is something to do.
//!
//! A signature that fails cuts the queue: its ticket goes, and every ticket behind it,
//! whose entries name hashes that will never be. All of them are refused, and the chain
//! goes on as if they had never been asked for.
//!
//! The queue is a lock and two conditions, not a channel: a channel gives away what was
//! put in, and those that can be waited for together yield to other threads before they
//! sleep, which costs a switch where every core is busy.

mod tickets;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LockResult, PoisonError};
use std::time::Duration;

use crate::ledger::entry::Draft;
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::store::BatchLimit;

use super::error::LogbookError;
use super::request::{SealReply, Submission, Work};
use super::sequencer::{BatchEnd, Sequencer, placed, sign};
use super::sync::mpsc::SyncSender;
use super::sync::{Condvar, Deadline, Mutex, MutexGuard, elsewhere};
use tickets::{Ticket, TicketContent, Tickets};

/// Requests in the queue at most; a caller beyond them waits before it.
const QUEUE_REQUESTS: usize = if cfg!(shuttle) { 3 } else { 4_096 };

/// Bytes from which on the queue takes no further request.
const QUEUE_BYTES: usize = 64 << 20;

/// From this many entries on, other threads sign them, and the caller goes on.
const SIGNED_HERE: usize = if cfg!(shuttle) { 3 } else { 64 };

/// Where nothing more comes for so long, nothing more is gathered.
const QUIET: Duration = Duration::from_micros(300);

pub(super) struct Queue {
    state: Mutex<QueueState>,
    /// There is work, or there will be none any more.
    ready: Condvar,
    /// There is room, or there will be none any more.
    room: Condvar,
    signer: Arc<dyn Signer>,
    /// How much is taken together.
    limit: BatchLimit,
}

struct QueueState {
    sequencer: Sequencer,
    tickets: Tickets,
    together: usize,
    /// The permit is given out: one thread commits, and takes from the front.
    is_at_work: bool,
    /// The committer sleeps until the first ticket is filled.
    awaited: bool,
    /// Callers sleep until there is room.
    crowded: bool,
    closed: bool,
    /// What is answered once it is closed.
    refusal: LogbookError,
}

/// A ticket whose entries are to be signed. Dropped before that, it is cut out.
pub(super) struct Unsigned {
    queue: Arc<Queue>,
    number: u64,
    /// `None` once they are signed, or cannot be.
    drafts: Option<Vec<(Seq, Draft)>>,
}

/// The permit to commit: there is one at a time.
pub(super) struct CommitPermit<'q> {
    queue: &'q Queue,
    pub(super) works: VecDeque<Work>,
}

/// Why there is no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWork {
    /// There was none in time.
    Yet,
    /// The queue is closed and empty.
    Ever,
}

impl Queue {
    pub(super) fn new(sequencer: Sequencer, signer: Arc<dyn Signer>, limit: BatchLimit) -> Queue {
        Queue {
            state: Mutex::new(QueueState {
                sequencer,
                tickets: Tickets::default(),
                together: 0,
                is_at_work: false,
                awaited: false,
                crowded: false,
                closed: false,
                refusal: LogbookError::Stopped,
            }),
            ready: Condvar::new(),
            room: Condvar::new(),
            signer,
            limit,
        }
    }

    /// The queue of a log that another process writes: nothing is ever taken in.
    pub(super) fn standing_by(
        sequencer: Sequencer,
        signer: Arc<dyn Signer>,
        limit: BatchLimit,
    ) -> Queue {
        let queue = Queue::new(sequencer, signer, limit);
        let mut state = queue.lock();
        state.closed = true;
        state.refusal = LogbookError::StandingBy;
        drop(state);
        queue
    }

    /// Chains what is submitted, and gives it its ticket; waits while there is no
    /// room. Refuses it if nothing is taken in any more.
    pub(super) fn enter(self: &Arc<Queue>, submission: Submission) -> Option<Unsigned> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.crowded = true;
            state = guarded(self.room.wait(state));
        }
        self.take_in(state, vec![submission])
    }

    /// The same, refused with [`LogbookError::Busy`] if there is no room.
    pub(super) fn try_enter(self: &Arc<Queue>, submissions: Vec<Submission>) -> Option<Unsigned> {
        let state = self.lock();
        if state.is_full() && !state.closed {
            drop(state);
            refuse(submissions, &LogbookError::Busy);
            return None;
        }
        self.take_in(state, submissions)
    }

    fn take_in(
        self: &Arc<Queue>,
        mut state: MutexGuard<'_, QueueState>,
        submissions: Vec<Submission>,
    ) -> Option<Unsigned> {
        if state.closed {
            let refusal = state.refusal.clone();
            drop(state);
            refuse(submissions, &refusal);
            return None;
        }
        let requests = submissions.len();
        let weight = submissions.iter().map(Submission::weight).sum();
        let before = state.sequencer.chain().clone();
        let chained = state.sequencer.append(submissions);
        let what = TicketContent::Entries {
            asked: chained.asked,
            signed: None,
        };
        let number = state.tickets.push(before, requests, weight, what);
        drop(state);
        for (reply, error) in chained.refused {
            reply.send(Err(error));
        }
        Some(Unsigned {
            queue: Arc::clone(self),
            number,
            drafts: Some(chained.drafts),
        })
    }

    /// Has the open epoch sealed behind what is in the queue. Answered with `None`
    /// if it has no entries.
    pub(super) fn seal(&self, reply: SealReply) {
        let mut state = self.lock();
        if state.closed {
            let refusal = state.refusal.clone();
            drop(state);
            let _ = reply.send(Err(refusal));
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
        state.tickets.push(before, 1, 0, TicketContent::Order(seal));
        self.wake(state);
    }

    /// Puts the end behind what is in the queue.
    pub(super) fn close(&self, reply: SyncSender<Result<(), LogbookError>>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            let _ = reply.send(Err(LogbookError::Stopped));
            return;
        }
        let before = state.sequencer.chain().clone();
        state
            .tickets
            .push(before, 1, 0, TicketContent::Order(Work::Close(reply)));
        self.wake(state);
    }

    /// Nothing more is taken in. What is in the queue is committed still.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.awaited = false;
        drop(state);
        self.ready.notify_one();
        self.room.notify_all();
    }

    /// Nothing more is taken in, and what is there is refused: the committer is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        let cut = state.tickets.cut_all();
        drop(state);
        self.room.notify_all();
        refuse_tickets(cut, &LogbookError::Stopped);
    }

    pub(super) fn requests(&self) -> usize {
        self.lock().tickets.requests()
    }

    /// Signs, and fills the ticket: here if that is soon done, else on any core, so
    /// that a caller with many entries can go on.
    pub(super) fn have_signed(self: &Arc<Queue>, unsigned: Unsigned) {
        if unsigned.entries() < SIGNED_HERE {
            return self.sign(unsigned);
        }
        let queue = Arc::clone(self);
        elsewhere(move || {
            // A panic drops the ticket, which is answered; others sign on.
            let _ = catch_unwind(AssertUnwindSafe(|| queue.sign(unsigned)));
        });
    }

    fn sign(&self, unsigned: Unsigned) {
        if let Some(state) = self.fill(unsigned) {
            self.wake(state);
        }
    }

    /// Signs here, and takes the permit if the queue is empty otherwise and the last
    /// batch was of one caller: where several wait, they had better share a write.
    pub(super) fn sign_alone(&self, unsigned: Unsigned) -> Option<CommitPermit<'_>> {
        let state = self.fill(unsigned)?;
        if state.tickets.len() == 1 && state.together <= 1 && state.is_ready() {
            return Some(self.begin(state));
        }
        self.wake(state);
        None
    }

    /// Nothing if the ticket is not there any more.
    fn fill(&self, mut unsigned: Unsigned) -> Option<MutexGuard<'_, QueueState>> {
        let signed = sign(unsigned.drafts.as_ref()?, &*self.signer);
        let drafts = unsigned.drafts.take()?;
        match signed {
            Ok(signed) => {
                let signed = placed(drafts, signed);
                let mut state = self.lock();
                state.tickets.fill(unsigned.number, signed).then_some(state)
            }
            Err(error) => {
                self.cut(unsigned.number, &error.into());
                None
            }
        }
    }

    /// Everything that is signed, from the front on, as far as one batch goes;
    /// waits for it until something is `due`, and no longer than `most`.
    pub(super) fn take(
        &self,
        due: Option<Duration>,
        most: Duration,
    ) -> Result<CommitPermit<'_>, NoWork> {
        let deadline = Deadline::of(due, most);
        let mut state = self.lock();
        loop {
            if state.is_ready() {
                state.awaited = false;
                state = self.gather(state);
                if state.is_ready() {
                    return Ok(self.begin(state));
                }
                continue;
            }
            if state.closed && state.tickets.is_empty() {
                return Err(NoWork::Ever);
            }
            let Some(left) = deadline.left() else {
                state.awaited = false;
                return Err(NoWork::Yet);
            };
            state.awaited = true;
            let woken = self.ready.wait_timeout(state, left);
            let woken = woken.map_err(|poisoned| PoisonError::new(poisoned.into_inner().0));
            state = guarded(woken.map(|(state, _)| state));
        }
    }

    /// Waits for those that were answered just now and are coming back, where a write
    /// takes long: who misses it waits for two.
    fn gather<'q>(&self, mut state: MutexGuard<'q, QueueState>) -> MutexGuard<'q, QueueState> {
        let is_alone = state.together <= 1 && state.tickets.requests() <= 1;
        if is_alone || self.limit.gather.is_zero() {
            return state;
        }
        let deadline = Deadline::of(Some(self.limit.gather), self.limit.gather);
        loop {
            let before = state.tickets.requests();
            let is_enough = state.closed || state.tickets.weight() >= self.limit.bytes;
            let Some(left) = deadline.left().filter(|_| !is_enough) else {
                return state;
            };
            let woken = self.ready.wait_timeout(state, left.min(QUIET));
            let woken = woken.map_err(|poisoned| PoisonError::new(poisoned.into_inner().0));
            state = guarded(woken.map(|(state, _)| state));
            if state.tickets.requests() <= before {
                return state;
            }
        }
    }

    /// Takes the permit, and everything that is signed.
    fn begin<'q>(&'q self, mut state: MutexGuard<'_, QueueState>) -> CommitPermit<'q> {
        state.is_at_work = true;
        let tickets = state.tickets.take_filled(self.limit);
        state.together = tickets.iter().map(Ticket::requests).sum();
        let crowded = std::mem::take(&mut state.crowded);
        drop(state);
        if crowded {
            self.room.notify_all();
        }
        let mut permit = CommitPermit {
            queue: self,
            works: VecDeque::with_capacity(1),
        };
        for work in tickets.into_iter().flat_map(Ticket::into_works) {
            let alone = match permit.works.back_mut() {
                Some(last) => Work::join(last, work),
                None => Some(work),
            };
            permit.works.extend(alone);
        }
        permit
    }

    /// Cuts out a ticket and everything behind it.
    fn cut(&self, number: u64, error: &LogbookError) {
        let mut state = self.lock();
        let cut = state.tickets.cut(number);
        if let Some(first) = cut.first() {
            // Gives back the numbers that they were given.
            state.sequencer.go_back(first.before.clone());
        }
        self.wake(state);
        self.room.notify_all();
        refuse_tickets(cut, error);
    }

    /// Wakes the committer, if it waits for what is there now.
    fn wake(&self, mut state: MutexGuard<'_, QueueState>) {
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

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        guarded(self.state.lock())
    }
}

/// If a thread panicked while it chained, the end of the chain is lost.
fn guarded(locked: LockResult<MutexGuard<'_, QueueState>>) -> MutexGuard<'_, QueueState> {
    locked.unwrap_or_else(|poisoned| {
        let mut state = poisoned.into_inner();
        state.closed = true;
        state
    })
}

impl Unsigned {
    fn entries(&self) -> usize {
        self.drafts.as_ref().map_or(0, |drafts| drafts.len())
    }
}

impl Drop for Unsigned {
    fn drop(&mut self) {
        if self.drafts.is_some() {
            self.queue.cut(self.number, &LogbookError::Stopped);
        }
    }
}

impl CommitPermit<'_> {
    /// Refuses what is left of it and everything in the queue: the log ends before.
    pub(super) fn go_back(&mut self, end: BatchEnd, error: &LogbookError) {
        let mut state = self.queue.lock();
        state.sequencer.go_back_to_end(&end);
        let cut = state.tickets.cut_all();
        drop(state);
        self.queue.room.notify_all();
        for work in self.works.drain(..) {
            work.refuse(error);
        }
        refuse_tickets(cut, error);
    }
}

impl Drop for CommitPermit<'_> {
    /// What was taken is done: a thread that sees this sees all that was done.
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.is_at_work = false;
        self.queue.wake(state);
    }
}

impl QueueState {
    fn is_full(&self) -> bool {
        self.tickets.requests() >= QUEUE_REQUESTS || self.tickets.weight() >= QUEUE_BYTES
    }

    /// Whether there is something to commit, and no thread does.
    fn is_ready(&self) -> bool {
        !self.is_at_work && self.tickets.first_is_filled()
    }

    /// Whether the committer has something to do, or nothing to do for ever.
    fn wants_the_committer(&self) -> bool {
        let is_over = self.closed && self.tickets.is_empty();
        self.is_ready() || is_over
    }
}

fn refuse(submissions: Vec<Submission>, error: &LogbookError) {
    for submission in submissions {
        submission.reply.send(Err(error.clone()));
    }
}

fn refuse_tickets(tickets: Vec<Ticket>, error: &LogbookError) {
    for ticket in tickets {
        ticket.refuse(error);
    }
}
