//! The sequencer: numbers, times and chains entries. And their signing, which needs
//! nothing of it, so that it is not waited for.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use crate::ledger::entry::Draft;
use crate::ledger::epoch::leaf_hash;
use crate::ledger::hash::Hash;
use crate::ledger::key::{SignError, Signature, Signer};
use crate::ledger::kind;
use crate::ledger::limits;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;

use super::Parts;
use super::boot::Started;
use super::clock::Clock;
use super::error::LogbookError;
use super::recover::Recovered;
use super::request::{Due, PreparedEntry, Receipt, Reply, SignedEntry, Submission, Work};
use super::stamp::{EntryTime, Stamper};

/// From this many entries on, signing is spread over the cores. To wake other
/// threads for fewer, and to have them look about for more, would take longer than
/// it saves.
const PARALLEL_SIGNING: usize = 128;

/// The least that a core is given to sign.
const SIGNED_TOGETHER: usize = 32;

/// How long an epoch stays open by the monotonic clock.
const EPOCH_AGE: Duration = Duration::from_secs(3_600);

#[derive(Clone)]
pub(super) struct OpenChain {
    next: Seq,
    head: Hash,
    stamper: Stamper,
    open: Option<OpenEpoch>,
    closed: bool,
}

/// The open epoch, as far as closing it in time needs.
#[derive(Clone, Copy)]
struct OpenEpoch {
    hour: Timestamp,
    entries: u64,
    since: Duration,
}

pub(super) struct BatchEnd {
    pub(super) seq: Seq,
    pub(super) hash: Hash,
    pub(super) ts: Timestamp,
    /// The hour and the entries of the open epoch, if it has any.
    pub(super) open: Option<(Timestamp, u64)>,
}

pub(super) struct Sequencer {
    chain: OpenChain,
    clock: Arc<dyn Clock>,
    started: Option<Started>,
    genesis: Hash,
    keeps_openings: bool,
}

/// Entries that have their places and not their signatures.
#[derive(Default)]
pub(super) struct Chained {
    pub(super) drafts: Vec<(Seq, Draft)>,
    pub(super) asked: BatchRequests,
    /// Requests that are not taken: they came after the end of the book, or the clocks
    /// have parted.
    pub(super) refused: Vec<(Reply, LogbookError)>,
}

/// What is made of a draft with the key: a signature, and the leaf of the
/// tree that covers it.
pub(super) type SignedDraft = (Signature, Hash);

/// The requests that they are of.
#[derive(Default)]
pub(super) struct BatchRequests {
    /// Requests, with the index one past their last draft.
    replies: Vec<(Reply, usize)>,
    /// Where an epoch ends: before which draft, and when.
    seals: Vec<(usize, Timestamp)>,
}

impl Sequencer {
    pub(super) fn new(parts: &Parts, recovered: &Recovered, started: Option<Started>) -> Sequencer {
        let open = recovered.open_epoch().map(|(hour, entries)| OpenEpoch {
            hour,
            entries,
            since: parts.clock.monotonic(),
        });
        Sequencer {
            chain: OpenChain {
                next: recovered.next_seq(),
                head: recovered.head().hash,
                stamper: Stamper::after(recovered.last_ts(), recovered.clocks_recorded),
                open,
                closed: recovered.is_closed(),
            },
            clock: Arc::clone(&parts.clock),
            started,
            genesis: recovered.head().genesis,
            keeps_openings: parts.store.keeps_openings(),
        }
    }

    /// The clocks are asked for the boot only where they part at all.
    fn check_clocks(&self) -> Result<(), LogbookError> {
        match &self.started {
            Some(started) if self.chain.stamper.are_apart(&*self.clock) => {
                Ok(started.check(&*self.clock)?)
            }
            _ => Ok(()),
        }
    }

    pub(super) const fn chain(&self) -> &OpenChain {
        &self.chain
    }

    /// To the end of the log, where nothing of what was chained to it was committed.
    pub(super) fn go_back_to_end(&mut self, end: &BatchEnd) {
        self.chain.next = Seq(end.seq.0.saturating_add(1));
        self.chain.head = end.hash;
        self.chain.stamper.go_back(end.ts);
        self.chain.closed = false;
        self.chain.open = end.open.map(|(hour, entries)| OpenEpoch {
            hour,
            entries,
            since: self.clock.monotonic(),
        });
    }

    /// To where the chain was before, of which nothing behind was committed.
    pub(super) fn go_back(&mut self, chain: OpenChain) {
        self.chain = chain;
    }

    /// Numbers, stamps and chains what is submitted.
    pub(super) fn append(&mut self, submissions: Vec<Submission>) -> Chained {
        let mut chained = Chained::default();
        for submission in submissions {
            self.append_one(submission, &mut chained);
        }
        chained
    }

    /// When the open epoch ends, if it has entries; with the next a new one begins.
    pub(super) fn seal(&mut self) -> Option<Timestamp> {
        self.chain.open.take()?;
        Some(self.chain.stamper.stamp_only(&*self.clock))
    }

    fn append_one(&mut self, submission: Submission, run: &mut Chained) {
        let Submission { entries, mut reply } = submission;
        if self.chain.closed {
            run.refused.push((reply, LogbookError::Closed));
            return;
        }
        let has_openings = entries.iter().any(|entry| !entry.taken.is_empty());
        if has_openings && !self.keeps_openings {
            run.refused.push((reply, LogbookError::NoOpenings));
            return;
        }
        if let Err(error) = self.check_clocks() {
            run.refused.push((reply, error));
            return;
        }
        let mut one_time = None;
        let mut left = entries.len() as u64;
        for entry in entries {
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
            one_time = Some(EntryTime {
                disagreement: None,
                ..stamp
            });
            if let Some(disagreement) = stamp.disagreement
                && let Ok(clocks) = PreparedEntry::new(kind::CLOCK, &disagreement.to_object())
            {
                self.chain.push(&clocks, stamp.ts, stamp.monotonic, run);
            }
            if entry.kind == kind::FORMAT && self.chain.open.take().is_some() {
                // It is the first of its epoch.
                run.asked.seals.push((run.drafts.len(), stamp.ts));
            }
            let seq = self.chain.next;
            self.chain.push(&entry, stamp.ts, stamp.monotonic, run);
            reply.keep(seq, &self.genesis, &entry.taken);
        }
        run.asked.replies.push((reply, run.drafts.len()));
    }
}

impl BatchRequests {
    pub(super) fn refuse(self, error: &LogbookError) {
        for (reply, _) in self.replies {
            reply.send(Err(error.clone()));
        }
    }

    /// What the committer is to do for them: cut where epochs end. A request is
    /// answered with its last entry.
    pub(super) fn into_works(self, entries: Vec<SignedEntry>) -> Vec<Work> {
        let mut works = Vec::with_capacity(2 * self.seals.len() + 1);
        let mut replies = answers(&entries, self.replies).peekable();
        let mut entries = entries.into_iter();
        let mut from = 0;
        for (at, sealed_at) in self.seals {
            let mut own = Vec::new();
            while let Some((reply, receipts, _)) = replies.next_if(|(_, _, end)| *end <= at) {
                own.push((reply, receipts));
            }
            works.extend(commit(entries.by_ref().take(at - from).collect(), own));
            works.push(Work::Seal {
                sealed_at,
                reply: None,
            });
            from = at;
        }
        let replies = replies.map(|(reply, receipts, _)| (reply, receipts));
        works.extend(commit(entries.collect(), replies.collect()));
        works
    }
}

pub(super) fn sign(
    drafts: &[(Seq, Draft)],
    signer: &dyn Signer,
) -> Result<Vec<SignedDraft>, SignError> {
    let sign = |(_, draft): &(Seq, Draft)| {
        let signature = signer.sign(draft.signing_payload())?;
        Ok((signature, leaf_hash(&draft.hash(), &signature)))
    };
    if drafts.len() < PARALLEL_SIGNING {
        drafts.iter().map(sign).collect()
    } else {
        let drafts = drafts.par_iter().with_min_len(SIGNED_TOGETHER);
        drafts.map(sign).collect()
    }
}

/// Drafts and what was made of them, put together.
pub(super) fn placed(drafts: Vec<(Seq, Draft)>, signed: Vec<SignedDraft>) -> Vec<SignedEntry> {
    let both = drafts.into_iter().zip(signed);
    let placed = both.map(|((seq, draft), (signature, leaf))| SignedEntry {
        seq,
        entry: draft.with_signature(&signature),
        leaf,
    });
    placed.collect()
}

fn commit(entries: Vec<SignedEntry>, replies: Due) -> Option<Work> {
    let has_something = !entries.is_empty() || !replies.is_empty();
    has_something.then_some(Work::Commit { entries, replies })
}

impl OpenChain {
    /// Ends the open epoch if as many entries of time `ts` as are to stand
    /// `together` cannot lie in it: another hour, 3 600 s of monotonic time, 2^24
    /// entries.
    fn close_if_over(
        &mut self,
        ts: Timestamp,
        monotonic: Duration,
        together: u64,
        run: &mut Chained,
    ) {
        let over = |open: OpenEpoch| {
            open.hour != ts.hour_start()
                || open.entries.saturating_add(together) > limits::EPOCH_ENTRIES
                || monotonic.saturating_sub(open.since) >= EPOCH_AGE
        };
        if self.open.is_some_and(over) {
            self.open = None;
            run.asked.seals.push((run.drafts.len(), ts));
        }
    }

    fn push(
        &mut self,
        entry: &PreparedEntry,
        ts: Timestamp,
        monotonic: Duration,
        run: &mut Chained,
    ) {
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
    entries: &[SignedEntry],
    replies: Vec<(Reply, usize)>,
) -> impl Iterator<Item = (Reply, Vec<Receipt>, usize)> + use<> {
    let mut from = 0;
    let answer = |(reply, end): (Reply, usize)| {
        let own = entries.get(from..end).unwrap_or_default();
        from = end;
        // A clock entry that the writer put in belongs to no request.
        let receipts = own
            .iter()
            .filter(|placed| placed.entry.kind() != kind::CLOCK)
            .map(|placed| Receipt::of(placed.seq, &placed.entry));
        (reply, receipts.collect(), end)
    };
    replies
        .into_iter()
        .map(answer)
        .collect::<Vec<_>>()
        .into_iter()
}
