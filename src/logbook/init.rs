//! Making a ledger: entry 0, and the first mark.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::ledger::entry::{Draft, EntryError};
use crate::ledger::hash::Hash;
use crate::ledger::head::Head;
use crate::ledger::index::vrf::VrfSecret;
use crate::ledger::json::Form;
use crate::ledger::key::{PublicKey, SignError, Signer};
use crate::ledger::kind;
use crate::ledger::note::MlDsaKey;
use crate::ledger::opening::{Opening, Predecessor};
use crate::ledger::position::Seq;
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::statement::Statement;
use crate::ledger::version::Version;
use crate::store::{Batch, NewEntry};

use super::Identity;
use super::clock::Clock;
use super::mark::Mark;
use super::request::Receipt;
use super::terms::INDEX_KEY;

/// What a new ledger says of itself.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub name: String,
    /// SHA-256 of the public key that may one day revoke its own
    /// ([`recovery_key_sha256`]).
    pub recovery_key_sha256: Option<Sha256Digest>,
    pub predecessor: Option<Predecessor>,
    /// Whether its headers commit to an index.
    pub index: bool,
    /// The second key, of ML-DSA-44.
    pub post_quantum: Option<MlDsaKey>,
    /// Names and values that are kept beside the entries, unsigned.
    pub meta: Vec<(&'static str, Vec<u8>)>,
}

/// Why a ledger was not made.
#[derive(Debug, Error)]
pub enum InitError {
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error("no randomness to be had: {0}")]
    Randomness(getrandom::Error),
}

/// What a new ledger begins with, before anything is written.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub identity: Identity,
    /// The receipt of entry 0.
    pub receipt: Receipt,
    /// The first mark. It is to be written **before** the store: a crash
    /// between the two leaves a mark without a ledger, and never a ledger
    /// without its mark.
    pub mark: Mark,
    pub batch: Batch,
}

/// What entry 0 records of a recovery key.
pub fn recovery_key_sha256(key: &PublicKey) -> Sha256Digest {
    Sha256Digest::of(key.as_bytes())
}

/// Makes entry 0 of a new log, and the mark that goes with it.
pub fn begin(
    signer: &dyn Signer,
    clock: &dyn Clock,
    origin: &Origin,
) -> Result<Beginning, InitError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(InitError::Randomness)?;
    let log = signer.public_key();
    let mut meta = origin.meta.clone();
    let index = match origin.index {
        true => {
            let mut secret = Zeroizing::new([0; VrfSecret::BYTES]);
            getrandom::fill(&mut *secret).map_err(InitError::Randomness)?;
            meta.push((INDEX_KEY, secret.to_vec()));
            Some(VrfSecret::from_bytes(&secret).public_key())
        }
        false => None,
    };
    let opening = Opening {
        format: match index.is_some() || origin.post_quantum.is_some() {
            true => Version::Two,
            false => Version::One,
        },
        origin: origin.name.clone(),
        log,
        nonce,
        recovery_key_sha256: origin.recovery_key_sha256,
        predecessor: origin.predecessor.clone(),
        index,
        post_quantum: origin.post_quantum.clone(),
    };
    let mut payload = Vec::new();
    opening
        .to_object()
        .write_canonical(Form::Utf8, &mut payload);
    let draft = Draft::new(kind::OPEN, clock.wall(), &payload, &Hash::ZERO)?;
    let entry = draft.sign(signer)?;
    let identity = Identity {
        log,
        genesis: entry.hash(),
    };
    let head = Head {
        second: None,
        log,
        genesis: identity.genesis,
        seq: Seq::FIRST,
        hash: identity.genesis,
        ts: entry.ts(),
    };
    Ok(Beginning {
        identity,
        receipt: Receipt::of(Seq::FIRST, &entry),
        mark: Mark {
            head: Statement::sign(head, signer)?,
            sealed: None,
        },
        batch: Batch {
            entries: vec![NewEntry {
                seq: Seq::FIRST,
                hash: identity.genesis,
                record: entry.into_record(),
            }],
            meta,
            ..Batch::default()
        },
    })
}
