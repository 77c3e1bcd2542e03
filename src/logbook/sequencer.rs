//! The sequencer: numbers, times and chains entries, and has them signed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, TryRecvError};
use rayon::prelude::*;

use crate::ledger::entry::{Draft, Entry};
use crate::ledger::hash::Hash;
use crate::ledger::key::{SignError, Signer};
use crate::ledger::kind;
use crate::ledger::limits;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;

use super::Parts;
use super::clock::Clock;
use super::error::LogbookError;
use super::handover::Handover;
use super::recover::Recovered;
use super::request::{Prepared, Receipt, Reply, Request, SealReply, Submission, Work};
use super::stamp::{Stamp, Stamper};

/// Entries in one batch at most: large enough that a sync is shared by many,
/// small enough that the first does not wait long for the last.
const BATCH_ENTRIES: usize = 1_024;

/// Bytes from which on a batch takes no further request.
const BATCH_BYTES: usize = 4 << 20;

/// From this many entries on, signing is spread over the cores. A batch of fewer
/// is signed while the one before it is synced; to wake other threads for it, and
/// to have them look about for more, would take longer than it saves.
const PARALLEL_SIGNING: usize = 128;

/// The least that a core is given to sign.
const SIGNED_TOGETHER: usize = 32;

/// How long an epoch stays open by the monotonic clock.
const EPOCH_AGE: Duration = Duration::from_secs(3_600);

/// The end of the chain.
#[derive(Clone)]
struct Chain {
    next: Seq,
    head: Hash,
    stamper: Stamper,
    open: Option<OpenEpoch>,
    /// Whether its last entry closes the book.
    closed: bool,
}

/// The open epoch, as far as closing it in time needs.
#[derive(Clone, Copy)]
struct OpenEpoch {
    hour: Timestamp,
    entries: u64,
    since: Duration,
}

pub(super) struct Sequencer {
    chain: Chain,
    signer: Arc<dyn Signer>,
    clock: Arc<dyn Clock>,
    requests: Receiver<Request>,
    work: Handover,
}

/// What is being put together for the committer.
#[derive(Default)]
struct Run {
    drafts: Vec<(Seq, Draft)>,
    /// Requests, with the index one past their last draft.
    replies: Vec<(Reply, usize)>,
    /// Where an epoch ends: before which draft, and when.
    seals: Vec<(usize, Timestamp)>,
}

impl Sequencer {
    pub(super) fn new(
        parts: &Parts,
        recovered: &Recovered,
        requests: Receiver<Request>,
        work: Handover,
    ) -> Sequencer {
        let open = recovered.open_epoch().map(|(hour, entries)| OpenEpoch {
            hour,
            entries,
            since: parts.clock.monotonic(),
        });
        Sequencer {
            chain: Chain {
                next: recovered.next_seq(),
                head: recovered.head().hash,
                stamper: Stamper::after(recovered.last_ts()),
                open,
                closed: recovered.is_closed(),
            },
            signer: Arc::clone(&parts.signer),
            clock: Arc::clone(&parts.clock),
            requests,
            work,
        }
    }

    /// Has the sequencer work until it is told to close, or nobody is left to ask
    /// or to work for; from then on whoever asks is refused. It is locked from
    /// before a request is taken off the queue until that is handed on: who holds
    /// the lock and sees an empty queue knows that nothing was asked before.
    pub(super) fn run(sequencer: Arc<Mutex<Sequencer>>, requests: &Receiver<Request>) {
        Sequencer::work(&sequencer, requests);
        drop(sequencer);
        // A request that is dropped is answered, and one that lay in the queue of
        // a thread that has gone would not be.
        for request in requests {
            drop(request);
        }
    }

    fn work(sequencer: &Mutex<Sequencer>, requests: &Receiver<Request>) {
        let mut waiting = Select::new();
        waiting.recv(requests);
        loop {
            waiting.ready();
            let Ok(mut sequencer) = sequencer.lock() else {
                // Somebody panicked in the middle of it: the chain is lost.
                return;
            };
            match requests.try_recv() {
                Ok(request) => {
                    if !sequencer.serve(request) {
                        return;
                    }
                }
                Err(TryRecvError::Disconnected) => return,
                // Ready for nothing, as it may be now and then.
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    /// Does what is asked, and what turns out to wait behind it. False at the
    /// end.
    fn serve(&mut self, request: Request) -> bool {
        let mut held = Some(request);
        while let Some(request) = held.take() {
            let sent = match request {
                Request::Append(submissions) => self.append(submissions, &mut held),
                Request::Seal(reply) => self.seal(reply),
                Request::Close(reply) => {
                    self.work.send(Work::Close(reply));
                    return false;
                }
            };
            if !sent {
                return false;
            }
        }
        true
    }

    /// Whether nothing that was asked is unfinished, and nobody waits or did so
    /// just before.
    pub(super) fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.work.is_idle()
    }

    /// Signs the entries of one request, and gives them back to be committed, if
    /// they belong into the open epoch; else they were handed on.
    pub(super) fn append_alone(&mut self, submission: Submission) -> Option<Work> {
        let mut batch = Batch {
            before: self.chain.clone(),
            run: Run::default(),
        };
        self.take(submission, &mut batch.run);
        let signed = self.finish(batch)?;
        if signed.seals.is_empty() {
            let mut ready = Ready::default();
            ready.take(signed);
            return ready.has_something().then(|| ready.into_work());
        }
        self.hand_on(signed);
        None
    }

    /// Signs what is asked and what else waits, and hands it on. Until the
    /// committer is ready for it, whatever arrives is signed too and joins it.
    /// What does not belong with it is `held`. False if nobody takes it.
    fn append(&mut self, mut submissions: Vec<Submission>, held: &mut Option<Request>) -> bool {
        let mut ready = Ready::default();
        loop {
            let (batch, next) = self.gather(submissions);
            *held = next;
            match self.finish(batch) {
                Some(signed) if signed.seals.is_empty() => ready.take(signed),
                Some(signed) => return self.commit(ready) && self.hand_on(signed),
                None => {}
            }
            if held.is_some() || ready.is_full() || ready.entries.is_empty() {
                return self.commit(ready);
            }
            submissions = match self.offer(&mut ready) {
                Offered::Taken(going) => return going,
                Offered::Joined(Request::Append(submissions)) => submissions,
                Offered::Joined(other) => {
                    *held = Some(other);
                    return self.commit(ready);
                }
            };
        }
    }

    /// Waits for the committer to take what is ready, or for a request that may
    /// join it; for the committer first, if both are there.
    fn offer(&self, ready: &mut Ready) -> Offered {
        let mut select = Select::new_biased();
        let taking = self.work.select(&mut select);
        select.recv(&self.requests);
        let operation = select.select();
        if operation.index() == taking {
            let work = std::mem::take(ready).into_work();
            return Offered::Taken(self.work.complete(operation, work));
        }
        match operation.recv(&self.requests) {
            Ok(request) => Offered::Joined(request),
            // Nobody is left to ask.
            Err(_) => Offered::Taken(self.commit(std::mem::take(ready))),
        }
    }

    /// Takes what else is waiting into the same batch. Returns the first
    /// request that does not belong into it.
    fn gather(&mut self, submissions: Vec<Submission>) -> (Batch, Option<Request>) {
        let mut batch = Batch {
            before: self.chain.clone(),
            run: Run::default(),
        };
        let mut weight = self.take_all(submissions, &mut batch.run);
        while batch.run.drafts.len() < BATCH_ENTRIES && weight < BATCH_BYTES {
            match self.requests.try_recv() {
                Ok(Request::Append(submissions)) => {
                    weight += self.take_all(submissions, &mut batch.run);
                }
                Ok(other) => return (batch, Some(other)),
                Err(_) => break,
            }
        }
        (batch, None)
    }

    fn take_all(&mut self, submissions: Vec<Submission>, run: &mut Run) -> usize {
        let submissions = submissions.into_iter();
        submissions
            .map(|submission| self.take(submission, run))
            .sum()
    }

    /// Numbers, stamps and chains the entries of one request.
    fn take(&mut self, submission: Submission, run: &mut Run) -> usize {
        let Submission { entries, reply } = submission;
        if self.chain.closed {
            reply.send(Err(LogbookError::Closed));
            return 0;
        }
        let mut weight = 0;
        let mut one_time = None;
        let mut left = entries.len() as u64;
        for entry in entries {
            weight += entry.weight();
            // A request that is to be whole has one time, so that no epoch ends
            // in the middle of it.
            let stamp = match one_time.take_if(|_| reply.whole) {
                Some(stamp) => stamp,
                None => {
                    let stamp = self.chain.stamper.stamp(&*self.clock);
                    let own = if reply.whole { left } else { 1 };
                    let together = own + u64::from(stamp.disagreement.is_some());
                    self.chain
                        .close_if_over(stamp.ts, stamp.monotonic, together, run);
                    stamp
                }
            };
            left -= 1;
            one_time = Some(Stamp {
                disagreement: None,
                ..stamp
            });
            if let Some(disagreement) = stamp.disagreement
                && let Ok(clocks) = Prepared::new(kind::CLOCK, &disagreement.to_object())
            {
                self.chain.push(&clocks, stamp.ts, stamp.monotonic, run);
            }
            self.chain.push(&entry, stamp.ts, stamp.monotonic, run);
        }
        run.replies.push((reply, run.drafts.len()));
        weight
    }

    /// Signs the batch; answers its requests, and gives none, if that fails.
    fn finish(&mut self, batch: Batch) -> Option<Signed> {
        let Batch { before, run } = batch;
        match self.sign(run.drafts) {
            Ok(entries) => Some(Signed {
                entries,
                replies: run.replies,
                seals: run.seals,
            }),
            Err(error) => {
                // Nothing of it was handed on: the chain goes on as if it had
                // never been asked.
                self.chain = before;
                let error = LogbookError::from(error);
                for (reply, _) in run.replies {
                    reply.send(Err(error.clone()));
                }
                None
            }
        }
    }

    fn sign(&self, drafts: Vec<(Seq, Draft)>) -> Result<Vec<(Seq, Entry)>, SignError> {
        let sign = |(seq, draft): (Seq, Draft)| Ok((seq, draft.sign(&*self.signer)?));
        if drafts.len() < PARALLEL_SIGNING {
            drafts.into_iter().map(sign).collect()
        } else {
            let drafts = drafts.into_par_iter().with_min_len(SIGNED_TOGETHER);
            drafts.map(sign).collect()
        }
    }

    /// Cuts the batch where epochs end. A request is answered with its last
    /// entry.
    fn hand_on(&self, signed: Signed) -> bool {
        let mut replies = answers(&signed.entries, signed.replies).peekable();
        let mut entries = signed.entries.into_iter();
        let mut from = 0;
        for (at, sealed_at) in signed.seals {
            let mut part = Ready::default();
            while let Some((reply, receipts, _)) = replies.next_if(|(_, _, end)| *end <= at) {
                part.replies.push((reply, receipts));
            }
            part.entries.extend(entries.by_ref().take(at - from));
            from = at;
            let seal = Work::Seal {
                sealed_at,
                reply: None,
            };
            if !self.commit(part) || !self.work.send(seal) {
                return false;
            }
        }
        let replies = replies.map(|(reply, receipts, _)| (reply, receipts));
        self.commit(Ready {
            replies: replies.collect(),
            entries: entries.collect(),
            ..Ready::default()
        })
    }

    fn commit(&self, ready: Ready) -> bool {
        !ready.has_something() || self.work.send(ready.into_work())
    }

    fn seal(&mut self, reply: SealReply) -> bool {
        if self.chain.open.take().is_none() {
            let _ = reply.send(Ok(None));
            return true;
        }
        let sealed_at = self.chain.stamper.stamp_only(&*self.clock);
        let reply = Some(reply);
        self.work.send(Work::Seal { sealed_at, reply })
    }
}

/// What became of a batch that was offered.
enum Offered {
    /// The committer has it. False if there is no committer any more.
    Taken(bool),
    /// A request arrived before.
    Joined(Request),
}

/// A signed batch. Requests with the index one past their last entry, and where
/// epochs end, as in [`Run`].
struct Signed {
    entries: Vec<(Seq, Entry)>,
    replies: Vec<(Reply, usize)>,
    seals: Vec<(usize, Timestamp)>,
}

/// What the committer gets next, of one epoch.
#[derive(Default)]
struct Ready {
    entries: Vec<(Seq, Entry)>,
    replies: Vec<(Reply, Vec<Receipt>)>,
    bytes: usize,
}

impl Ready {
    fn take(&mut self, signed: Signed) {
        let replies = answers(&signed.entries, signed.replies);
        self.replies
            .extend(replies.map(|(reply, receipts, _)| (reply, receipts)));
        let records = signed.entries.iter().map(|(_, entry)| entry.record().len());
        self.bytes += records.sum::<usize>();
        self.entries.extend(signed.entries);
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_ENTRIES || self.bytes >= BATCH_BYTES
    }

    fn has_something(&self) -> bool {
        !self.entries.is_empty() || !self.replies.is_empty()
    }

    fn into_work(self) -> Work {
        Work::Commit {
            entries: self.entries,
            replies: self.replies,
        }
    }
}

/// A batch, and the chain as it was before it.
struct Batch {
    before: Chain,
    run: Run,
}

impl Chain {
    /// Ends the open epoch if as many entries of time `ts` as are to stand
    /// `together` cannot lie in it: another hour, 3 600 s of monotonic time, 2^24
    /// entries.
    fn close_if_over(&mut self, ts: Timestamp, monotonic: Duration, together: u64, run: &mut Run) {
        let over = |open: OpenEpoch| {
            open.hour != ts.hour_start()
                || open.entries.saturating_add(together) > limits::EPOCH_ENTRIES
                || monotonic.saturating_sub(open.since) >= EPOCH_AGE
        };
        if self.open.is_some_and(over) {
            self.open = None;
            run.seals.push((run.drafts.len(), ts));
        }
    }

    fn push(&mut self, entry: &Prepared, ts: Timestamp, monotonic: Duration, run: &mut Run) {
        // Checked in the caller's thread: this draft cannot fail.
        let Ok(draft) = Draft::new(&entry.kind, ts, &entry.payload, &self.head) else {
            return;
        };
        let open = self.open.get_or_insert(OpenEpoch {
            hour: ts.hour_start(),
            entries: 0,
            since: monotonic,
        });
        open.entries += 1;
        self.head = draft.hash();
        self.closed |= entry.kind == kind::CLOSE;
        run.drafts.push((self.next, draft));
        self.next = Seq(self.next.0.saturating_add(1));
    }
}

/// Each request with its receipts and the index one past its last entry.
fn answers(
    entries: &[(Seq, Entry)],
    replies: Vec<(Reply, usize)>,
) -> impl Iterator<Item = (Reply, Vec<Receipt>, usize)> + use<> {
    let mut from = 0;
    let answer = |(reply, end): (Reply, usize)| {
        let own = entries.get(from..end).unwrap_or_default();
        from = end;
        // A clock entry that the writer put in belongs to nobody.
        let receipts = own
            .iter()
            .filter(|(_, entry)| entry.kind() != kind::CLOCK)
            .map(|(seq, entry)| Receipt::of(*seq, entry));
        (reply, receipts.collect(), end)
    };
    replies
        .into_iter()
        .map(answer)
        .collect::<Vec<_>>()
        .into_iter()
}
