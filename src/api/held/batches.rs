//! What is handed over, in order: whatever waits while a request is under way goes
//! together in the next one.

use std::collections::HashSet;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Deserialize;

use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Value};
use crate::ledger::key::Signature;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::logbook::error::{LogbookError, ServerRefusal};
use crate::logbook::request::{Pending, PreparedEntry, Receipt, RequestAnswer};
use crate::record::{Document, DocumentDigest};

use super::exchange::{HttpExchange, ServerRequest};
use super::{RecordedAs, unsupported};

/// Requests that may wait to be sent.
const WAITING: usize = 1_024;

/// Entries in one request: no more than servers take.
const ENTRIES: usize = 1_000;

/// Bytes from which on a request is full.
const BYTES: usize = 6 << 20;

/// What is handed over.
pub(super) enum Job {
    /// Entries of the caller's own kinds.
    Entries {
        entries: Vec<PreparedEntry>,
        answer: SyncSender<RequestAnswer>,
    },
    /// An entry under an idempotency key.
    Once {
        key: String,
        entry: PreparedEntry,
        answer: SyncSender<RequestAnswer>,
    },
    /// An outcome, and what it refers to.
    Outcome {
        documents: Vec<Arc<Document>>,
        entry: PreparedEntry,
        answer: SyncSender<RequestAnswer>,
    },
}

/// The queue, and the thread that empties it.
#[derive(Clone)]
pub(super) struct Batches(Arc<Inner>);

struct Inner {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Batches {
    pub(super) fn new(exchange: Arc<HttpExchange>, signed: RecordedAs) -> Batches {
        let (sender, jobs) = bounded(WAITING);
        let sending = Sending {
            exchange,
            signed,
            stored: HashSet::new(),
            over: None,
        };
        let thread = std::thread::spawn(move || sending.run(&jobs));
        Batches(Arc::new(Inner {
            jobs: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// Hands over, and waits where too much waits already.
    pub(super) fn enter(
        &self,
        job: impl FnOnce(SyncSender<RequestAnswer>) -> Job,
    ) -> Result<Pending, LogbookError> {
        let jobs = lock(&self.0.jobs).clone();
        let (answer, pending) = Pending::elsewhere();
        let sent = jobs.map(|jobs| jobs.send(job(answer)));
        match sent {
            Some(Ok(())) => Ok(pending),
            _ => Err(LogbookError::Stopped),
        }
    }

    /// Sends what waits, and nothing after it.
    pub(super) fn close(&self) {
        drop(lock(&self.0.jobs).take());
        if let Some(thread) = lock(&self.0.thread).take() {
            // One that panicked has answered nobody, which they see.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A receipt as it is sent; a newer server may say more.
#[derive(Deserialize)]
struct HeldReceipt {
    seq: Seq,
    hash: Hash,
    prev_hash: Hash,
    ts: Timestamp,
    kind: String,
    signature: Signature,
}

#[derive(Deserialize)]
struct HeldReceipts {
    receipts: Vec<HeldReceipt>,
}

/// The sending thread.
struct Sending {
    exchange: Arc<HttpExchange>,
    signed: RecordedAs,
    /// Documents that are known to be in the ledger.
    stored: HashSet<DocumentDigest>,
    /// Why nothing more is sent.
    over: Option<ServerRefusal>,
}

impl Sending {
    fn run(mut self, jobs: &Receiver<Job>) {
        let mut next = jobs.recv().ok();
        while let Some(first) = next.take() {
            let (body, group) = match first {
                Job::Once { key, entry, answer } => {
                    let said = self.once(&key, &entry);
                    let _ = answer.send(said.map_err(LogbookError::from));
                    next = jobs.recv().ok();
                    continue;
                }
                other => {
                    let mut body = Body::begin(&other, self.signed);
                    let mut group = Vec::new();
                    body.add(&other, &self.stored);
                    group.push(other);
                    while let Ok(job) = jobs.try_recv() {
                        if !body.has_room_for(&job) {
                            next = Some(job);
                            break;
                        }
                        body.add(&job, &self.stored);
                        group.push(job);
                    }
                    (body, group)
                }
            };
            let said = self.send(&body);
            if said.is_ok() {
                self.stored.extend(body.documents.iter().copied());
            }
            hand_out(said, group);
            if next.is_none() {
                next = jobs.recv().ok();
            }
        }
    }

    fn once(&mut self, key: &str, entry: &PreparedEntry) -> Result<Vec<Receipt>, ServerRefusal> {
        let mut body = Vec::new();
        write_entry(entry, &mut body);
        let asked = ServerRequest::post("/v1/entries", body).once(key);
        let said = self.ask(&asked).map_err(|refusal| match refusal.code {
            // As it is called where this process holds the ledger.
            "idempotency_key_reused" => ServerRefusal {
                code: "key_reused",
                ..refusal
            },
            _ => refusal,
        })?;
        let receipt: HeldReceipt = shape::read(&said, "").map_err(|e| odd(&e))?;
        Ok(vec![receipt.into()])
    }

    fn send(&mut self, body: &Body) -> Result<Vec<Receipt>, ServerRefusal> {
        let said = self.ask(&ServerRequest::post(body.path, body.whole()))?;
        let receipts: HeldReceipts = shape::read(&said, "").map_err(|e| odd(&e))?;
        if receipts.receipts.len() != body.entries {
            return Err(unsupported(
                "the server did not answer a receipt for each entry",
            ));
        }
        Ok(receipts.receipts.into_iter().map(Receipt::from).collect())
    }

    /// Once the server went away, what follows is not sent: others would take its
    /// place in the order.
    fn ask(&mut self, asked: &ServerRequest<'_>) -> Result<Value, ServerRefusal> {
        if let Some(refusal) = &self.over {
            return Err(refusal.clone());
        }
        let said = self.exchange.value(asked);
        if let Err(refusal) = &said
            && refusal.code == "server_gone"
        {
            self.over = Some(ServerRefusal {
                code: "server_gone",
                detail: format!(
                    "{}: whether what was under way is recorded is not known",
                    refusal.detail
                ),
            });
            return Err(self.over.clone().unwrap_or_else(|| refusal.clone()));
        }
        said
    }
}

fn odd(error: &dyn std::fmt::Display) -> ServerRefusal {
    unsupported(&format!("the server's answer: {error}"))
}

/// Gives each job its receipts.
fn hand_out(said: Result<Vec<Receipt>, ServerRefusal>, group: Vec<Job>) {
    let mut receipts = said.map(Vec::into_iter);
    for job in group {
        let (count, answer) = match job {
            Job::Entries { entries, answer } => (entries.len(), answer),
            Job::Outcome { answer, .. } | Job::Once { answer, .. } => (1, answer),
        };
        let own = match &mut receipts {
            Ok(receipts) => Ok(receipts.by_ref().take(count).collect()),
            Err(refusal) => Err(LogbookError::from(refusal.clone())),
        };
        // A caller that has gone away does not want it.
        let _ = answer.send(own);
    }
}

impl From<HeldReceipt> for Receipt {
    fn from(text: HeldReceipt) -> Receipt {
        Receipt {
            seq: text.seq,
            hash: text.hash,
            prev_hash: text.prev_hash,
            ts: text.ts,
            kind: text.kind,
            signature: text.signature,
        }
    }
}

/// A request that is being put together.
struct Body {
    path: &'static str,
    text: Vec<u8>,
    end: &'static [u8],
    entries: usize,
    /// Documents that it brings.
    documents: Vec<DocumentDigest>,
}

impl Body {
    fn begin(first: &Job, signed: RecordedAs) -> Body {
        let (path, text, end): (_, &[u8], &[u8]) = match (first, signed) {
            (Job::Outcome { .. }, RecordedAs::User) => ("/v1/outcomes", b"{\"outcomes\":[", b"]}"),
            (Job::Outcome { .. }, RecordedAs::Nobody) => {
                ("/v1/outcomes", b"{\"actor\":\"none\",\"outcomes\":[", b"]}")
            }
            _ => ("/v1/entries/batch", b"{\"entries\":[", b"]}"),
        };
        Body {
            path,
            text: text.to_vec(),
            end,
            entries: 0,
            documents: Vec::new(),
        }
    }

    fn has_room_for(&self, job: &Job) -> bool {
        let (path, entries, bytes) = match job {
            Job::Entries { entries, .. } => {
                let bytes = entries.iter().map(PreparedEntry::payload_bytes).sum();
                ("/v1/entries/batch", entries.len(), bytes)
            }
            Job::Outcome { entry, .. } => ("/v1/outcomes", 1, entry.payload_bytes()),
            Job::Once { .. } => return false,
        };
        let room = self.entries + entries <= ENTRIES && self.text.len() + bytes <= BYTES;
        path == self.path && room
    }

    fn add(&mut self, job: &Job, stored: &HashSet<DocumentDigest>) {
        match job {
            Job::Entries { entries, .. } => {
                for entry in entries {
                    self.comma();
                    write_entry(entry, &mut self.text);
                    self.entries += 1;
                }
            }
            Job::Outcome {
                documents, entry, ..
            } => {
                self.comma();
                write_entry(entry, &mut self.text);
                self.text.pop();
                self.text.extend_from_slice(b",\"documents\":[");
                let mut first = true;
                for document in documents {
                    let digest = document.digest();
                    if stored.contains(&digest) || self.documents.contains(&digest) {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        self.text.push(b',');
                    }
                    let payload = document.to_payload();
                    payload.write_canonical(Form::Utf8, &mut self.text);
                    self.documents.push(digest);
                }
                self.text.extend_from_slice(b"]}");
                self.entries += 1;
            }
            Job::Once { .. } => {}
        }
    }

    fn comma(&mut self) {
        if self.entries > 0 {
            self.text.push(b',');
        }
    }

    fn whole(&self) -> Vec<u8> {
        [&self.text, self.end].concat()
    }
}

/// `{"kind", "payload"}`, the payload byte for byte.
fn write_entry(entry: &PreparedEntry, to: &mut Vec<u8>) {
    to.extend_from_slice(b"{\"kind\":");
    to.extend_from_slice(Value::from(entry.kind()).canonical(Form::Utf8).as_bytes());
    to.extend_from_slice(b",\"payload\":");
    let plain = entry.redactable().and_then(|_| entry.plain().ok());
    match &plain {
        None => to.extend_from_slice(entry.payload()),
        Some(plain) => plain.write_canonical(Form::Utf8, to),
    }
    // The server keeps the values apart, under salts of its own.
    if let Some(redactable) = entry.redactable() {
        to.extend_from_slice(b",\"redactable\":");
        redactable.write_canonical(Form::Utf8, to);
    }
    to.push(b'}');
}
