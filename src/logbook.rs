//! The single writer of a ledger.
//!
//! ```text
//! callers          canonicalise, check              (many threads)
//!    │ queue       number, stamp, chain             (one after the other, under its lock)
//! callers          sign                             (beside each other)
//!    │ queue       what is signed, from the front
//! committer        tree, write + sync, mark         (one thread)
//!    │          └─▶ indexing: secondary indexes, behind  (one thread)
//!    │              scrubbing: reads what is stored for damage  (one thread)
//! callers          receipt
//! ```
//!
//! An entry's hash does not cover its signature. So the chain grows at the pace of a
//! hash, and the signatures, which take ten times as long, are made by the callers'
//! threads beside each other; those of a large request on all cores.
//!
//! While the committer syncs one batch, the next is signed, and what arrives joins it
//! until the committer is ready to take it. So a batch grows with the load, and there is
//! no wait without load. A caller that appends one entry to an empty queue commits it in
//! its own thread, and wakes no other.
//!
//! # The order of things
//! 1. An entry gets its number, time, previous hash and signature.
//! 2. If the mark was stated more than a second before the batch's last entry,
//!    it is stated again, for what is durable so far.
//! 3. Entries, their hash index and finished tree nodes become one write, and
//!    that write is synced. **This is the commit point.**
//! 4. The receipts go out.
//! 5. At least once a second the mark moves up to what is durable.
//!
//! To seal, the mark first names the epoch's last entry; then the header,
//! the remaining tree nodes and the epoch's terms are one synced write; then the mark names the header
//! too, so that a lost seal is noticed as a lost entry is.
//!
//! Room on the disk is looked at first. Where there is too little, nothing is written:
//! the batch and what is queued behind it are refused, the chain goes back to the end of
//! the log, and the writer goes on. So it is where a write fails for want of room that
//! was there a moment before: the store takes none before it has found some.
//!
//! After any other write, a sync or a mark that failed it is not known what the disk holds. The
//! writer refuses everything from then on; reopening reads what is there.
//!
//! # Which threads there are, and why
//! Each was tried without, on two cores that others used too: ten interleaved pairs, the
//! median of the ratios and their spread. What made no difference of five per cent is not
//! there.
//!
//! | without | rate beside that with it | |
//! |---|---|---|
//! | committing in the thread of a caller that is alone | one caller: 0.94 (0.86 to 1.08) | stays |
//! | the committer signing for a thread that was interrupted | 64 callers: 0.99 (0.95 to 1.04); 64 requests answered by callbacks: 1.00 (0.98 to 1.04); bulk: 0.98 (0.95 to 1.04) | gone |
//! | a thread that wakes the callers | 64 callers: 1.00 (0.91 to 1.23) | gone |
//!
//! # What each lock guards
//! The queue's lock guards the chain (next number, last hash, last time, hour of the open
//! epoch) and the tickets of what is not committed. The committer's lock guards the tree,
//! the last header, the mark and what is durable. Work flows one way: only the thread
//! that has the queue's permit takes the committer's lock to write.

mod boot;
pub mod clock;
mod committer;
pub mod erasures;
pub mod error;
mod indexing;
pub mod init;
pub mod key_file;
pub mod mark;
pub mod observer;
pub mod publish;
mod queue;
pub mod reading;
mod recover;
pub mod remembered;
pub mod request;
mod scrubbing;
mod sequencer;
mod stamp;
mod sync;
pub mod terms;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::ledger::closing::Closing;
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::hash::Hash;
use crate::ledger::head::{Head, SignedHead};
use crate::ledger::json::Object;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::statement::Statement;
use crate::store::{OpeningKey, Store, StoreError};

use boot::Started;
use clock::Clock;
use committer::Committer;
use error::{LogbookError, OpenError};
use mark::{Mark, MarkFault, MarkFile};
use observer::{Committed, Observer, Shared};
use queue::Queue;
use recover::Recovered;
pub use recover::{Closed, closed, entry_at, epoch_at, extent_of, identity_of, judge_mark};
use request::{Pending, PreparedEntry, Receipt, Remember, Submission};
use sequencer::Sequencer;
use sync::Mutex;
use sync::mpsc::sync_channel;
use sync::thread::JoinHandle;
use watched::WatchedSigner;

pub struct Parts {
    /// Where entries go.
    pub store: Arc<dyn Store>,
    pub signer: Arc<dyn Signer>,
    pub clock: Arc<dyn Clock>,
    /// Where the high-water mark is kept.
    pub mark: MarkFile,
}

/// A ledger open for writing. It can be shared between threads; appends that
/// meet share one synced write.
pub struct Logbook {
    queue: Arc<Queue>,
    committer: Weak<Mutex<Committer>>,
    threads: Vec<JoinHandle<()>>,
    scrubbing: Option<scrubbing::Going>,
    /// Where another process writes the log: wakes who indexes what came.
    following: Option<indexing::Wake>,
    shared: Shared,
    signer: Arc<dyn Signer>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    started: Option<Started>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub log: PublicKey,
    /// The hash of entry 0.
    pub genesis: Hash,
}

impl Logbook {
    /// Opens a ledger for writing: finds its end, holds it against its mark,
    /// and starts the threads.
    ///
    /// # Errors
    /// [`OpenError`]; nothing was written then.
    pub fn open(parts: Parts) -> Result<Logbook, OpenError> {
        let recovered = Recovered::read(&*parts.store, &*parts.signer)?;
        let mark = recovered.judge_mark(&*parts.store, &parts.mark)??;
        let started = Started::settle(&*parts.store, &*parts.clock)?;
        Ok(Logbook::start(parts, recovered, started, Some(mark)))
    }

    /// Opens a log that another process writes, for who reads it while it grows: its
    /// store is brought up by somebody else, who calls [`Logbook::followed`]. Whatever
    /// would be written is refused with [`LogbookError::StandingBy`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn follow(parts: Parts) -> Result<Logbook, OpenError> {
        let recovered = Recovered::read(&*parts.store, &*parts.signer)?;
        let sequencer = Sequencer::new(&parts, &recovered, None);
        let limit = parts.store.batch_limit();
        let queue = Queue::standing_by(sequencer, Arc::clone(&parts.signer), limit);
        let (wake, indexing) = indexing::start(Arc::clone(&parts.store), None);
        Ok(Logbook {
            queue: Arc::new(queue),
            committer: Weak::new(),
            threads: vec![indexing],
            scrubbing: None,
            following: Some(wake),
            shared: Shared::new(
                recovered.head(),
                Arc::new(WatchedSigner::new(Arc::clone(&parts.signer))),
            ),
            signer: parts.signer,
            store: parts.store,
            clock: parts.clock,
            // Nothing is stamped here.
            started: None,
        })
    }

    /// Takes note of what came into the store of a log that is followed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn followed(&self) -> Result<(), OpenError> {
        let Some(wake) = &self.following else {
            return Ok(());
        };
        let before = self.durable().seq;
        let head = Recovered::read(&*self.store, &*self.signer)?.head();
        let came = head.seq.0.saturating_sub(before.0);
        if came > 0 {
            let committed = Committed {
                last: head.seq,
                entries: usize::try_from(came).unwrap_or(usize::MAX),
                took: Duration::ZERO,
            };
            self.shared.committed(head, &committed);
            wake.wake();
        }
        Ok(())
    }

    /// Whether another process writes the log, and this one follows it.
    pub const fn is_following(&self) -> bool {
        self.following.is_some()
    }

    /// Opens a ledger whose mark is at fault, and acknowledges that for ever:
    /// a `sealbook:rollback` entry records the signed head that was lost, and
    /// the mark starts again from there.
    ///
    /// # Errors
    /// [`OpenError::NothingToAccept`] if the mark is in order; else as
    /// [`Logbook::open`] and [`Logbook::append`].
    pub fn accept_rollback(
        parts: Parts,
        reason: &str,
    ) -> Result<(Logbook, MarkFault, Receipt), OpenError> {
        let recovered = Recovered::read(&*parts.store, &*parts.signer)?;
        let Err(fault) = recovered.judge_mark(&*parts.store, &parts.mark)? else {
            return Err(OpenError::NothingToAccept);
        };
        let mut payload = Object::new();
        payload.insert("fault", serde_name(&fault));
        payload.insert("lost", fault.lost());
        payload.insert("reason", reason);
        let started = Started::settle(&*parts.store, &*parts.clock)?;
        let logbook = Logbook::start(parts, recovered, started, None);
        let prepared = PreparedEntry::new(crate::ledger::kind::ROLLBACK, &payload)?;
        let mut receipts = logbook.submit(vec![prepared])?.wait()?;
        let receipt = receipts.pop().ok_or(LogbookError::Stopped)?;
        Ok((logbook, fault, receipt))
    }

    /// `mark` is `None` where the first commit must come before any mark.
    fn start(
        parts: Parts,
        recovered: Recovered,
        started: Option<Started>,
        mark: Option<Mark>,
    ) -> Logbook {
        let watched = Arc::new(WatchedSigner::new(parts.signer));
        let parts = Parts {
            signer: Arc::clone(&watched) as _,
            ..parts
        };
        let sequencer = Sequencer::new(&parts, &recovered, started.clone());
        let limit = parts.store.batch_limit();
        let queue = Queue::new(sequencer, Arc::clone(&parts.signer), limit);
        let queue = Arc::new(queue);
        let shared = Shared::new(recovered.head(), watched);
        let terms = recovered.terms.clone();
        let (wake, indexing) = indexing::start(Arc::clone(&parts.store), terms);
        let (going, scrubbing) = scrubbing::start(Arc::clone(&parts.store), shared.clone());
        let committer = Committer::new(&parts, recovered, mark, shared.clone(), wake);
        let committer = Arc::new(Mutex::new(committer));
        let committing = Arc::downgrade(&committer);
        let own = Arc::clone(&queue);
        let thread = sync::start(move || Committer::run(&committer, &own));
        Logbook {
            queue,
            committer: committing,
            threads: vec![thread, indexing, scrubbing],
            scrubbing: Some(going),
            following: None,
            shared,
            signer: parts.signer,
            store: parts.store,
            clock: parts.clock,
            started,
        }
    }

    /// Appends one entry and waits until it is durable.
    pub fn append(&self, kind: &str, payload: &Object) -> Result<Receipt, LogbookError> {
        let entries = vec![PreparedEntry::of_caller(kind, payload)?];
        let (submission, pending) = request::awaited(entries);
        let entered = self.queue.enter(submission);
        let permit = self.queue.sign_alone(entered.ok_or(LogbookError::Stopped)?);
        if let Some((permit, committer)) = permit.zip(self.committer.upgrade()) {
            Committer::perform_all(&committer, permit);
        }
        pending.wait()?.pop().ok_or(LogbookError::Stopped)
    }

    /// Hands over entries, to be waited for later: a caller with many keeps
    /// several such requests under way. They get consecutive numbers unless the
    /// hour changes or the clocks disagree between them. Few are signed before this
    /// returns, many on whatever core is free; where too much is under way already,
    /// it waits.
    ///
    /// # Errors
    /// [`LogbookError::Stopped`] after a failure. A signature that fails is told by
    /// [`Pending::wait`], to its request and to those that were chained to it.
    pub fn submit(&self, entries: Vec<PreparedEntry>) -> Result<Pending, LogbookError> {
        self.submit_remembered(entries, None)
    }

    /// The same with something to be remembered in the same write.
    pub fn submit_remembered(
        &self,
        entries: Vec<PreparedEntry>,
        remember: Option<Remember>,
    ) -> Result<Pending, LogbookError> {
        let (mut submission, pending) = request::awaited(entries);
        submission.reply.remember = remember.map(|remember| remember.of_these(&submission.entries));
        let entered = self.queue.enter(submission);
        let unsigned = entered.ok_or(LogbookError::Stopped)?;
        self.queue.have_signed(unsigned);
        Ok(pending)
    }

    /// Hands over several requests in one go, so that the writer is woken once for all
    /// of them. Never blocks, but for signing a few; each is
    /// answered, with [`LogbookError::Busy`] where too much is under way.
    pub fn submit_all(&self, submissions: Vec<Submission>) {
        if let Some(unsigned) = self.queue.try_enter(submissions) {
            self.queue.have_signed(unsigned);
        }
    }

    /// Appends the last entry of this book, which names the key of the book that
    /// continues it. From then on every append is refused.
    ///
    /// # Errors
    /// [`LogbookError`]; [`LogbookError::Closed`] if it was closed before.
    pub fn close_book(&self, successor: PublicKey) -> Result<Receipt, LogbookError> {
        let payload = Closing { successor }.to_object();
        let entry = PreparedEntry::new(crate::ledger::kind::CLOSE, &payload)?;
        let mut receipts = self.submit(vec![entry])?.wait()?;
        receipts.pop().ok_or(LogbookError::Stopped)
    }

    /// Appends an entry that says what is erased, and erases it in the same write; then
    /// takes it out of the files. Where that last step fails, the erasure stands, and is
    /// completed when the ledger is opened again.
    ///
    /// # Errors
    /// [`LogbookError`]; [`StoreError::NotErased`] where a file could not be rewritten.
    pub(crate) fn erase(
        &self,
        entry: PreparedEntry,
        erased: Vec<OpeningKey>,
    ) -> Result<Receipt, LogbookError> {
        let (mut submission, pending) = request::awaited(vec![entry]);
        submission.reply.erased = erased;
        let entered = self.queue.enter(submission);
        self.queue
            .have_signed(entered.ok_or(LogbookError::Stopped)?);
        let receipt = pending.wait()?.pop().ok_or(LogbookError::Stopped)?;
        self.store.purge()?;
        Ok(receipt)
    }

    /// Seals the open epoch, or answers `None` if it has no entries.
    pub fn seal(&self) -> Result<Option<SignedEpoch>, LogbookError> {
        let (reply, answer) = sync_channel(1);
        self.queue.seal(reply);
        answer.recv().map_err(|_| LogbookError::Stopped)?
    }

    /// A signed statement of the last durable entry.
    pub fn head(&self) -> Result<SignedHead, LogbookError> {
        Ok(Statement::sign(self.durable(), &*self.signer)?)
    }

    /// The last entry that is durable, not signed.
    pub fn durable(&self) -> Head {
        self.shared.durable()
    }

    /// Whether everything is refused, after a failure or a close.
    pub fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }

    /// Whether the key did not sign when it was asked last. It is asked again every second,
    /// and nothing is recorded meanwhile.
    pub fn signer_is_away(&self) -> bool {
        self.shared.signer().is_away()
    }

    /// What the store failed with, if that is why everything is refused.
    pub fn failure(&self) -> Option<StoreError> {
        self.shared.failure()
    }

    /// Has `observer` told of every commit from now on. There can be one.
    pub fn observe(&self, observer: Observer) {
        self.shared.observe(observer);
    }

    /// Requests that wait for their signatures or to be committed.
    pub fn queued(&self) -> usize {
        self.queue.requests()
    }

    pub fn identity(&self) -> Identity {
        let durable = self.durable();
        Identity {
            log: durable.log,
            genesis: durable.genesis,
        }
    }

    /// Whether the clocks part so far that nothing is recorded.
    pub fn clocks_parted(&self) -> bool {
        let started = self.started.as_ref();
        started.is_some_and(|started| started.check(&*self.clock).is_err())
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Waits for everything under way, moves the mark up and ends the threads.
    pub fn close(mut self) -> Result<(), LogbookError> {
        let finished = self.finish();
        self.join();
        finished
    }

    /// Waits for everything under way and moves the mark up; from then on
    /// everything is refused. For a ledger that others still read.
    pub fn finish(&self) -> Result<(), LogbookError> {
        if self.is_following() {
            return Ok(self.store.flush()?);
        }
        let (reply, answer) = sync_channel(1);
        self.queue.close(reply);
        answer.recv().map_err(|_| LogbookError::Stopped)??;
        // Not for safety: so that the next opening has little to replay. What fails here
        // undoes nothing that was acknowledged, and the next opening does it, or says why
        // it cannot.
        let _ = self.store.flush();
        Ok(())
    }

    fn join(&mut self) {
        self.queue.end();
        drop(self.scrubbing.take());
        drop(self.following.take());
        for thread in self.threads.drain(..) {
            // A thread that panicked has answered no caller: they see
            // `Stopped`, and there is nothing to add here.
            let _ = thread.join();
        }
    }
}

impl Drop for Logbook {
    /// As [`Logbook::close`], where an error cannot be told.
    fn drop(&mut self) {
        let (reply, answer) = sync_channel(1);
        self.queue.close(reply);
        let _ = answer.recv();
        self.join();
    }
}

fn serde_name(fault: &MarkFault) -> crate::ledger::json::Value {
    let name = serde_json::to_value(fault.code()).ok();
    name.as_ref().and_then(serde_json::Value::as_str).into()
}

/// `DIR` with a suffix: the key and the mark lie beside the ledger, so that a
/// copy of the one is not a copy of the other. Beside the folder itself, whatever
/// link or `.` leads to it; beside a link only if the file is there and nowhere else.
pub fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let named = |ledger: &Path| {
        let mut name = ledger.components().as_path().as_os_str().to_owned();
        name.push(".");
        name.push(suffix);
        PathBuf::from(name)
    };
    let (here, there) = (named(ledger), named(&resolved(ledger)));
    let is_link = ledger.file_name().is_some();
    if is_link && here.exists() && !there.exists() {
        here
    } else {
        there
    }
}

/// The folder that a path leads to, if the path is a link or does not end in a name.
pub fn resolved(ledger: &Path) -> PathBuf {
    // Without the `/` or `/.` at the end, which would have a link followed here.
    let named = ledger.components().as_path();
    let leads_elsewhere = named.file_name().is_none() || named.is_symlink();
    let real = leads_elsewhere.then(|| ledger.canonicalize().ok());
    real.flatten().unwrap_or_else(|| ledger.to_owned())
}
