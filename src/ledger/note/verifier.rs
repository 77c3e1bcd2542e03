//! Keys that notes are verified under, and their verdicts.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::cosignature::{cosigned_text, cosigned_tree};
use super::{KeyId, KeyName, KeyNameError, MlDsaKey, Note, NoteSignature};
use crate::ledger::hexadecimal;
use crate::ledger::key::{PublicKey, Signature};
use crate::ledger::sha256::Sha256Hasher;
use crate::ledger::tlog::checkpoint::{CheckpointError, CheckpointText};

/// Seconds of a cosignature's time: not above 2^63 − 1.
const LATEST: u64 = i64::MAX.unsigned_abs();

/// What a key signs with, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// `0x01`: Ed25519 over the text.
    Ed25519(PublicKey),
    /// `0x04`: Ed25519 over `cosignature/v1`, a time and the text.
    Cosignature(PublicKey),
    /// `0x06`: ML-DSA-44 over name, time, origin, size and root of a checkpoint.
    MlDsa44(MlDsaKey),
}

impl Algorithm {
    /// The byte that stands for it.
    #[must_use]
    pub const fn type_byte(&self) -> u8 {
        match self {
            Algorithm::Ed25519(_) => 0x01,
            Algorithm::Cosignature(_) => 0x04,
            Algorithm::MlDsa44(_) => 0x06,
        }
    }

    /// The public key as its algorithm encodes it.
    #[must_use]
    pub fn key_bytes(&self) -> &[u8] {
        match self {
            Algorithm::Ed25519(key) | Algorithm::Cosignature(key) => key.as_bytes(),
            Algorithm::MlDsa44(key) => key.as_bytes(),
        }
    }
}

/// A key with its name, as `NAME+ID+BASE64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    algorithm: Algorithm,
}

/// Why a text is not a verifier key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// Not `NAME+ID+BASE64`.
    #[error("a verifier key is NAME+ID+KEY, the id 8 lower-case hex digits")]
    Shape,
    /// The name.
    #[error(transparent)]
    Name(#[from] KeyNameError),
    /// Not base64, or not in its one spelling.
    #[error("the key is not canonical base64")]
    Base64,
    /// Another kind of key than are known here.
    #[error(
        "keys of type 0x{byte:02x} are not known here; known are 0x01 and 0x04 (Ed25519) and 0x06 (ML-DSA-44)"
    )]
    Type {
        /// The byte.
        byte: u8,
    },
    /// Another length than keys of its type have.
    #[error("a key of type 0x{byte:02x} has not {bytes} bytes")]
    Length {
        /// The type.
        byte: u8,
        /// How many bytes there are.
        bytes: usize,
    },
    /// The id is not that of this name and key.
    #[error("the id of name and key is {expected}, not {found}")]
    Id {
        /// What it is.
        expected: KeyId,
        /// What is written.
        found: KeyId,
    },
}

/// That a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// When, in seconds since 1970, where the signature says so.
    pub time: Option<u64>,
}

/// Why a note does not stand under a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// No line has the key's name and id.
    #[error("no signature of {name} with the key id {id}")]
    Absent {
        /// Its name.
        name: KeyName,
        /// Its id.
        id: KeyId,
    },
    /// Two lines have them.
    #[error("more than one signature of {name} with the key id {id}")]
    Repeated {
        /// Its name.
        name: KeyName,
        /// Its id.
        id: KeyId,
    },
    /// Another length than its algorithm's.
    #[error("the signature of {name} has {bytes} bytes, which its algorithm does not give")]
    Length {
        /// Its name.
        name: KeyName,
        /// How many bytes it has.
        bytes: usize,
    },
    /// A time that no cosignature may have.
    #[error("the signature of {name} is of the second {time}, which is not a time")]
    Time {
        /// Its name.
        name: KeyName,
        /// Which second.
        time: u64,
    },
    /// Cosignatures are of checkpoints only.
    #[error("{name} cosigns checkpoints, and this is none: {error}")]
    NoCheckpoint {
        /// Its name.
        name: KeyName,
        /// Why it is none.
        error: CheckpointError,
    },
    /// The signature is not the key's.
    #[error("the signature of {name} is wrong")]
    Wrong {
        /// Its name.
        name: KeyName,
    },
}

impl VerifierKey {
    /// The key of a name.
    #[must_use]
    pub fn new(name: KeyName, algorithm: Algorithm) -> VerifierKey {
        let mut hasher = Sha256Hasher::new();
        hasher.update(name.as_str().as_bytes());
        hasher.update(&[b'\n', algorithm.type_byte()]);
        hasher.update(algorithm.key_bytes());
        let [a, b, c, d, ..] = *hasher.finish().as_bytes();
        VerifierKey {
            name,
            id: KeyId([a, b, c, d]),
            algorithm,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself.
    #[must_use]
    pub const fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// A line that claims to be this key's.
    #[must_use]
    pub fn line(&self, bytes: Vec<u8>) -> NoteSignature {
        NoteSignature {
            name: self.name.clone(),
            id: self.id,
            bytes,
        }
    }

    /// The verdict on this key's signature under `note`. Those of other keys are
    /// passed over.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn verify(&self, note: &Note) -> Result<Vouched, SignatureFault> {
        let own = |line: &&NoteSignature| line.id == self.id && line.name == self.name;
        let (name, id) = (self.name.clone(), self.id);
        let mut lines = note.signatures().iter().filter(own);
        let line = lines.next().ok_or(SignatureFault::Absent { name, id })?;
        if lines.next().is_some() {
            let name = self.name.clone();
            return Err(SignatureFault::Repeated { name, id });
        }
        self.verify_line(note.text(), line)
    }

    /// The verdict on one line under a text, for a line that came alone.
    ///
    /// # Errors
    /// [`SignatureFault`].
    pub fn verify_line(&self, text: &str, line: &NoteSignature) -> Result<Vouched, SignatureFault> {
        let (name, id) = (self.name.clone(), self.id);
        if line.name != name || line.id != id {
            return Err(SignatureFault::Absent { name, id });
        }
        let (time, right) = match &self.algorithm {
            Algorithm::Ed25519(key) => {
                let signature = self.exactly(&line.bytes)?;
                let signature = Signature::from_bytes(signature);
                (None, key.verify(text.as_bytes(), &signature))
            }
            Algorithm::Cosignature(key) => {
                self.checkpoint(text)?;
                let (time, signature) = self.timed(&line.bytes)?;
                let signature = Signature::from_bytes(self.exactly(signature)?);
                let right = key.verify(&cosigned_text(time, text), &signature);
                (Some(time), right)
            }
            Algorithm::MlDsa44(key) => {
                let checkpoint = self.checkpoint(text)?;
                let (time, signature) = self.timed(&line.bytes)?;
                let message = cosigned_tree(&self.name, time, &checkpoint);
                let right = message.is_some_and(|message| key.verify(&message, signature));
                // Zero says nothing of the time.
                (Some(time).filter(|time| *time > 0), right)
            }
        };
        match right {
            true => Ok(Vouched { time }),
            false => Err(SignatureFault::Wrong { name }),
        }
    }

    fn checkpoint(&self, text: &str) -> Result<CheckpointText, SignatureFault> {
        CheckpointText::parse(text).map_err(|error| SignatureFault::NoCheckpoint {
            name: self.name.clone(),
            error,
        })
    }

    /// Splits `timestamped_signature`.
    fn timed<'b>(&self, bytes: &'b [u8]) -> Result<(u64, &'b [u8]), SignatureFault> {
        let (time, signature) = bytes
            .split_first_chunk()
            .ok_or_else(|| self.length(bytes))?;
        match u64::from_be_bytes(*time) {
            time if time > LATEST => Err(SignatureFault::Time {
                name: self.name.clone(),
                time,
            }),
            time => Ok((time, signature)),
        }
    }

    fn exactly<const N: usize>(&self, bytes: &[u8]) -> Result<[u8; N], SignatureFault> {
        bytes.try_into().map_err(|_| self.length(bytes))
    }

    fn length(&self, bytes: &[u8]) -> SignatureFault {
        SignatureFault::Length {
            name: self.name.clone(),
            bytes: bytes.len(),
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[self.algorithm.type_byte()], self.algorithm.key_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<VerifierKey, VerifierKeyError> {
        let (name, rest) = text.split_once('+').ok_or(VerifierKeyError::Shape)?;
        let (id, key) = rest.split_once('+').ok_or(VerifierKeyError::Shape)?;
        let name = name.parse()?;
        let found = hexadecimal::decode(id).map_err(|_| VerifierKeyError::Shape)?;
        let found = KeyId(found);
        let bytes = STANDARD.decode(key).map_err(|_| VerifierKeyError::Base64)?;
        let (&byte, key) = bytes.split_first().ok_or(VerifierKeyError::Base64)?;
        let length = VerifierKeyError::Length {
            byte,
            bytes: key.len(),
        };
        let ed25519 = || key.try_into().map(PublicKey::from_bytes);
        let algorithm = match byte {
            0x01 => ed25519().map(Algorithm::Ed25519).map_err(|_| length)?,
            0x04 => ed25519().map(Algorithm::Cosignature).map_err(|_| length)?,
            0x06 => Algorithm::MlDsa44(MlDsaKey::from_slice(key).ok_or(length)?),
            byte => return Err(VerifierKeyError::Type { byte }),
        };
        let read = VerifierKey::new(name, algorithm);
        match read.id == found {
            true => Ok(read),
            false => Err(VerifierKeyError::Id {
                expected: read.id,
                found,
            }),
        }
    }
}
