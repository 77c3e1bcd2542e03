//! How far a sink has come, in a file that is replaced whole and synced.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SinkError;
use crate::files::replace_private;
use crate::ledger::hash::Hash;
use crate::ledger::json::Value;
use crate::ledger::limits::SMALL_FILE_BYTES;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::logbook::{Identity, beside};

/// Where the position of a ledger's sink lies.
#[must_use]
pub fn position_of(ledger: &Path, name: &str) -> PathBuf {
    beside(ledger, &format!("sink-{name}.json"))
}

/// The last entry that was delivered, or passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeliveredTo {
    pub(super) last: Seq,
    pub(super) hash: Hash,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PositionFile {
    /// The last entry that was delivered.
    delivered: Seq,
    genesis: String,
    hash: Hash,
    log: String,
}

pub(super) struct SinkPosition {
    path: PathBuf,
    log: String,
    genesis: String,
    reached: Option<DeliveredTo>,
    /// Locked as long as it is open.
    _lock: File,
}

impl SinkPosition {
    pub(super) fn open(path: &Path, identity: Identity) -> Result<SinkPosition, SinkError> {
        let failed = |source| SinkError::File {
            path: path.to_owned(),
            source,
        };
        let lock_path = path.with_extension("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => SinkError::InUse {
                path: path.to_owned(),
            },
            fs::TryLockError::Error(source) => failed(source),
        })?;
        let (log, genesis) = (identity.log.to_string(), identity.genesis.to_string());
        let reached = match File::open(path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                let mut file = file.take(SMALL_FILE_BYTES as u64);
                file.read_to_end(&mut bytes).map_err(failed)?;
                let path = || path.to_owned();
                let kept = read(&bytes).ok_or_else(|| SinkError::NoPosition { path: path() })?;
                if (&kept.log, &kept.genesis) != (&log, &genesis) {
                    return Err(SinkError::OtherLog { path: path() });
                }
                let (last, hash) = (kept.delivered, kept.hash);
                Some(DeliveredTo { last, hash })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        Ok(SinkPosition {
            path: path.to_owned(),
            log,
            genesis,
            reached,
            _lock: lock,
        })
    }

    pub(super) const fn reached(&self) -> Option<DeliveredTo> {
        self.reached
    }

    /// Writes down how far it has come; returns when that is durable.
    pub(super) fn reach(&mut self, reached: DeliveredTo) -> Result<(), SinkError> {
        let kept = PositionFile {
            delivered: reached.last,
            genesis: self.genesis.clone(),
            hash: reached.hash,
            log: self.log.clone(),
        };
        let mut text = serde_json::to_vec(&kept).unwrap_or_default();
        text.push(b'\n');
        replace_private(&self.path, &text).map_err(|source| SinkError::File {
            path: self.path.clone(),
            source,
        })?;
        self.reached = Some(reached);
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Option<PositionFile> {
    let value: Value = parse::parse(bytes).ok()?;
    shape::read(&value, "").ok()
}
