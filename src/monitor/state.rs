//! What is known of logs, in a folder.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::place::bounded;
use crate::files::replace;
use crate::ledger::json::{Form, Value};
use crate::ledger::limits::SMALL_FILE_BYTES;
use crate::ledger::parse::{self, ParseError};
use crate::ledger::sha256::Sha256Digest;
use crate::ledger::shape::{self, MemberError};
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::checkpoint::{SignedCheckpoint, SignedCheckpointError};

/// The folder of what is known.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
}

/// Why what is known could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// The checkpoint that was kept is none.
    #[error("{}: {error}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        error: SignedCheckpointError,
    },
    /// The other file is not JSON.
    #[error("{}: {error}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        error: ParseError,
    },
    /// The other file has another shape.
    #[error("{}: {error}", path.display())]
    Member {
        /// The file.
        path: PathBuf,
        /// Why.
        error: MemberError,
    },
}

/// What was seen of a log's newest checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// Up to how many entries were checked.
    pub(super) checked: u64,
    /// When it was seen first.
    pub(super) since: Timestamp,
}

/// The newest checkpoint of a log that was in order.
pub(super) struct Known {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) seen: Seen,
}

/// What the newer of two checkpoints says of the size of the older: with both notes it
/// convicts the log. Its text is the root and the consistency proof from there to the
/// newer (RFC 6962 §2.1.2), a hash a line in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forked {
    /// The root of the older size.
    pub(super) root: Sha256Digest,
    /// The proof.
    pub(super) proof: Vec<Sha256Digest>,
}

impl fmt::Display for Forked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hashes = [&self.root].into_iter().chain(&self.proof);
        hashes.try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash.as_bytes())))
    }
}

impl State {
    /// In this folder, which is made when something is known.
    #[must_use]
    pub fn new(folder: &Path) -> State {
        let folder = folder.to_owned();
        State { folder }
    }

    /// The part of it that is about one log. Its origin, which anybody may choose, is
    /// no part of a path.
    pub(super) fn log(&self, origin: &str) -> LogState {
        let name = Sha256Digest::of(origin.as_bytes()).to_string();
        LogState {
            folder: self.folder.join(name),
        }
    }
}

/// What is known of one log.
pub(super) struct LogState {
    folder: PathBuf,
}

impl LogState {
    pub(super) fn read(&self) -> Result<Option<Known>, StateError> {
        let path = self.folder.join("checkpoint");
        let Some(note) = self.bytes(&path)? else {
            return Ok(None);
        };
        let checkpoint = SignedCheckpoint::parse(&note);
        let checkpoint = checkpoint.map_err(|error| StateError::Checkpoint { path, error })?;
        let path = self.folder.join("seen.json");
        let bytes = self.bytes(&path)?.unwrap_or_default();
        let value = parse::parse(&bytes).map_err(|error| StateError::Json {
            path: path.clone(),
            error,
        })?;
        let seen = shape::read(&value, "").map_err(|error| StateError::Member { path, error })?;
        Ok(Some(Known { checkpoint, seen }))
    }

    /// Keeps a checkpoint that was in order. What was checked of it is written first:
    /// of an older checkpoint it says too little or too much, and both only have
    /// entries read again.
    pub(super) fn write(
        &self,
        checkpoint: &SignedCheckpoint,
        checked: u64,
        since: Timestamp,
    ) -> Result<(), StateError> {
        self.make(&self.folder)?;
        let seen: Value = shape::write(&Seen { checked, since });
        self.put("seen.json", seen.canonical(Form::Utf8).as_bytes())?;
        self.put("checkpoint", checkpoint.to_string().as_bytes())
    }

    /// Keeps two notes that contradict each other, and what shows it where they are of
    /// two sizes. Says where.
    pub(super) fn keep_evidence(
        &self,
        notes: [&SignedCheckpoint; 2],
        proof: Option<&Forked>,
    ) -> Result<Vec<String>, StateError> {
        let folder = self.folder.join("evidence");
        self.make(&folder)?;
        let named = |text: &str, name: &str, what: &str| {
            let digest = Sha256Digest::of(text.as_bytes()).to_string();
            let digest = digest.get(..16).unwrap_or_default();
            folder.join(format!("{name}-{digest}.{what}"))
        };
        let notes = notes.map(|note| {
            let text = note.to_string();
            let path = named(&text, &note.content().size.to_string(), "note");
            (path, text)
        });
        let proof = proof.map(|proof| {
            let text = proof.to_string();
            (named(&text, "growth", "proof"), text)
        });
        let mut kept = Vec::new();
        for (path, text) in notes.into_iter().chain(proof) {
            replace(&path, text.as_bytes()).map_err(|error| io_error(&path, error))?;
            kept.push(path.display().to_string());
        }
        Ok(kept)
    }

    fn bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
        bounded(path, SMALL_FILE_BYTES).map_err(|error| io_error(path, error))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.folder.join(name);
        replace(&path, bytes).map_err(|error| io_error(&path, error))
    }

    fn make(&self, folder: &Path) -> Result<(), StateError> {
        fs::create_dir_all(folder).map_err(|error| io_error(folder, error))
    }
}

fn io_error(path: &Path, error: io::Error) -> StateError {
    let path = path.to_owned();
    StateError::Io { path, error }
}
