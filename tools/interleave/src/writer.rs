//! The two threads of the writer, step for step those of
//! `src/logbook/sequencer.rs` and `src/logbook/committer.rs`, with a number for
//! an entry, a number for an hour, and no signatures. What is left out has no
//! part in who waits for whom: hashing, tiles, indexing, notes.

use std::sync::{Arc, Mutex};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc;

use super::channel::{Channels, Gone, Missed, Offered};
use super::disk::Disk;

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

/// `sequencer.rs`
pub struct Sequencer {
    pub line: Line,
    pub chain: Chain,
    /// The clock, which only goes on.
    pub hour: Arc<Mutex<u32>>,
    pub signing_fails: bool,
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
    pub fn run(mut self) {
        let mut held = None;
        while let Some(request) = held.take().or_else(|| self.line.receive().ok()) {
            let sent = match request {
                Request::Append(ids, reply) => self.append(ids, reply, &mut held),
                Request::Seal(reply) => self.seal(reply),
                Request::Close(reply) => {
                    let _ = self.line.hand_on(Work::Close(reply));
                    break;
                }
            };
            if !sent {
                break;
            }
        }
        drop(held);
        self.line.sequencer_leaves();
    }

    fn append(&mut self, mut ids: Vec<Id>, mut reply: Reply, held: &mut Option<Request>) -> bool {
        let mut ready = Ready::default();
        loop {
            let (before, run, next) = self.gather(ids, reply);
            *held = next;
            match self.finish(before, run) {
                Some(signed) if signed.seals.is_empty() => ready.take(signed),
                Some(signed) => return self.commit(ready) && self.hand_on(signed),
                None => {}
            }
            if held.is_some() || ready.entries.len() >= BATCH_ENTRIES || ready.entries.is_empty() {
                return self.commit(ready);
            }
            match self.line.offer(ready.into_work()) {
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
                Some(Request::Append(ids, reply)) => self.take(ids, reply, &mut run),
                Some(other) => return (before, run, Some(other)),
                None => break,
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
        if self.signing_fails && thread_rng().gen_bool(0.3) {
            self.chain = before;
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
            if !self.commit(part) || self.line.hand_on(Work::Seal(None)).is_err() {
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
        self.line.hand_on(ready.into_work()).is_ok()
    }

    fn seal(&mut self, reply: mpsc::Sender<Sealed>) -> bool {
        if self.chain.open.take().is_none() {
            let _ = reply.send(Ok(None));
            return true;
        }
        self.line.hand_on(Work::Seal(Some(reply))).is_ok()
    }
}

/// `committer.rs`
pub struct Committer {
    pub line: Line,
    pub disk: Arc<Disk>,
    pub acknowledger: mpsc::SyncSender<Due>,
    /// The first entry of the open epoch.
    pub open: Option<u64>,
    pub last: Option<u64>,
    /// What the mark names; `None` names nothing yet.
    pub marked: Option<u64>,
    pub failed: bool,
    pub untold: Option<Refused>,
}

impl Committer {
    pub fn run(mut self) {
        loop {
            let due = !self.failed && self.marked < self.last;
            match self.line.take(due) {
                Ok(Work::Commit(entries, replies)) => self.commit(entries, replies),
                Ok(Work::Seal(reply)) => self.seal(reply),
                Ok(Work::Close(reply)) => {
                    let _ = reply.send(self.close());
                    break;
                }
                Err(Missed::Timeout) => self.untold = self.state_mark().err(),
                Err(Missed::Gone) => break,
            }
        }
        self.line.committer_leaves();
    }

    fn commit(&mut self, entries: Vec<Entry>, replies: Due) {
        match self.write(entries) {
            Ok(()) => self.acknowledge(replies),
            Err(error) => {
                for (reply, _) in replies {
                    reply.send(Err(error.clone()));
                }
            }
        }
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
        self.disk
            .commit(entries)
            .inspect_err(|_| self.failed = true)?;
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
        self.disk
            .seal(first, last)
            .inspect_err(|_| self.failed = true)?;
        self.open = None;
        self.state_mark()?;
        Ok((first, last))
    }

    fn close(&mut self) -> Result<(), Refused> {
        self.refuse_after_failure()?;
        if self.marked < self.last {
            self.state_mark()
        } else {
            Ok(())
        }
    }

    fn state_mark(&mut self) -> Result<(), Refused> {
        self.disk
            .mark(self.last)
            .inspect_err(|_| self.failed = true)?;
        self.marked = self.last;
        Ok(())
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
