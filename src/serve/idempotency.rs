//! `Idempotency-Key`: a request that comes again is answered as it was, and
//! recorded once.
//!
//! A key belongs to one token and one path. What it stood for is kept in the
//! same synced write as the entries, so a crash leaves both or neither, for 24
//! hours; then it is free again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;

use super::actor::Actor;
use super::peer::Local;
use super::problem::Problem;
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::logbook::entry_at;
use crate::logbook::remembered::{of_entry, recall, recall_lasting};
use crate::logbook::request::{PreparedEntry, Receipt, Remember};
use crate::store::Store;

const HEADER: &str = "idempotency-key";

/// The header that names a producer, whose keys last.
pub(super) const PRODUCER: &str = "sealbook-producer";

/// Bytes in a key.
const LONGEST: usize = 255;

/// How long a key is kept, in microseconds.
const KEPT: i64 = 24 * 3_600_000_000;

/// Keys whose requests are under way.
#[derive(Default)]
pub(super) struct RequestsUnderWay(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A key that nobody else has under way, until this is dropped.
pub(super) struct Claim {
    key: [u8; 32],
    all: Arc<Mutex<HashSet<[u8; 32]>>>,
}

/// A key, scoped, with the digest of the body that it stands for.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyKey {
    scoped: [u8; 32],
    body: Vec<u8>,
    /// What earlier releases remembered in the place of the digest.
    formerly: Option<Vec<u8>>,
    lasting: bool,
    /// What the key is called where it was given.
    what: &'static str,
}

/// What the caller gave in the header.
pub(super) fn given(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let refused = Problem::Argument {
        what: HEADER,
        expected: "one key of 1 to 255 visible ASCII characters is needed",
    };
    let mut lines = headers.get_all(HEADER).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => match key.to_str() {
            Ok(key) if (1..=LONGEST).contains(&key.len()) && !key.contains(['\t']) => {
                Ok(Some(key.to_owned()))
            }
            _ => Err(refused),
        },
        _ => Err(refused),
    }
}

impl IdempotencyKey {
    pub(super) fn new(actor: &Actor, path: &str, key: &str, body: &[u8]) -> IdempotencyKey {
        let owner = actor.key_owner();
        let [token, path, key] = [&owner, path, key].map(str::as_bytes);
        let scoped = Hash::of_parts(&[token, b"\x1f", path, b"\x1f", key]);
        IdempotencyKey {
            scoped: *scoped.as_bytes(),
            body: Hash::of(body).as_bytes().to_vec(),
            formerly: None,
            lasting: false,
            what: "Idempotency-Key",
        }
    }

    /// The key of one entry that came through the socket: the ledger's owner
    /// has the same one without the server.
    pub(super) fn of_entry(local: Local, key: &str, entry: &PreparedEntry) -> IdempotencyKey {
        let whose = match local.owns {
            true => String::new(),
            false => format!("{}\x1f", local.uid),
        };
        let remember = of_entry(&whose, key, entry);
        IdempotencyKey {
            scoped: remember.key,
            body: remember.value,
            formerly: None,
            lasting: false,
            what: "Idempotency-Key",
        }
    }

    /// A key of a producer, which is never free again.
    pub(super) fn lasting(actor: &Actor, key: &str, body: &[u8]) -> IdempotencyKey {
        IdempotencyKey {
            lasting: true,
            what: "Sealbook-Producer",
            ..IdempotencyKey::new(actor, PRODUCER, key, body)
        }
    }

    /// The key of an event that is known by what it says itself, and stands for the
    /// event of this digest. Earlier releases remembered only the key.
    pub(super) fn of_event(
        actor: &Actor,
        key: &str,
        said: &[u8],
        digest: Hash,
        what: &'static str,
    ) -> IdempotencyKey {
        let formerly = IdempotencyKey::lasting(actor, key, said);
        IdempotencyKey {
            body: digest.as_bytes().to_vec(),
            formerly: Some(formerly.body),
            what,
            ..formerly
        }
    }

    pub(super) fn to_remember(&self) -> Remember {
        Remember {
            key: self.scoped,
            value: self.body.clone(),
            lasting: self.lasting,
        }
    }

    /// What was answered to a request with this key, if there was one.
    pub(super) fn answered(
        &self,
        store: &dyn Store,
        last: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Vec<Receipt>>, Problem> {
        let found = match self.lasting {
            true => recall_lasting(store, &self.scoped)?,
            false => recall(store, last, &self.scoped)?,
        };
        let Some(remembered) = found else {
            return Ok(None);
        };
        let first = entry_at(store, remembered.first)?;
        if !self.lasting && now.micros_since(first.ts()) > KEPT {
            return Ok(None);
        }
        let mut same = remembered.is_of(store, &self.body)?;
        if let (false, Some(formerly)) = (same, &self.formerly) {
            same = remembered.is_of(store, formerly)?;
        }
        if !same {
            return Err(Problem::KeyReused { what: self.what });
        }
        let mut receipts = Vec::new();
        for seq in remembered.first.0..=remembered.last.0 {
            let entry = entry_at(store, Seq(seq))?;
            // One that the writer put in belongs to nobody.
            if entry.kind() != kind::CLOCK {
                receipts.push(Receipt::of(Seq(seq), &entry));
            }
        }
        Ok(Some(receipts))
    }
}

/// What a body is known by that has no key of its own. What was taken out of its entries
/// has no part in it: a digest over that would let anybody try what it was.
pub(super) fn digest_of<'e>(
    body: &[u8],
    entries: impl Iterator<Item = &'e PreparedEntry> + Clone,
) -> Hash {
    if entries.clone().all(PreparedEntry::is_whole) {
        return Hash::of(body);
    }
    let mut hasher = Hasher::new();
    for entry in entries {
        hasher.update(&entry.without_taken());
        hasher.update(b"\n");
    }
    hasher.so_far()
}

impl RequestsUnderWay {
    pub(super) fn claim(&self, key: &IdempotencyKey) -> Result<Claim, Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.insert(key.scoped) {
            true => Ok(Claim {
                key: key.scoped,
                all: Arc::clone(&self.0),
            }),
            false => Err(Problem::KeyUnderWay),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.key);
    }
}
