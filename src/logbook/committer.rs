//! The committer: builds the tree, writes and syncs, moves the mark, answers.

use std::sync::Arc;
use std::time::Duration;

use crate::ledger::begins::Begins;
use crate::ledger::entry::EntryError;
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::hash::Hash;
use crate::ledger::head::Head;
use crate::ledger::index::cover::Begun;
use crate::ledger::json::{Form, Object};
use crate::ledger::key::Signer;
use crate::ledger::kind;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::statement::Statement;
use crate::ledger::tile::TreeBuilder;
use crate::ledger::time::Timestamp;
use crate::ledger::version::Version;
use crate::store::{Batch, NewEntry, NewEpoch, Store, TileKey};

use super::Parts;
use super::clock::Clock;
use super::error::LogbookError;
use super::indexing::Wake;
use super::mark::Mark;
use super::observer::{Committed, Shared};
use super::queue::{CommitPermit, NoWork, Queue};
use super::recover::{CLOCKS_RECORDED, Recovered, next_number};
use super::remembered::{first_hour_kept, notes_of};
use super::request::{Due, SealReply, SignedEntry, Work};
use super::sequencer::BatchEnd;
use super::sync::{Mutex, MutexGuard};
use super::terms::{OpenTerms, SealedTerms};

mod marking;

use marking::{Marking, Stated};

/// How often the mark moves while entries come.
const MARK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Committer {
    store: Arc<dyn Store>,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    mark: Marking,
    wake: Wake,
    tree: TreeBuilder,
    /// Where headers commit to an index.
    terms: Option<OpenTerms>,
    /// The open epoch: its first entry and its hour, if it has entries.
    open: Option<(Seq, Timestamp)>,
    last_epoch: Option<SignedEpoch>,
    last: Head,
    shared: Shared,
    forgotten_before: u64,
    failed: bool,
    /// The work at hand is not in the log, and will not be: there was no room, or no
    /// signature.
    not_written: Option<LogbookError>,
    /// A failure that no caller waited for. The next request is answered with it.
    untold: Option<LogbookError>,
}

/// The committer's thread ends, by whatever way.
struct Leaving<'q>(&'q Queue);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Committer {
    pub(super) fn new(
        parts: &Parts,
        recovered: Recovered,
        mark: Option<Mark>,
        shared: Shared,
        wake: Wake,
    ) -> Committer {
        let at = parts.clock.monotonic();
        let last = recovered.head();
        let open = recovered.open_epoch().map(|(hour, entries)| {
            let first = (last.seq.0 + 1).saturating_sub(entries);
            (Seq(first), hour)
        });
        Committer {
            store: Arc::clone(&parts.store),
            signer: Arc::clone(&parts.signer),
            clock: Arc::clone(&parts.clock),
            mark: Marking {
                file: parts.mark.clone(),
                stated: mark.map(|mark| Stated {
                    seq: mark.head.content.seq,
                    ts: mark.head.content.ts,
                    at,
                }),
            },
            wake,
            terms: recovered.terms,
            tree: recovered.tree,
            open,
            last_epoch: recovered.last_epoch,
            last,
            shared,
            forgotten_before: 0,
            failed: false,
            not_written: None,
            untold: None,
        }
    }

    /// Has the committer work until it is told to close or the queue has ended. It is
    /// locked for one permit at a time: callers that have it commit in between.
    pub(super) fn run(committer: &Mutex<Committer>, queue: &Queue) {
        // What is in the queue then would wait for ever.
        let _leaving = Leaving(queue);
        loop {
            // A mark may come due by what others commit while this waits.
            let due = Committer::lock(committer).mark_due_in();
            match queue.take(due, MARK_EVERY) {
                Ok(permit) => {
                    if !Committer::perform_all(committer, permit) {
                        return;
                    }
                }
                Err(NoWork::Yet) => {
                    let mut committer = Committer::lock(committer);
                    if due.is_some() && committer.mark_is_behind() {
                        committer.move_mark_up();
                    }
                    committer.shared.signer().ask_again();
                }
                Err(NoWork::Ever) => return,
            }
        }
    }

    /// Does the works of a permit. False if one was the last. The lock is given up
    /// before the permit, so that the next holder finds it free.
    pub(super) fn perform_all(committer: &Mutex<Committer>, mut permit: CommitPermit<'_>) -> bool {
        let mut committer = Committer::lock(committer);
        while let Some(work) = permit.works.pop_front() {
            if !committer.perform(work) {
                return false;
            }
            if let Some(error) = committer.not_written.take() {
                // What comes after it was chained to what will never be.
                permit.go_back(committer.end(), &error);
            }
        }
        true
    }

    /// Where the log ends, for the sequencer to go on from.
    fn end(&self) -> BatchEnd {
        BatchEnd {
            seq: self.last.seq,
            hash: self.last.hash,
            ts: self
                .last_header()
                .map_or(self.last.ts, |header| header.sealed_at.max(self.last.ts)),
            open: self.open.map(|(_, hour)| (hour, self.tree.size())),
        }
    }

    fn lock(committer: &Mutex<Committer>) -> MutexGuard<'_, Committer> {
        committer.lock().unwrap_or_else(|poisoned| {
            // A thread panicked in the middle: it is not known what is written.
            let mut committer = poisoned.into_inner();
            committer.fail();
            committer
        })
    }

    /// Does one work. False if it was the last.
    fn perform(&mut self, work: Work) -> bool {
        match work {
            Work::Commit { entries, replies } => self.commit(entries, replies),
            Work::Seal { sealed_at, reply } => self.seal(sealed_at, reply),
            Work::Close(reply) => {
                let _ = reply.send(self.close());
                return false;
            }
        }
        true
    }

    fn commit(&mut self, entries: Vec<SignedEntry>, mut replies: Due) {
        let mut beside = Batch {
            notes: notes_of(&replies, entries.last().map(|last| last.entry.ts())),
            ..Batch::default()
        };
        for (reply, _) in &mut replies {
            beside.openings.append(&mut reply.openings);
            beside.erased.append(&mut reply.erased);
        }
        match self.write(entries, beside) {
            Ok(()) => {
                for (reply, receipts) in replies {
                    reply.send(Ok(receipts));
                }
                self.wake.wake();
                if self.mark_due_in() == Some(Duration::ZERO) {
                    self.move_mark_up();
                }
            }
            Err(error) => {
                for (reply, _) in replies {
                    reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Steps 2 and 3 of the order of things (see [`super`]).
    fn write(&mut self, entries: Vec<SignedEntry>, beside: Batch) -> Result<(), LogbookError> {
        self.refuse_after_failure()?;
        let Some(SignedEntry { seq, entry, .. }) = entries.last() else {
            return Ok(());
        };
        let records = entries.iter().map(|placed| placed.entry.record().len());
        let openings = beside.openings.iter().map(|(_, row)| row.len());
        self.check_room(records.chain(openings).sum())?;
        let head = Head {
            seq: *seq,
            hash: entry.hash(),
            ts: entry.ts(),
            ..self.last.clone()
        };
        self.refresh_mark(head.ts)?;
        let epoch = next_number(self.last_header());
        let mut batch = Batch {
            forget_notes_before: self.forgetting(head.ts),
            ..beside
        };
        let committed = Committed {
            last: *seq,
            entries: entries.len(),
            took: Duration::ZERO,
        };
        let before = (self.tree.clone(), self.open);
        let mut begins = None;
        for SignedEntry { seq, entry, leaf } in entries {
            if entry.kind() == kind::FORMAT {
                begins = Some((seq, entry.check_payload()));
            }
            if entry.kind() == kind::CLOCK {
                let wall = self.clock.wall().to_string();
                batch.meta = vec![(CLOCKS_RECORDED, wall.into_bytes())];
            }
            self.open.get_or_insert((seq, entry.ts().hour_start()));
            self.tree.push(leaf, |tile, hashes| {
                batch.tiles.push((TileKey { epoch, tile }, hashes));
            });
            batch.entries.push(NewEntry {
                seq,
                hash: entry.hash(),
                record: entry.into_record(),
            });
        }
        let begun = self.clock.monotonic();
        if let Err(error) = self.keep(batch) {
            (self.tree, self.open) = before;
            return Err(error);
        }
        let took = self.clock.monotonic().saturating_sub(begun);
        self.last = head.clone();
        if let Some(first) = begins {
            self.begin_index(first, epoch)?;
        }
        self.shared
            .committed(head, &Committed { took, ..committed });
        if self.mark.stated.is_none() {
            self.state_mark(self.last.ts).inspect_err(|_| self.fail())?;
        }
        Ok(())
    }

    /// Once an hour: the hour before which notes are forgotten.
    fn forgetting(&mut self, ts: Timestamp) -> Option<u64> {
        let before = first_hour_kept(ts);
        let due = before > self.forgotten_before;
        self.forgotten_before = self.forgotten_before.max(before);
        due.then_some(before)
    }

    /// Refuses what there is no room for, before anything of it is written.
    fn check_room(&mut self, bytes: usize) -> Result<(), LogbookError> {
        let checked = self.store.check_room(bytes).map_err(LogbookError::from);
        checked.inspect_err(|error| self.not_written = Some(error.clone()))
    }

    fn seal(&mut self, sealed_at: Timestamp, reply: Option<SealReply>) {
        let sealed = self.write_seal(sealed_at);
        match (reply, sealed) {
            (Some(reply), sealed) => {
                let _ = reply.send(sealed.map(Some));
            }
            (None, Ok(_)) => {}
            // Where it was not begun, it will be asked for again.
            (None, Err(error)) if self.failed => self.untold = Some(error),
            (None, Err(_)) => {}
        }
    }

    fn write_seal(&mut self, sealed_at: Timestamp) -> Result<SignedEpoch, LogbookError> {
        self.refuse_after_failure()?;
        let (Some((first_seq, hour)), Some(root)) = (self.open, self.tree.root()) else {
            // Only what has entries is sealed.
            return Err(LogbookError::Stopped);
        };
        self.check_room(0)?;
        // A rollback that is being accepted must be recorded before the mark,
        // the only witness of what was lost, may move.
        if self.mark.stated.is_some() {
            self.state_mark_first(sealed_at)?;
        }
        let number = next_number(self.last_header());
        let terms = self.seal_terms(number, first_seq)?;
        let header = EpochHeader {
            epoch: number,
            first_seq,
            last_seq: self.last.seq,
            tree_size: self.tree.size(),
            root,
            head: self.last.hash,
            prev: self.last_header().map_or(Hash::ZERO, EpochHeader::hash),
            hour,
            sealed_at,
            log: self.last.log,
            genesis: self.last.genesis,
            format: terms.as_ref().map(|_| Version::Two),
            index: terms.as_ref().map(|terms| terms.index),
        };
        let signed = self.sign_header(header, first_seq)?;
        let mut batch = Batch {
            epoch: Some(NewEpoch {
                number,
                last_seq: self.last.seq,
                header: signed.to_value().canonical(Form::Utf8).into_bytes(),
            }),
            ..terms.map(|terms| terms.batch).unwrap_or_default()
        };
        batch.tiles.extend(partial_tiles(number, &self.tree));
        self.keep(batch)
            .inspect_err(|_| self.count_again(first_seq))?;
        self.wake.wake();
        self.last_epoch = Some(signed.clone());
        self.tree = TreeBuilder::new();
        self.open = None;
        // Once more, now that there is a header to name.
        if self.mark.stated.is_some() {
            self.state_mark(sealed_at).inspect_err(|_| self.fail())?;
        }
        Ok(signed)
    }

    /// What the header commits to as its index. The queue has closed the epoch, so one
    /// that cannot be made stops the writer, unless it is for want of room.
    fn seal_terms(
        &mut self,
        number: EpochNumber,
        first: Seq,
    ) -> Result<Option<SealedTerms>, LogbookError> {
        let Some(terms) = self.terms.clone() else {
            return Ok(None);
        };
        let sealed = terms.seal(&*self.store, number, self.last.seq);
        sealed.map(Some).inspect_err(|error| match error {
            LogbookError::Store(full) if full.is_full() => {
                self.count_again(first);
                self.not_written = Some(error.clone());
            }
            _ => self.fail(),
        })
    }

    /// Headers commit to an index from the open epoch on, which begins with the entry that
    /// says so.
    fn begin_index(
        &mut self,
        (first, payload): (Seq, Result<Object, EntryError>),
        since: EpochNumber,
    ) -> Result<(), LogbookError> {
        let begins = payload.ok().and_then(|it| Begins::from_object(&it).ok());
        let begun = begins.map(|begins| Begun {
            since,
            key: begins.index,
        });
        let terms = OpenTerms::of(&*self.store, self.last.genesis, begun, first);
        match terms {
            Ok(Some(terms)) => {
                self.terms = Some(terms);
                Ok(())
            }
            _ => {
                self.fail();
                Err(LogbookError::Stopped)
            }
        }
    }

    /// The open epoch was not sealed: its terms are counted again.
    fn count_again(&mut self, first: Seq) {
        let begun = self.terms.as_ref().map(|terms| terms.begin_again(first));
        if begun.is_some_and(|begun| begun.is_err()) {
            self.fail();
        }
    }

    /// Where it is not signed, the epoch stays open.
    fn sign_header(
        &mut self,
        header: EpochHeader,
        first: Seq,
    ) -> Result<SignedEpoch, LogbookError> {
        let signed = Statement::sign(header, &*self.signer).map_err(LogbookError::from);
        signed.inspect_err(|error| {
            self.count_again(first);
            self.not_written = Some(error.clone());
        })
    }

    fn close(&mut self) -> Result<(), LogbookError> {
        self.refuse_after_failure()?;
        if self.mark_is_behind() {
            self.state_mark(self.last.ts)?;
        }
        Ok(())
    }

    fn last_header(&self) -> Option<&EpochHeader> {
        self.last_epoch.as_ref().map(|epoch| &epoch.content)
    }

    /// The commit point. Where there was no room, nothing is chained to what failed.
    fn keep(&mut self, batch: Batch) -> Result<(), LogbookError> {
        self.store.commit(batch).map_err(|error| {
            let told = LogbookError::from(error.clone());
            if error.is_full() {
                self.not_written = Some(told.clone());
            } else {
                self.shared.failed(&error);
                self.fail();
            }
            told
        })
    }

    fn fail(&mut self) {
        self.failed = true;
        self.shared.stop();
    }

    fn refuse_after_failure(&mut self) -> Result<(), LogbookError> {
        if self.failed {
            Err(self.untold.take().unwrap_or(LogbookError::Stopped))
        } else {
            Ok(())
        }
    }
}

fn partial_tiles(epoch: EpochNumber, tree: &TreeBuilder) -> Vec<(TileKey, Vec<u8>)> {
    let tiles = tree.partial_tiles().into_iter();
    tiles
        .map(|(tile, hashes)| (TileKey { epoch, tile }, hashes))
        .collect()
}
