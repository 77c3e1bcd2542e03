//! What is known of logs, in a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::place::bounded;
use crate::files::replace;
use crate::ledger::equivocation::Equivocation;
use crate::ledger::json::{Form, Value};
use crate::ledger::limits::SMALL_FILE_BYTES;
use crate::ledger::note::{VerifierKey, VerifierKeyError};
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
pub enum MonitorStateError {
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
    /// The key that was kept is none.
    #[error("{}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        error: VerifierKeyError,
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
pub(super) struct SeenCheckpoint {
    /// Up to how many entries were checked.
    pub(super) checked: u64,
    /// When it was seen first.
    pub(super) since: Timestamp,
}

/// The newest checkpoint of a log that was in order.
pub(super) struct KnownCheckpoint {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) seen: SeenCheckpoint,
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
    pub(super) fn read(&self) -> Result<Option<KnownCheckpoint>, MonitorStateError> {
        let path = self.folder.join("checkpoint");
        let Some(note) = self.bytes(&path)? else {
            return Ok(None);
        };
        let checkpoint = SignedCheckpoint::parse(&note);
        let checkpoint =
            checkpoint.map_err(|error| MonitorStateError::Checkpoint { path, error })?;
        let path = self.folder.join("seen.json");
        let bytes = self.bytes(&path)?.unwrap_or_default();
        let value = parse::parse(&bytes).map_err(|error| MonitorStateError::Json {
            path: path.clone(),
            error,
        })?;
        let seen =
            shape::read(&value, "").map_err(|error| MonitorStateError::Member { path, error })?;
        Ok(Some(KnownCheckpoint { checkpoint, seen }))
    }

    /// Keeps a checkpoint that was in order. What was checked of it is written first:
    /// of an older checkpoint it says too little or too much, and both only have
    /// entries read again.
    pub(super) fn write(
        &self,
        checkpoint: &SignedCheckpoint,
        checked: u64,
        since: Timestamp,
    ) -> Result<(), MonitorStateError> {
        self.make(&self.folder)?;
        let seen: Value = shape::write(&SeenCheckpoint { checked, since });
        self.put("seen.json", seen.canonical(Form::Utf8).as_bytes())?;
        self.put("checkpoint", checkpoint.to_string().as_bytes())
    }

    /// The key that the book before named.
    pub(super) fn key(&self) -> Result<Option<VerifierKey>, MonitorStateError> {
        let path = self.folder.join("key");
        let Some(bytes) = self.bytes(&path)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let key = text.trim_end().parse();
        key.map(Some)
            .map_err(|error| MonitorStateError::Key { path, error })
    }

    pub(super) fn keep_key(&self, key: &VerifierKey) -> Result<(), MonitorStateError> {
        self.make(&self.folder)?;
        self.put("key", format!("{key}\n").as_bytes())
    }

    /// Keeps two notes that contradict each other, and the proof that convicts their
    /// key. Says where.
    pub(super) fn keep_evidence(
        &self,
        notes: [&SignedCheckpoint; 2],
        proof: Option<&Equivocation>,
    ) -> Result<Vec<String>, MonitorStateError> {
        let folder = self.folder.join("evidence");
        self.make(&folder)?;
        let named = |bytes: &[u8], name: &str, what: &str| {
            let digest = Sha256Digest::of(bytes).to_string();
            let digest = digest.get(..16).unwrap_or_default();
            folder.join(format!("{name}-{digest}.{what}"))
        };
        let notes = notes.map(|note| {
            let bytes = note.to_string().into_bytes();
            let path = named(&bytes, &note.content().size.to_string(), "note");
            (path, bytes)
        });
        let proof = proof.map(|proof| {
            let bytes = proof.to_bytes();
            (named(&bytes, "proof", "equivocation"), bytes)
        });
        let mut kept = Vec::new();
        for (path, bytes) in notes.into_iter().chain(proof) {
            replace(&path, &bytes).map_err(|error| io_error(&path, error))?;
            kept.push(path.display().to_string());
        }
        Ok(kept)
    }

    fn bytes(&self, path: &Path) -> Result<Option<Vec<u8>>, MonitorStateError> {
        bounded(path, SMALL_FILE_BYTES).map_err(|error| io_error(path, error))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), MonitorStateError> {
        let path = self.folder.join(name);
        replace(&path, bytes).map_err(|error| io_error(&path, error))
    }

    fn make(&self, folder: &Path) -> Result<(), MonitorStateError> {
        fs::create_dir_all(folder).map_err(|error| io_error(folder, error))
    }
}

fn io_error(path: &Path, error: io::Error) -> MonitorStateError {
    let path = path.to_owned();
    MonitorStateError::Io { path, error }
}
