//! A ledger that a server holds, reached over the server's HTTP API: through the
//! Unix socket beside the ledger, or at an address elsewhere.
//!
//! What is handed over is acknowledged as the writer in this process would: when it
//! is durable, in the order in which it was handed over. Where the server goes away
//! before it answers, nothing that follows is sent: what was under way may be
//! recorded or not, and is told apart by nobody but its idempotency key.

mod batches;
mod exchange;
mod query;
mod socket;

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::logbook::Identity;
use crate::logbook::error::{LogbookError, ServerRefusal};
use crate::logbook::request::{Pending, PreparedEntry};
use crate::record::recorder::Outlet;
use crate::record::{Document, RecordError};

use batches::{Batches, Job};
use exchange::HttpExchange;

pub use exchange::{Elsewhere, ServerRequest};
pub use query::{Query, conditions};
pub use socket::Owner;

/// How long a server may be silent where nothing is to be waited for.
const LEAST: Duration = Duration::from_secs(5);

/// How long a server may be silent for one who waits so long for the ledger.
const fn silence(wait: Duration) -> Duration {
    match wait.is_zero() {
        true => LEAST,
        false => wait,
    }
}

/// A ledger that a server holds.
pub struct Held {
    exchange: Arc<HttpExchange>,
    identity: Identity,
    takes_outcomes: bool,
    batches: Batches,
}

/// As whom outcomes are recorded that this process found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordedAs {
    /// The user at this end of the socket.
    #[default]
    User,
    /// Nobody.
    Nobody,
}

/// What a server says of itself, as far as it is needed.
#[derive(Deserialize)]
struct Hello {
    version: String,
    log: Option<PublicKey>,
    genesis: Option<Hash>,
}

impl Held {
    /// The server behind the socket `path`; `None` if nobody listens there. It has
    /// to be root's, this process's own user's or the ledger's `owner`'s. A server
    /// that is silent for longer than `wait`, and does not say either that it is there,
    /// is gone: one that has much to do may take its time.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn at_socket(
        path: &Path,
        owner: Option<u32>,
        signed: RecordedAs,
        wait: Duration,
    ) -> Result<Option<Held>, ServerRefusal> {
        let owner = Owner::of_ledger(owner);
        let silence = silence(wait);
        let Some(server) = socket::server_at(path, owner, silence)? else {
            return Ok(None);
        };
        let exchange = HttpExchange::at_socket(path, owner, silence)?;
        let takes_outcomes = owner.is_also(server);
        Held::greet(exchange, takes_outcomes, signed, silence).map(Some)
    }

    /// The server at an address elsewhere, which has to say in the time of `wait` that
    /// it is there.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn elsewhere(place: &Elsewhere, wait: Duration) -> Result<Held, ServerRefusal> {
        let exchange = HttpExchange::elsewhere(place)?;
        Held::greet(exchange, false, RecordedAs::User, silence(wait))
    }

    fn greet(
        exchange: HttpExchange,
        takes_outcomes: bool,
        signed: RecordedAs,
        silence: Duration,
    ) -> Result<Held, ServerRefusal> {
        let answer = exchange.ask_within(&ServerRequest::get("/health"), silence)?;
        // One that is not well says so with another status and the same body.
        let hello = parse(&answer.body).ok();
        let hello = hello.and_then(|value| shape::read::<Hello>(&value, "").ok());
        let Some(hello) = hello else {
            return Err(answer.refused());
        };
        let (Some(log), Some(genesis)) = (hello.log, hello.genesis) else {
            return Err(unsupported(&format!(
                "the server is version {} and does not say whose log it holds",
                hello.version
            )));
        };
        let exchange = Arc::new(exchange);
        Ok(Held {
            batches: Batches::new(Arc::clone(&exchange), signed),
            exchange,
            identity: Identity { log, genesis },
            takes_outcomes,
        })
    }

    /// Whose log it is.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether outcomes that this process found out are recorded as they are: the
    /// server runs as the same user, or this process as root. Else it wants to see
    /// the evidence.
    #[must_use]
    pub const fn takes_outcomes(&self) -> bool {
        self.takes_outcomes
    }

    /// Hands over entries, to be waited for later.
    ///
    /// # Errors
    /// [`LogbookError::Stopped`] after a failure.
    pub fn submit(&self, entries: Vec<PreparedEntry>) -> Result<Pending, LogbookError> {
        self.batches
            .enter(|answer| Job::Entries { entries, answer })
    }

    /// Hands over an entry that is recorded once, however often it comes with this
    /// key.
    ///
    /// # Errors
    /// [`LogbookError::Stopped`] after a failure.
    pub fn submit_once(&self, key: &str, entry: PreparedEntry) -> Result<Pending, LogbookError> {
        let key = key.to_owned();
        self.batches
            .enter(|answer| Job::Once { key, entry, answer })
    }

    /// Seals the open epoch, and gives its signed header; `None` if it has no
    /// entries.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn seal(&self) -> Result<Option<Value>, ServerRefusal> {
        match self.post("/v1/seal", b"{}".to_vec()) {
            Ok(header) => Ok(Some(header)),
            Err(refusal) if refusal.code == "nothing_to_seal" => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// A signed statement of the last entry.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn head(&self) -> Result<Value, ServerRefusal> {
        self.exchange.value(&ServerRequest::get("/v1/head"))
    }

    /// The proof that entry `seq` is in the log.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn proof(&self, seq: Seq) -> Result<Vec<u8>, ServerRefusal> {
        let path = format!("/v1/entries/{seq}/proof");
        let answer = self.exchange.ask(&ServerRequest::get(&path))?;
        match answer.is_good() {
            true => Ok(answer.body),
            false => Err(answer.refused()),
        }
    }

    /// Copies a file that the server writes, such as a bundle.
    ///
    /// # Errors
    /// [`ServerRefusal`], also where it breaks off.
    pub fn copy(&self, path: &str, out: &mut dyn Write) -> Result<CopiedFile, CopyError> {
        self.exchange.copy(&ServerRequest::get(path), out)
    }

    /// Posts JSON, and gives the JSON that is answered.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn post(&self, path: &str, body: Vec<u8>) -> Result<Value, ServerRefusal> {
        self.exchange.value(&ServerRequest::post(path, body))
    }

    /// Posts a file.
    ///
    /// # Errors
    /// [`ServerRefusal`].
    pub fn upload(&self, path: &str, file: &mut dyn Read) -> Result<Value, ServerRefusal> {
        self.exchange.upload(path, file)
    }

    /// Waits for what is under way.
    pub fn close(self) {
        self.batches.close();
    }

    /// What records on this ledger's behalf.
    pub(super) fn outlet(&self) -> Arc<dyn Outlet> {
        Arc::new(HeldOutlet {
            batches: self.batches.clone(),
            identity: self.identity,
        })
    }
}

/// A file that was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedFile {
    /// Its bytes.
    pub bytes: u64,
    /// What the server says that it passed over.
    pub warnings: Vec<String>,
}

/// Why a file was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The server did not give it whole.
    #[error(transparent)]
    Server(#[from] ServerRefusal),
    /// It could not be written here.
    #[error("could not write: {0}")]
    Write(io::Error),
}

struct HeldOutlet {
    batches: Batches,
    identity: Identity,
}

impl Outlet for HeldOutlet {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn submit(
        &self,
        documents: &[&Arc<Document>],
        entry: PreparedEntry,
    ) -> Result<Pending, RecordError> {
        let documents = documents.iter().map(|document| Arc::clone(document));
        let documents = documents.collect();
        Ok(self.batches.enter(|answer| Job::Outcome {
            documents,
            entry,
            answer,
        })?)
    }
}

/// What this version cannot do with that server.
fn unsupported(detail: &str) -> ServerRefusal {
    ServerRefusal {
        code: "server_unsupported",
        detail: detail.to_owned(),
    }
}

/// Canonical JSON of a value.
#[must_use]
pub fn body_of(value: &Value) -> Vec<u8> {
    value.canonical(Form::Utf8).into_bytes()
}
