//! `sequencer.rs`: numbers, batches and signs what is asked for.

use std::sync::{Arc, Mutex as Plain};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::Ordering;
use shuttle::sync::{Mutex, mpsc};

use super::super::channel::{Gone, Offered, Tried};
use super::super::mutant::Mutant;
use super::{Due, Entry, Handed, Id, Line, Refused, Reply, Request, Sealed, Work};

/// Small, so that batches are full now and then.
const BATCH_ENTRIES: usize = 3;

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
