//! `committer.rs`: makes durable what was handed over, and has it answered.

use std::sync::Arc;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Mutex, MutexGuard, mpsc};

use super::super::disk::Disk;
use super::super::mutant::Mutant;
use super::queue::{NoWork, Permit};
use super::{Due, Entry, Queue, Refused, Sealed, Work, deliver};

/// More than so many callers are woken by a thread of its own.
const WOKEN_HERE: usize = 1;

pub struct Committer {
    pub disk: Arc<Disk>,
    pub acknowledger: mpsc::SyncSender<Due>,
    /// The first entry of the open epoch.
    pub open: Option<u64>,
    pub last: Option<u64>,
    /// What the mark names; `None` names nothing yet.
    pub marked: Option<u64>,
    pub failed: bool,
    /// The work at hand was refused before anything of it was written.
    pub not_written: bool,
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
    pub fn run(committer: Arc<Mutex<Committer>>, queue: &Queue) {
        loop {
            let due = Committer::lock(&committer).mark_is_behind();
            match queue.take(due) {
                Ok(permit) => {
                    if Committer::perform_all(&committer, permit) != Ended::Done {
                        break;
                    }
                }
                Err(NoWork::Yet) => {
                    let mut committer = Committer::lock(&committer);
                    if committer.mark_is_behind() {
                        committer.move_mark_up();
                    }
                }
                Err(NoWork::Ever) => break,
            }
        }
        queue.abandon();
        drop(committer);
    }

    pub fn perform_all(committer: &Mutex<Committer>, mut permit: Permit<'_>) -> Ended {
        let mut works = std::mem::take(&mut permit.works);
        if Committer::lock(committer).mutant == Mutant::DoneTooEarly {
            permit.give_up();
        }
        let mut committer = Committer::lock(committer);
        while let Some(work) = works.pop_front() {
            let ended = committer.perform(work);
            if ended != Ended::Done {
                return ended;
            }
            if std::mem::take(&mut committer.not_written)
                && committer.mutant != Mutant::GoesOnWithoutRoom
            {
                permit.go_back(committer.end());
                for work in works.drain(..) {
                    work.refuse(Refused::Full);
                }
            }
        }
        Ended::Done
    }

    /// Where the log ends: the next number, and the hour of the open epoch.
    fn end(&self) -> (u64, Option<u32>) {
        let hour = |first: u64| {
            self.disk
                .look(|durable| durable.entries[first as usize].hour)
        };
        (self.last.map_or(0, |last| last + 1), self.open.map(hour))
    }

    /// Refuses before anything is written.
    fn check_room(&mut self) -> Result<(), Refused> {
        self.not_written = !self.disk.has_room();
        match self.not_written {
            true => Err(Refused::Full),
            false => Ok(()),
        }
    }

    fn lock(committer: &Mutex<Committer>) -> MutexGuard<'_, Committer> {
        let mut committer = committer.lock().unwrap();
        if committer.poisoned && committer.mutant != Mutant::CommitterPoisonOverlooked {
            // Somebody panicked in the middle: nobody knows what is written.
            committer.failed = true;
        }
        committer
    }

    fn perform(&mut self, work: Work) -> Ended {
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
                    reply.send(Err(error));
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
        if due.len() <= WOKEN_HERE {
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
        let (first, last) = (first.seq, last.seq);
        self.check_room()?;
        self.open.get_or_insert(first);
        self.disk.commit(entries).inspect_err(|_| self.fail())?;
        self.last = Some(last);
        Ok(())
    }

    fn seal(&mut self, reply: Option<mpsc::Sender<Sealed>>) {
        match (reply, self.write_seal()) {
            (Some(reply), sealed) => {
                let _ = reply.send(sealed.map(Some));
            }
            (None, Err(error)) if self.failed => self.untold = Some(error),
            (None, _) => {}
        }
    }

    fn write_seal(&mut self) -> Result<(u64, u64), Refused> {
        self.refuse_after_failure()?;
        let (Some(first), Some(last)) = (self.open, self.last) else {
            return Err(Refused::Stopped);
        };
        self.check_room()?;
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
