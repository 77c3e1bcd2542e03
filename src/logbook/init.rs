//! Making a ledger: entry 0, and the mark before it.

use thiserror::Error;

use crate::ledger::entry::{Draft, EntryError};
use crate::ledger::hash::Hash;
use crate::ledger::head::Head;
use crate::ledger::json::Form;
use crate::ledger::key::{PublicKey, SignError};
use crate::ledger::kind;
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;
use crate::store::{Batch, NewEntry, StoreError};

use sha2::{Digest, Sha256};

use super::request::Receipt;
use super::{Identity, Parts};

/// What a new ledger says of itself.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The log's name, for people.
    pub name: String,
    /// Who may one day revoke its key.
    pub recovery_key: Option<PublicKey>,
    /// The book it continues.
    pub predecessor: Option<Predecessor>,
    /// Names and values that are kept beside the entries, unsigned.
    pub meta: Vec<(&'static str, Vec<u8>)>,
}

/// Why a ledger was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InitError {
    /// The store holds entries already.
    #[error("the store holds entries already")]
    NotEmpty,
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Entry 0 could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Entry 0 cannot be one: the name is too long.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The mark could not be written.
    #[error("the high-water mark could not be written: {0}")]
    Mark(#[source] std::io::Error),
    /// The system gave no randomness.
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
}

/// Writes entry 0 into an empty store. The mark is written first: a crash
/// between the two leaves a store without entries, which says so, and never a
/// ledger without its mark.
///
/// # Errors
/// [`InitError`].
pub fn init(parts: &Parts, origin: &Origin) -> Result<(Identity, Receipt), InitError> {
    if parts.store.last_seq()?.is_some() {
        return Err(InitError::NotEmpty);
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(InitError::Randomness)?;
    let log = parts.signer.public_key();
    let opening = Opening {
        origin: origin.name.clone(),
        log,
        nonce,
        recovery_key_sha256: origin
            .recovery_key
            .map(|key| Sha256::digest(key.as_bytes()).into()),
        predecessor: origin.predecessor.clone(),
    };
    let mut payload = Vec::new();
    opening.to_object().write_canonical(Form::Utf8, &mut payload);
    let draft = Draft::new(kind::OPEN, parts.clock.wall(), &payload, &Hash::ZERO)?;
    let entry = draft.sign(&*parts.signer)?;
    let receipt = Receipt::of(Seq::FIRST, &entry);
    let genesis = entry.hash();
    let head = Head {
        log,
        genesis,
        seq: Seq::FIRST,
        hash: genesis,
        ts: entry.ts(),
    };
    let mark = Statement::sign(head, &*parts.signer)?;
    parts.mark.write(&mark).map_err(InitError::Mark)?;
    parts.store.commit(Batch {
        entries: vec![NewEntry {
            seq: Seq::FIRST,
            hash: genesis,
            record: entry.into_record(),
        }],
        meta: origin.meta.clone(),
        ..Batch::default()
    })?;
    Ok((Identity { log, genesis }, receipt))
}
