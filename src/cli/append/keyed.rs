//! Lines with an idempotency key: recorded once, however often they come.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::error::CliError;
use crate::logbook::remembered::{of_entry, recall};
use crate::logbook::request::{PreparedEntry, Receipt, Remember};
use crate::logbook::{Logbook, entry_at};

pub(super) const MEMBER: &str = "idempotency_key";

/// Bytes in a key.
const LONGEST: usize = 255;

/// A key, with the digest of what it stands for.
#[derive(Clone)]
pub(super) struct Keyed {
    /// As it was given.
    pub(super) given: String,
    remember: Remember,
}

impl Keyed {
    pub(super) fn new(key: &str, entry: &PreparedEntry) -> Result<Keyed, CliError> {
        let visible = key
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !(1..=LONGEST).contains(&key.len()) || !visible {
            return Err(CliError::KeyShape);
        }
        Ok(Keyed {
            given: key.to_owned(),
            remember: of_entry("", key, entry),
        })
    }

    pub(super) const fn scoped(&self) -> [u8; 32] {
        self.remember.key
    }

    pub(super) fn to_remember(&self) -> Remember {
        self.remember.clone()
    }

    /// The receipt of the entry that was recorded under this key, if there is one.
    pub(super) fn receipt(&self, logbook: &Logbook) -> Result<Option<Receipt>, CliError> {
        let store = &**logbook.store();
        let Some(remembered) = recall(store, logbook.durable().ts, &self.scoped())? else {
            return Ok(None);
        };
        if !remembered.is_of(store, &self.remember.value)? {
            return Err(CliError::KeyReused);
        }
        // One that the writer put in stands before it.
        let entry = entry_at(store, remembered.last)?;
        Ok(Some(Receipt::of(remembered.last, &entry)))
    }
}

/// Keys whose entries are handed over and not known to be durable.
#[derive(Clone, Default)]
pub(super) struct KeyedUnderWay(Arc<Mutex<HashSet<[u8; 32]>>>);

impl KeyedUnderWay {
    /// Whether this is the only one with its key that is under way.
    pub(super) fn begin(&self, keyed: &Keyed) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(keyed.scoped())
    }

    pub(super) fn end(&self, scoped: &[u8; 32]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(scoped);
    }
}
