//! What a log writes ahead into an object store: one object a commit, made only
//! where there is none ([`format`](super::format), section 14).
//!
//! An object carries what is committed **without its signatures**, and one statement
//! `sealbook:wal:v1` over its place and digest. Ed25519 is deterministic: who holds the
//! key makes the signatures again. A writer that was fenced may have written an object
//! for a place that another's holds; signatures in it would be evidence of a fork that
//! never was.

mod lines;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::envelope::Purpose;
use super::epoch::EpochHeader;
use super::hash::Hash;
use super::index::vrf::VrfSecret;
use super::json::Form;
use super::key::{PublicKey, SignError, Signer};
use super::parse::ParseError;
use super::shape::MemberError;
use super::statement::{Content, Statement, StatementError};
use super::time::Timestamp;

/// Bytes of an object at most.
pub const OBJECT_BYTES: usize = 96 << 20;

/// Where an object stands: `wal/<generation>/<n>`. `n` counts on across generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalPosition {
    /// Each writer that takes over begins another one.
    pub generation: u64,
    /// The number of the object in its log, from 0.
    pub n: u64,
}

impl WalPosition {
    /// Where entry 0 is.
    pub const FIRST: WalPosition = WalPosition {
        generation: 0,
        n: 0,
    };

    /// The place after an object that is a batch; `None` after the last one.
    #[must_use]
    pub const fn next(self) -> Option<WalPosition> {
        match self.n.checked_add(1) {
            Some(n) => Some(WalPosition { n, ..self }),
            None => None,
        }
    }

    /// The place after one that is a fence.
    #[must_use]
    pub const fn next_generation(self) -> Option<WalPosition> {
        match (self.generation.checked_add(1), self.n.checked_add(1)) {
            (Some(generation), Some(n)) => Some(WalPosition { generation, n }),
            _ => None,
        }
    }

    /// Its key below the log's own prefix.
    #[must_use]
    pub fn key(self) -> String {
        format!("wal/{}/{}", self.generation, self.n)
    }

    /// The place of a key, if it is one, in the only spelling.
    #[must_use]
    pub fn of_key(key: &str) -> Option<WalPosition> {
        let (generation, n) = key.strip_prefix("wal/")?.split_once('/')?;
        let place = WalPosition {
            generation: generation.parse().ok()?,
            n: n.parse().ok()?,
        };
        (place.key() == key).then_some(place)
    }
}

impl fmt::Display for WalPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// What the log signs of an object. Two of them for one place are no equivocation: one
/// of them was never taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalStatement {
    /// [`Hash::of`] all that follows the first line.
    pub digest: Hash,
    /// The generation of its place.
    pub generation: u64,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    /// The log's key.
    pub log: PublicKey,
    /// The number of its place.
    pub n: u64,
}

impl Content for WalStatement {
    const PURPOSE: Purpose = Purpose::Wal;

    fn log(&self) -> PublicKey {
        self.log
    }
}

/// An object, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalObject {
    /// Where it stands.
    pub place: WalPosition,
    /// The log's key.
    pub log: PublicKey,
    /// The hash of the log's entry 0.
    pub genesis: Hash,
    /// The digest of the object before it; zeros of the first.
    pub prev: Hash,
    /// Random, of the process that wrote it: no two writers write the same bytes.
    pub writer: Hash,
    /// What it does.
    pub says: Says,
}

/// What an object does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Ends its generation: the next object is of the next one. Anyone who writes on in
    /// this one finds its place taken.
    Fence,
    /// Commits.
    Batch(Box<UnsignedBatch>),
}

/// What is committed together, without signatures and without what is derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedBatch {
    /// The number of the first entry, or of the next one if there is none.
    pub first_seq: u64,
    /// The hash of the entry before that; zeros before the first.
    pub prev_hash: Hash,
    /// The entries: kind, time and canonical payload.
    pub entries: Vec<Bare>,
    /// The header of the epoch that is sealed.
    pub epoch: Option<EpochHeader>,
    /// What is remembered for some hours.
    pub notes: Vec<Noted>,
    /// Notes of earlier hours are forgotten.
    pub forget_before: Option<u64>,
    /// Rows of imported evidence.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// The secret key of the log's index, where it is made.
    pub index_key: Option<[u8; VrfSecret::BYTES]>,
}

impl Default for UnsignedBatch {
    /// Nothing, at the beginning of a log.
    fn default() -> UnsignedBatch {
        UnsignedBatch {
            first_seq: 0,
            prev_hash: Hash::ZERO,
            entries: Vec::new(),
            epoch: None,
            notes: Vec::new(),
            forget_before: None,
            rows: Vec::new(),
            index_key: None,
        }
    }
}

/// An entry without its link and signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bare {
    /// Its kind.
    pub kind: String,
    /// Its time.
    pub ts: Timestamp,
    /// The canonical JSON of its payload.
    pub payload: Vec<u8>,
}

/// Something that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// In hours since 1970.
    pub hour: u64,
    /// What it is found by.
    pub key: [u8; 32],
    /// What it says.
    pub value: Vec<u8>,
}

/// Why bytes are not an object of this log at this place.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum WalError {
    /// More than [`OBJECT_BYTES`].
    #[error("it is larger than {OBJECT_BYTES} bytes")]
    TooLarge,
    /// The first line, or one of those that must follow, is not there.
    #[error("it ends too soon")]
    Truncated,
    /// A line is not JSON.
    #[error("line {line}: {error}")]
    Json {
        /// From 1.
        line: usize,
        /// What is wrong.
        error: ParseError,
    },
    /// A line says something else than it must.
    #[error("line {line}: {error}")]
    Member {
        /// From 1.
        line: usize,
        /// The member at fault.
        error: MemberError,
    },
    /// The first line is not a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Its log is another one.
    #[error("it is of the log {log}, genesis {genesis}")]
    OtherLog {
        /// That log's key.
        log: PublicKey,
        /// The hash of its entry 0.
        genesis: Hash,
    },
    /// The log did not sign it.
    #[error("its signature is not the log's")]
    Signature,
    /// It was changed after it was signed.
    #[error("its content is not what was signed")]
    Digest,
    /// It was written for another place.
    #[error("it was written for {found}")]
    Place {
        /// Where it belongs.
        found: WalPosition,
    },
    /// It does not follow the object before.
    #[error("it does not follow the object before it")]
    Prev,
    /// It has other lines than its second one counts.
    #[error("it has other lines than it counts")]
    Lines,
}

impl WalObject {
    /// Its bytes, and their digest.
    ///
    /// # Errors
    /// Whatever the signer answers.
    pub fn sign(&self, signer: &dyn Signer) -> Result<(Vec<u8>, Hash), SignError> {
        let body = lines::body(self);
        let digest = Hash::of(&body);
        let written = WalStatement {
            digest,
            generation: self.place.generation,
            genesis: self.genesis,
            log: self.log,
            n: self.place.n,
        };
        let statement = Statement::sign(written, signer)?.to_value();
        let mut bytes = statement.canonical(Form::Utf8).into_bytes();
        bytes.reserve(body.len() + 1);
        bytes.push(b'\n');
        bytes.extend(body);
        Ok((bytes, digest))
    }

    /// Reads an object that is to stand at `place` of the log of this key, and of this
    /// genesis if it is known; gives its digest, too.
    ///
    /// # Errors
    /// [`WalError`].
    pub fn open(
        bytes: &[u8],
        place: WalPosition,
        log: PublicKey,
        genesis: Option<Hash>,
    ) -> Result<(WalObject, Hash), WalError> {
        if bytes.len() > OBJECT_BYTES {
            return Err(WalError::TooLarge);
        }
        let (written, body) = WalStatement::read(bytes)?;
        let content = &written.content;
        if content.log != log || genesis.is_some_and(|genesis| genesis != content.genesis) {
            return Err(WalError::OtherLog {
                log: content.log,
                genesis: content.genesis,
            });
        }
        if !written.verify() {
            return Err(WalError::Signature);
        }
        if content.place() != place {
            return Err(WalError::Place {
                found: content.place(),
            });
        }
        if Hash::of(body) != content.digest {
            return Err(WalError::Digest);
        }
        Ok((lines::read(body, content)?, content.digest))
    }
}

impl WalStatement {
    /// Reads the first line, and judges nothing; gives what follows, too.
    ///
    /// # Errors
    /// [`WalError`].
    pub fn read(bytes: &[u8]) -> Result<(Statement<WalStatement>, &[u8]), WalError> {
        let (first, body) = lines::split(bytes)?;
        let value = lines::parse(first, 1)?;
        Ok((Statement::from_value(&value)?, body))
    }

    /// Where the object belongs.
    #[must_use]
    pub const fn place(&self) -> WalPosition {
        WalPosition {
            generation: self.generation,
            n: self.n,
        }
    }
}
