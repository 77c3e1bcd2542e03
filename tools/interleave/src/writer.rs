//! The two threads of the writer, step for step those of
//! `src/logbook/sequencer.rs`, `handover.rs` and `committer.rs`, with a number
//! for an entry, a number for an hour, and no signatures. What is left out has
//! no part in who waits for whom: hashing, tiles, indexing, notes.
//!
//! A panic under a lock is a step of its own here: what was held is dropped, and
//! the lock remembers it, as Rust's does.

use std::sync::{Arc, Mutex as Plain};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::sync::{Mutex, MutexGuard, mpsc};

use super::channel::{Channels, Gone, Missed, Offered, Tried};
use super::disk::Disk;
use super::mutant::Mutant;

/// Small, so that batches are full now and then.
const BATCH_ENTRIES: usize = 3;

/// More than so many callers are woken by a thread of its own.
const WOKEN_IN_PLACE: usize = 1;

pub type Id = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub id: Id,
    pub hour: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Signing failed; the writer goes on.
    Sign,
    /// The disk failed; the writer has stopped.
    Disk,
    /// The writer has stopped.
    Stopped,
}

pub type Answer = Result<Vec<u64>, Refused>;

/// Answers exactly once; dropped without an answer, that the writer stopped.
pub struct Reply(Option<mpsc::Sender<Answer>>);

impl Reply {
    pub fn new() -> (Reply, mpsc::Receiver<Answer>) {
        let (sender, receiver) = mpsc::channel();
        (Reply(Some(sender)), receiver)
    }

    fn send(mut self, answer: Answer) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Err(Refused::Stopped));
        }
    }
}

pub type Sealed = Result<Option<(u64, u64)>, Refused>;

pub enum Request {
    Append(Vec<Id>, Reply),
    Seal(mpsc::Sender<Sealed>),
    Close(mpsc::Sender<Result<(), Refused>>),
}

pub enum Work {
    Commit(Vec<Entry>, Due),
    Seal(Option<mpsc::Sender<Sealed>>),
    Close(mpsc::Sender<Result<(), Refused>>),
}

pub type Due = Vec<(Reply, Vec<u64>)>;
pub type Line = Channels<Request, Work>;

/// `handover.rs`: whether what was handed over is done.
#[derive(Clone, Default)]
pub struct Handed {
    unfinished: Arc<AtomicUsize>,
    /// Requests that were last handed over together.
    together: Arc<AtomicUsize>,
}

impl Handed {
    fn begin(&self, work: &Work) {
        if let Work::Commit(_, replies) = work {
            self.together.store(replies.len(), Ordering::SeqCst);
        }
        self.unfinished.fetch_add(1, Ordering::SeqCst);
    }

    fn one_is_done(&self) {
        self.unfinished.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `sequencer.rs`
pub struct Sequencer {
    pub line: Line,
    pub handed: Handed,
    pub chain: Chain,
    /// The clock, which only goes on.
    pub hour: Arc<Plain<u32>>,
    pub signing_fails: bool,
    /// How many batches until one that panics.
    pub panics_in: Option<usize>,
    pub poisoned: bool,
    pub mutant: Mutant,
}

/// Nobody hands over any more.
impl Drop for Sequencer {
    fn drop(&mut self) {
        // A schedule that failed is taken apart without its scheduler.
        if !std::thread::panicking() {
            self.line.nobody_hands_over();
        }
    }
}

#[derive(Clone, Default)]
pub struct Chain {
    next: u64,
    /// The hour of the open epoch.
    open: Option<u32>,
    last_hour: u32,
}

#[derive(Default)]
struct Run {
    drafts: Vec<Entry>,
    replies: Vec<(Reply, usize)>,
    seals: Vec<usize>,
}

#[derive(Default)]
struct Ready {
    entries: Vec<Entry>,
    replies: Due,
}

impl Ready {
    fn take(&mut self, run: Run) {
        self.replies
            .extend(answers(&run.drafts, run.replies).map(|(reply, own, _)| (reply, own)));
        self.entries.extend(run.drafts);
    }

    fn into_work(self) -> Work {
        Work::Commit(self.entries, self.replies)
    }
}

fn answers(
    entries: &[Entry],
    replies: Vec<(Reply, usize)>,
) -> impl Iterator<Item = (Reply, Vec<u64>, usize)> + use<> {
    let mut from = 0;
    let answer = |(reply, end): (Reply, usize)| {
        let own = entries[from..end].iter().map(|entry| entry.seq).collect();
        from = end;
        (reply, own, end)
    };
    replies
        .into_iter()
        .map(answer)
        .collect::<Vec<_>>()
        .into_iter()
}

impl Sequencer {
    /// Until it is told to close, or nobody is left to ask or to work for; from
    /// then on whoever asks is refused.
    pub fn run(sequencer: Arc<Mutex<Sequencer>>) {
        let (line, mutant) = {
            let sequencer = sequencer.lock().unwrap();
            (sequencer.line.clone(), sequencer.mutant)
        };
        let panicked = Sequencer::work(&sequencer, &line);
        drop(sequencer);
        // A thread that panics drops its end of the queue at once.
        if !panicked && mutant != Mutant::QueueAbandoned {
            line.refuse_until_all_left();
        }
        line.nobody_receives(mutant == Mutant::QueueAbandoned);
    }

    /// True if it panicked.
    fn work(sequencer: &Mutex<Sequencer>, line: &Line) -> bool {
        loop {
            line.wait_for_request();
            let mut sequencer = sequencer.lock().unwrap();
            if sequencer.is_poisoned() {
                return false;
            }
            match line.try_receive() {
                Tried::Received(request) => {
                    if !sequencer.serve(request) {
                        return sequencer.poisoned;
                    }
                }
                Tried::Gone => return false,
                Tried::Empty => {}
            }
        }
    }

    fn serve(&mut self, request: Request) -> bool {
        let mut held = Some(request);
        while let Some(request) = held.take() {
            let sent = match request {
                Request::Append(ids, reply) => self.append(ids, reply, &mut held),
                Request::Seal(reply) => self.seal(reply),
                Request::Close(reply) => {
                    self.send(Work::Close(reply));
                    return false;
                }
            };
            if !sent {
                return false;
            }
        }
        true
    }

    /// Whether somebody panicked under the lock.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned && self.mutant != Mutant::SequencerPoisonOverlooked
    }

    pub fn is_idle(&self) -> bool {
        let done = self.handed.unfinished.load(Ordering::SeqCst) == 0
            || self.mutant == Mutant::UnfinishedOverlooked;
        self.line.nothing_waits() && self.handed.together.load(Ordering::SeqCst) <= 1 && done
    }

    /// The entries of one request, to be committed by whoever asks; nothing if
    /// they were handed on.
    pub fn append_alone(&mut self, ids: Vec<Id>, reply: Reply) -> Option<Work> {
        let before = self.chain.clone();
        let mut run = Run::default();
        self.take(ids, reply, &mut run);
        let signed = self.finish(before, run)?;
        if signed.seals.is_empty() {
            let mut ready = Ready::default();
            ready.take(signed);
            return Some(ready.into_work());
        }
        self.hand_on(signed);
        None
    }

    /// Hands over, waiting for the committer. False if there is none.
    fn send(&self, work: Work) -> bool {
        self.handed.begin(&work);
        self.line.hand_on(work).is_ok()
    }

    fn append(&mut self, mut ids: Vec<Id>, mut reply: Reply, held: &mut Option<Request>) -> bool {
        let mut ready = Ready::default();
        loop {
            let (before, run, next) = self.gather(ids, reply);
            *held = next;
            match self.finish(before, run) {
                None if self.poisoned => return false,
                Some(signed) if signed.seals.is_empty() => ready.take(signed),
                Some(signed) => return self.commit(ready) && self.hand_on(signed),
                None => {}
            }
            if held.is_some() || ready.entries.len() >= BATCH_ENTRIES || ready.entries.is_empty() {
                return self.commit(ready);
            }
            match self
                .line
                .offer(ready.into_work(), |work| self.handed.begin(work))
            {
                Offered::Handed(handed) => return handed.is_ok(),
                Offered::Received(request, work) => {
                    let Work::Commit(entries, replies) = work else {
                        unreachable!()
                    };
                    ready = Ready { entries, replies };
                    match request {
                        Ok(Request::Append(more, its)) => (ids, reply) = (more, its),
                        Ok(other) => {
                            *held = Some(other);
                            return self.commit(ready);
                        }
                        Err(Gone) => return self.commit(ready),
                    }
                }
            }
        }
    }

    fn gather(&mut self, ids: Vec<Id>, reply: Reply) -> (Chain, Run, Option<Request>) {
        let before = self.chain.clone();
        let mut run = Run::default();
        self.take(ids, reply, &mut run);
        while run.drafts.len() < BATCH_ENTRIES {
            match self.line.try_receive() {
                Tried::Received(Request::Append(ids, reply)) => self.take(ids, reply, &mut run),
                Tried::Received(other) => return (before, run, Some(other)),
                Tried::Empty | Tried::Gone => break,
            }
        }
        (before, run, None)
    }

    fn take(&mut self, ids: Vec<Id>, reply: Reply, run: &mut Run) {
        for id in ids {
            let hour = *self.hour.lock().unwrap();
            if self.chain.open.is_some_and(|open| open != hour) {
                self.chain.open = None;
                run.seals.push(run.drafts.len());
            }
            self.chain.open = Some(hour);
            self.chain.last_hour = hour;
            run.drafts.push(Entry {
                seq: self.chain.next,
                id,
                hour,
            });
            self.chain.next += 1;
        }
        run.replies.push((reply, run.drafts.len()));
    }

    fn finish(&mut self, before: Chain, run: Run) -> Option<Run> {
        if self.panics_in == Some(0) {
            // Numbers were given that nobody will write.
            self.poisoned = true;
            self.panics_in = None;
            return None;
        }
        self.panics_in = self.panics_in.map(|left| left - 1);
        if self.signing_fails && thread_rng().gen_bool(0.3) {
            if self.mutant != Mutant::NumbersNotGivenBack {
                self.chain = before;
            }
            for (reply, _) in run.replies {
                reply.send(Err(Refused::Sign));
            }
            return None;
        }
        Some(run)
    }

    fn hand_on(&self, signed: Run) -> bool {
        let mut replies = answers(&signed.drafts, signed.replies).peekable();
        let mut entries = signed.drafts.into_iter();
        let mut from = 0;
        for at in signed.seals {
            let mut part = Ready::default();
            while let Some((reply, own, _)) = replies.next_if(|(_, _, end)| *end <= at) {
                part.replies.push((reply, own));
            }
            part.entries.extend(entries.by_ref().take(at - from));
            from = at;
            if !self.commit(part) || !self.send(Work::Seal(None)) {
                return false;
            }
        }
        let replies = replies.map(|(reply, own, _)| (reply, own)).collect();
        self.commit(Ready {
            replies,
            entries: entries.collect(),
        })
    }

    fn commit(&self, ready: Ready) -> bool {
        if ready.entries.is_empty() && ready.replies.is_empty() {
            return true;
        }
        self.send(ready.into_work())
    }

    fn seal(&mut self, reply: mpsc::Sender<Sealed>) -> bool {
        if self.chain.open.take().is_none() {
            let _ = reply.send(Ok(None));
            return true;
        }
        self.send(Work::Seal(Some(reply)))
    }
}

/// `committer.rs`
pub struct Committer {
    pub disk: Arc<Disk>,
    pub acknowledger: mpsc::SyncSender<Due>,
    /// The first entry of the open epoch.
    pub open: Option<u64>,
    pub last: Option<u64>,
    /// What the mark names; `None` names nothing yet.
    pub marked: Option<u64>,
    pub failed: bool,
    pub untold: Option<Refused>,
    /// How many batches until one that panics.
    pub panics_in: Option<usize>,
    pub poisoned: bool,
    pub mutant: Mutant,
}

/// How a work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// It was the last.
    Last,
    Panicked,
}

impl Committer {
    pub fn run(committer: Arc<Mutex<Committer>>, line: &Line, handed: &Handed) {
        loop {
            let due = Committer::lock(&committer).mark_is_behind();
            let next = line.take(due);
            let mut own = Committer::lock(&committer);
            match next {
                Ok(work) => {
                    let early = own.mutant == Mutant::DoneTooEarly;
                    if early {
                        drop(own);
                        handed.one_is_done();
                        own = Committer::lock(&committer);
                    }
                    if own.perform(work) != Ended::Done {
                        break;
                    }
                    drop(own);
                    if !early {
                        handed.one_is_done();
                    }
                }
                Err(Missed::Timeout) if own.mark_is_behind() => own.move_mark_up(),
                Err(Missed::Timeout) => {}
                Err(Missed::Gone) => break,
            }
        }
        drop(committer);
        line.committer_leaves();
    }

    pub fn lock(committer: &Mutex<Committer>) -> MutexGuard<'_, Committer> {
        let mut committer = committer.lock().unwrap();
        if committer.poisoned && committer.mutant != Mutant::CommitterPoisonOverlooked {
            // Somebody panicked in the middle: nobody knows what is written.
            committer.failed = true;
        }
        committer
    }

    pub fn perform(&mut self, work: Work) -> Ended {
        match work {
            Work::Commit(entries, replies) => return self.commit(entries, replies),
            Work::Seal(reply) => self.seal(reply),
            Work::Close(reply) => {
                let _ = reply.send(self.close());
                return Ended::Last;
            }
        }
        Ended::Done
    }

    fn commit(&mut self, entries: Vec<Entry>, mut replies: Due) -> Ended {
        if self.mutant == Mutant::AcknowledgedFirst {
            self.acknowledge(std::mem::take(&mut replies));
        }
        if self.panics_in == Some(0) && !self.failed {
            // Written, and nobody will be told; the end was not moved.
            self.panics_in = None;
            self.poisoned = true;
            let _ = self.disk.commit(entries);
            self.disk.is_lost();
            return Ended::Panicked;
        }
        self.panics_in = self.panics_in.map(|left| left - 1);
        match self.write(entries) {
            Ok(()) => {
                self.acknowledge(replies);
                if thread_rng().gen_bool(0.3) {
                    self.move_mark_up();
                }
            }
            Err(error) => {
                for (reply, _) in replies {
                    reply.send(Err(error.clone()));
                }
            }
        }
        Ended::Done
    }

    fn mark_is_behind(&self) -> bool {
        !self.failed && self.marked < self.last
    }

    /// A failure that nobody waited for.
    fn move_mark_up(&mut self) {
        self.untold = self.state_mark().err();
    }

    fn acknowledge(&self, due: Due) {
        if due.len() <= WOKEN_IN_PLACE {
            deliver(due);
        } else if let Err(mpsc::SendError(unsent)) = self.acknowledger.send(due) {
            deliver(unsent);
        }
    }

    fn write(&mut self, entries: Vec<Entry>) -> Result<(), Refused> {
        self.refuse_after_failure()?;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        self.open.get_or_insert(first.seq);
        let last = last.seq;
        self.disk.commit(entries).inspect_err(|_| self.fail())?;
        self.last = Some(last);
        Ok(())
    }

    fn seal(&mut self, reply: Option<mpsc::Sender<Sealed>>) {
        match (reply, self.write_seal()) {
            (Some(reply), sealed) => {
                let _ = reply.send(sealed.map(Some));
            }
            (None, Ok(_)) => {}
            (None, Err(error)) => self.untold = Some(error),
        }
    }

    fn write_seal(&mut self) -> Result<(u64, u64), Refused> {
        self.refuse_after_failure()?;
        let (Some(first), Some(last)) = (self.open, self.last) else {
            return Err(Refused::Stopped);
        };
        self.state_mark()?;
        self.disk.seal(first, last).inspect_err(|_| self.fail())?;
        self.open = None;
        self.state_mark()?;
        Ok((first, last))
    }

    fn close(&mut self) -> Result<(), Refused> {
        self.refuse_after_failure()?;
        if self.marked < self.last && self.mutant != Mutant::MarkLeftBehind {
            self.state_mark()
        } else {
            Ok(())
        }
    }

    fn state_mark(&mut self) -> Result<(), Refused> {
        self.disk.mark(self.last).inspect_err(|_| self.fail())?;
        self.marked = self.last;
        Ok(())
    }

    fn fail(&mut self) {
        self.failed = self.mutant != Mutant::FailureForgotten;
    }

    fn refuse_after_failure(&mut self) -> Result<(), Refused> {
        match self.failed {
            true => Err(self.untold.take().unwrap_or(Refused::Stopped)),
            false => Ok(()),
        }
    }
}

pub fn deliver(due: Due) {
    for (reply, own) in due {
        reply.send(Ok(own));
    }
}
