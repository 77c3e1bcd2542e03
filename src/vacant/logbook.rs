//! A vacant's history, in memory: append-only, one key.
//!
//! For files of any size there is the streaming verification of the ledger,
//! which names every fault; this one stops at the first.

use super::error::{ChainProblem, HashChainError};
use crate::ledger::entry::{Draft, Entry, EntryError};
use crate::ledger::hash::Hash;
use crate::ledger::json::{Form, Object};
use crate::ledger::key::{PublicKey, SignError, Signer, StrictVerifier};
use crate::ledger::time::Timestamp;
use thiserror::Error;

/// Why an entry was not appended.
#[derive(Debug, Error)]
pub enum AppendError {
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Entries in order. Those that came from elsewhere are not judged until
/// [`VacantLogbook::verify_chain`] is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VacantLogbook {
    entries: Vec<Entry>,
}

impl VacantLogbook {
    /// A logbook without entries.
    pub const fn new() -> VacantLogbook {
        VacantLogbook {
            entries: Vec::new(),
        }
    }

    /// A logbook that came from elsewhere.
    pub const fn from_entries(entries: Vec<Entry>) -> VacantLogbook {
        VacantLogbook { entries }
    }

    /// The entries in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the next entry names as the one before: the last one's hash, or
    /// [`EMPTY_PREV_HASH`](super::constants::EMPTY_PREV_HASH).
    pub fn latest_hash(&self) -> Hash {
        self.entries.last().map_or(Hash::ZERO, Entry::hash)
    }

    /// Makes the next entry, signs and appends it.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended then.
    pub fn append(
        &mut self,
        kind: &str,
        payload: &Object,
        signer: &dyn Signer,
        ts: Timestamp,
    ) -> Result<&Entry, AppendError> {
        let mut canonical = Vec::new();
        payload.write_canonical(Form::Utf8, &mut canonical);
        let entry = Draft::new(kind, ts, &canonical, &self.latest_hash())?.sign(signer)?;
        let end = self.entries.len();
        self.entries.push(entry);
        self.entries
            .get(end)
            .ok_or(AppendError::Entry(EntryError::Record))
    }

    /// Whether every link and every signature is good, under one key.
    pub fn verify_chain(&self, key: &PublicKey) -> bool {
        self.verify_chain_or_raise(key).is_ok()
    }

    /// As [`VacantLogbook::verify_chain`]. Of one entry the link is judged before the
    /// signature.
    ///
    /// # Errors
    /// [`HashChainError`] names the first entry that is not good, and for a link
    /// what it should name and what it does.
    pub fn verify_chain_or_raise(&self, key: &PublicKey) -> Result<(), HashChainError> {
        let mut verifier = StrictVerifier::new(key);
        verifier.expect(self.entries.len());
        let verdicts = self.entries.chunks(StrictVerifier::BATCH).flat_map(|part| {
            let signed = part.iter().map(|e| (e.signing_payload(), e.signature()));
            let signed: Vec<_> = signed.collect();
            verifier.verify_batch(&signed)
        });
        let mut expected = Hash::ZERO;
        for (index, (entry, valid)) in self.entries.iter().zip(verdicts).enumerate() {
            let fault = |problem| HashChainError { index, problem };
            let actual = entry.prev_hash();
            if actual != expected {
                return Err(fault(ChainProblem::LinkBroken { expected, actual }));
            }
            if !valid {
                return Err(fault(ChainProblem::SignatureInvalid));
            }
            expected = entry.hash();
        }
        Ok(())
    }
}
