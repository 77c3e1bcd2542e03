//! Lines with an idempotency key: recorded once, however often they come.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::error::CliError;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object};
use crate::logbook::remembered::recall;
use crate::logbook::request::{Receipt, Remember};
use crate::logbook::{Logbook, entry_at};

pub(super) const MEMBER: &str = "idempotency_key";

/// Bytes in a key.
const LONGEST: usize = 255;

/// What keeps these keys apart from those of requests over HTTP.
const SCOPE: &[u8] = b"append\x1f";

/// A key, with the digest of what it stands for.
pub(super) struct Keyed {
    scoped: [u8; 32],
    content: Hash,
}

impl Keyed {
    pub(super) fn new(key: &str, kind: &str, payload: &Object) -> Result<Keyed, CliError> {
        let visible = key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !(1..=LONGEST).contains(&key.len()) || !visible {
            return Err(CliError::KeyShape);
        }
        let mut canonical = Vec::new();
        payload.write_canonical(Form::Utf8, &mut canonical);
        Ok(Keyed {
            scoped: *Hash::of_parts(&[SCOPE, key.as_bytes()]).as_bytes(),
            content: Hash::of_parts(&[kind.as_bytes(), b"\x1f", &canonical]),
        })
    }

    pub(super) const fn scoped(&self) -> [u8; 32] {
        self.scoped
    }

    pub(super) fn to_remember(&self) -> Remember {
        Remember {
            key: self.scoped,
            value: self.content.as_bytes().to_vec(),
            lasting: false,
        }
    }

    /// The receipt of the entry that was recorded under this key, if there is one.
    pub(super) fn receipt(&self, logbook: &Logbook) -> Result<Option<Receipt>, CliError> {
        let store = &**logbook.store();
        let Some(remembered) = recall(store, logbook.durable().ts, &self.scoped)? else {
            return Ok(None);
        };
        if remembered.value != self.content.as_bytes() {
            return Err(CliError::KeyReused);
        }
        // One that the writer put in stands before it.
        let entry = entry_at(store, remembered.last)?;
        Ok(Some(Receipt::of(remembered.last, &entry)))
    }
}

/// Keys whose entries are handed over and not known to be durable.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashSet<[u8; 32]>>>);

impl UnderWay {
    /// Whether this is the only one with its key that is under way.
    pub(super) fn begin(&self, keyed: &Keyed) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(keyed.scoped)
    }

    pub(super) fn end(&self, scoped: &[u8; 32]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(scoped);
    }
}
