//! What callers hand to the writer, and what they get back.

use crate::ledger::entry::{Draft, Entry, EntryError};
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object, Value};
use crate::ledger::key::Signature;
use crate::ledger::kind;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::redact::{self, Action, Redactable, Salt, Taken};
use crate::ledger::time::Timestamp;

use super::error::LogbookError;
use super::sync::mpsc::{Receiver, SyncSender, sync_channel};
use crate::store::OpeningKey;

/// Bytes that most payloads fit in.
const USUAL_PAYLOAD: usize = 256;

/// Kind and canonical payload of an entry to be, checked in its caller's
/// thread, so that nothing that is done under the queue's lock can fail.
#[derive(Clone, Debug)]
pub struct PreparedEntry {
    pub(crate) kind: String,
    pub(crate) payload: Vec<u8>,
    /// What was taken out of the payload. What opens its redactable members is kept beside
    /// it, in the same write.
    pub(crate) taken: Vec<Taken>,
}

impl PreparedEntry {
    /// Prepares an entry that anyone may append.
    ///
    /// # Errors
    /// [`LogbookError::ReservedKind`] for the kinds of the recording layer,
    /// [`LogbookError::Entry`] for what no entry can be.
    pub fn of_caller(kind: &str, payload: &Object) -> Result<PreparedEntry, LogbookError> {
        if let Some(prefix) = kind::reserved_in_any_case(kind) {
            return Err(LogbookError::ReservedKind { prefix });
        }
        PreparedEntry::new(kind, payload)
    }

    /// Prepares an entry of any kind, for the recording layer: what others
    /// hand in goes through [`PreparedEntry::of_caller`].
    pub fn new(kind: &str, payload: &Object) -> Result<PreparedEntry, LogbookError> {
        let mut canonical = Vec::with_capacity(USUAL_PAYLOAD);
        payload.write_canonical(Form::Utf8, &mut canonical);
        PreparedEntry::of_text(kind, canonical)
    }

    /// The same of a payload that is canonical text already.
    pub(crate) fn of_text(kind: &str, canonical: Vec<u8>) -> Result<PreparedEntry, LogbookError> {
        // The limits do not depend on time or chain, but for seven bytes of a
        // fraction of a second: the longest timestamp stands for all.
        Draft::check_parts(kind, Timestamp::MAX, &canonical)?;
        redact::refuse_form(&canonical)?;
        Ok(PreparedEntry {
            kind: kind.to_owned(),
            payload: canonical,
            taken: Vec::new(),
        })
    }

    /// The same with members that can be withheld and erased, in the log of this genesis.
    ///
    /// # Errors
    /// [`LogbookError::Redact`] where a member is not there, or lies in another.
    pub fn with_redactable(
        mut self,
        wanted: &[Redactable],
        genesis: &Hash,
    ) -> Result<PreparedEntry, LogbookError> {
        if wanted.is_empty() {
            return Ok(self);
        }
        // The size of what was checked; the rest grows by commitments, which is checked
        // again.
        let mut payload = self.plain()?;
        let mut salt = || {
            let mut bytes = [0; Salt::BYTES];
            getrandom::fill(&mut bytes).ok()?;
            Some(Salt::from_bytes(bytes))
        };
        let taken = redact::redact(&mut payload, wanted, genesis, &mut salt)?;
        let mut canonical = Vec::with_capacity(self.payload.len());
        payload.write_canonical(Form::Utf8, &mut canonical);
        Draft::check_parts(&self.kind, Timestamp::MAX, &canonical)?;
        (self.payload, self.taken) = (canonical, taken);
        Ok(self)
    }

    #[cfg(all(feature = "client", feature = "rocks"))]
    /// What stands for a value, as it is asked of others: `None` if nothing does.
    pub(crate) fn redactable(&self) -> Option<Value> {
        let stand = self.taken.iter().filter(|it| it.action != Action::Drop);
        let said = stand.map(|Taken { opening, action }| {
            let pointer = Value::from(opening.pointer.as_str());
            let members = [
                ("do", crate::ledger::shape::write(action)),
                ("pointer", pointer),
            ];
            Value::Object(members.into_iter().collect())
        });
        let said: Vec<_> = said.collect();
        (!said.is_empty()).then_some(Value::Array(said))
    }

    /// Whether nothing was taken out of it.
    #[cfg(feature = "serve")]
    pub(crate) fn is_whole(&self) -> bool {
        self.taken.is_empty()
    }

    /// The canonical payload without what was taken out.
    #[cfg(feature = "serve")]
    pub(crate) fn without_taken(&self) -> Vec<u8> {
        let mut left = Vec::new();
        if let Ok(mut payload) = parse::parse(&self.payload) {
            redact::take_closed_out(&mut payload);
            payload.write_canonical(Form::Utf8, &mut left);
        }
        left
    }

    /// The payload with its values, as it came.
    pub(crate) fn plain(&self) -> Result<Value, LogbookError> {
        let read = parse::parse(&self.payload).map_err(EntryError::from);
        let mut payload = read?;
        redact::restore(&mut payload, &self.taken);
        Ok(payload)
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The canonical payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Bytes of the canonical payload.
    pub fn payload_bytes(&self) -> usize {
        self.payload.len()
    }

    pub(crate) fn weight(&self) -> usize {
        // What was taken out weighs as much as what came in, at most.
        self.kind.len() + self.payload.len() * (1 + usize::from(!self.taken.is_empty()))
    }
}

/// That an entry is durable, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub seq: Seq,
    pub hash: Hash,
    /// The hash of the entry before.
    pub prev_hash: Hash,
    pub ts: Timestamp,
    pub kind: String,
    pub signature: Signature,
}

impl Receipt {
    pub(crate) fn of(seq: Seq, entry: &Entry) -> Receipt {
        Receipt {
            seq,
            hash: entry.hash(),
            prev_hash: entry.prev_hash(),
            ts: entry.ts(),
            kind: entry.kind().to_owned(),
            signature: entry.signature(),
        }
    }
}

/// Something to be remembered with a request's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remember {
    pub key: [u8; 32],
    pub value: Vec<u8>,
    /// Whether it is never forgotten.
    pub lasting: bool,
}

/// What a request is answered with.
pub type RequestAnswer = Result<Vec<Receipt>, LogbookError>;

/// Entries that are asked for together, and where their receipts go.
pub struct Submission {
    pub(crate) entries: Vec<PreparedEntry>,
    pub(crate) reply: Reply,
}

impl Submission {
    /// Entries that become durable together or not at all, with consecutive
    /// numbers and one time; `remember` is in the same write. `answer` is called
    /// once, by the thread that commits them, and must neither block nor take long: the
    /// next commit waits for it.
    pub fn whole(
        entries: Vec<PreparedEntry>,
        remember: Option<Remember>,
        answer: impl FnOnce(RequestAnswer) + Send + 'static,
    ) -> Submission {
        let remember = remember.map(|remember| remember.of_these(&entries));
        let reply = Reply {
            answer: Some(Box::new(answer)),
            whole: true,
            remember,
            openings: Vec::new(),
            erased: Vec::new(),
        };
        Submission { entries, reply }
    }

    pub fn weight(&self) -> usize {
        self.entries.iter().map(PreparedEntry::weight).sum()
    }
}

/// Where the receipts of one request go, exactly once: dropped without an
/// answer, it answers that the writer has stopped.
pub(crate) struct Reply {
    answer: Option<Box<dyn FnOnce(RequestAnswer) + Send>>,
    /// One time, one write: all of the entries are durable together.
    pub(crate) whole: bool,
    pub(crate) remember: Option<Remember>,
    /// What opens redacted members of its entries, once these have their numbers.
    pub(crate) openings: Vec<(OpeningKey, Vec<u8>)>,
    /// Openings that are erased in the same write.
    pub(crate) erased: Vec<OpeningKey>,
}

impl Reply {
    /// Takes what opens the members of an entry that now has a number.
    pub(crate) fn keep(&mut self, seq: Seq, genesis: &Hash, taken: &[Taken]) {
        let kept = taken.iter().filter(|it| it.action == Action::Redactable);
        let row = |Taken { opening, .. }: &Taken| {
            let commitment = opening.commitment(genesis);
            (OpeningKey { seq, commitment }, opening.to_row())
        };
        self.openings.extend(kept.map(row));
    }

    pub(crate) fn send(mut self, answer: RequestAnswer) {
        if let Some(taker) = self.answer.take() {
            taker(answer);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(taker) = self.answer.take() {
            taker(Err(LogbookError::Stopped));
        }
    }
}

#[derive(Debug)]
pub struct Pending(Receiver<RequestAnswer>);

impl Pending {
    /// Receipts to come from elsewhere, and where the answer goes. Dropped without
    /// one, it says that the writer has stopped.
    #[cfg(all(feature = "client", feature = "rocks"))]
    pub(crate) fn elsewhere() -> (SyncSender<RequestAnswer>, Pending) {
        let (sender, receiver) = sync_channel(1);
        (sender, Pending(receiver))
    }

    /// Waits until every entry of the request is durable.
    ///
    /// # Errors
    /// [`LogbookError`]; then none of them is acknowledged.
    pub fn wait(self) -> Result<Vec<Receipt>, LogbookError> {
        self.0.recv().map_err(|_| LogbookError::Stopped)?
    }
}

/// A submission whose caller waits for it.
pub(crate) fn awaited(entries: Vec<PreparedEntry>) -> (Submission, Pending) {
    let (sender, receiver) = sync_channel(1);
    let answer = move |answer| {
        // A caller that has gone away does not want its receipt.
        let _ = sender.send(answer);
    };
    let reply = Reply {
        answer: Some(Box::new(answer)),
        // What opens an entry is in the same write.
        whole: entries.iter().any(|entry| !entry.taken.is_empty()),
        remember: None,
        openings: Vec::new(),
        erased: Vec::new(),
    };
    (Submission { entries, reply }, Pending(receiver))
}

/// Where the header of an epoch goes that someone asked to be sealed.
pub(crate) type SealReply = SyncSender<Result<Option<SignedEpoch>, LogbookError>>;

/// A signed entry in its place in the log, and in the tree of its epoch.
pub(crate) struct SignedEntry {
    pub(crate) seq: Seq,
    pub(crate) entry: Entry,
    pub(crate) leaf: Hash,
}

/// Requests with their receipts, to be answered.
pub(crate) type Due = Vec<(Reply, Vec<Receipt>)>;

/// What the committer is given, in the order of the log.
pub(crate) enum Work {
    Commit {
        entries: Vec<SignedEntry>,
        replies: Due,
    },
    /// The open epoch ends here. `reply` is there if someone asked for it.
    Seal {
        sealed_at: Timestamp,
        reply: Option<SealReply>,
    },
    /// Nothing comes after this.
    Close(SyncSender<Result<(), LogbookError>>),
}

impl Work {
    /// Makes `next` part of `last` if both are entries, so that they share one
    /// write; else gives it back.
    pub(crate) fn join(last: &mut Work, next: Work) -> Option<Work> {
        match (last, next) {
            (
                Work::Commit { entries, replies },
                Work::Commit {
                    entries: more,
                    replies: theirs,
                },
            ) => {
                entries.extend(more);
                replies.extend(theirs);
                None
            }
            (_, next) => Some(next),
        }
    }

    /// Answers every request of it that it was not done.
    pub(crate) fn refuse(self, error: &LogbookError) {
        match self {
            Work::Commit { replies, .. } => {
                for (reply, _) in replies {
                    reply.send(Err(error.clone()));
                }
            }
            Work::Seal { reply, .. } => {
                if let Some(reply) = reply {
                    let _ = reply.send(Err(error.clone()));
                }
            }
            Work::Close(reply) => {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}
