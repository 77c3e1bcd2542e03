//! A log that signs no checkpoints any more: its witnesses have seen more of it than
//! there is, or another history. It stays so until somebody acknowledges it for ever.
//!
//! `DIR.halt`, beside the ledger:
//! ```text
//! {"evidence": ["<note>"], "name": "log.example", "reason": "…"}
//! ```
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::{read_within, replace};
use crate::ledger::json::{Form, Object};
use crate::ledger::kind::ROLLBACK;
use crate::ledger::limits;
use crate::ledger::parse::parse;
use crate::ledger::shape;
use crate::logbook::beside;
use crate::logbook::error::OpenError;
use crate::logbook::request::{PreparedEntry, Receipt};

use super::{Error, Ledger, Options};

/// Why nothing is signed, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[error("rollback_detected: {reason}; no checkpoint of {name} is signed until that is accepted")]
pub struct Halt {
    /// The notes under the log's key that witnesses showed.
    pub evidence: Vec<String>,
    /// The public name of the log.
    pub name: String,
    /// Why.
    pub reason: String,
}

fn file_of(ledger: &Path) -> PathBuf {
    beside(ledger, "halt")
}

impl Halt {
    /// That of the ledger in `dir`, if it signs nothing.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Json`]: what cannot be read is not taken for nothing.
    pub fn of(dir: &Path) -> Result<Option<Halt>, Error> {
        let path = file_of(dir);
        let bytes = match read_within(&path, limits::SMALL_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path, error)),
        };
        let invalid = || Error::file(&path, io::ErrorKind::InvalidData.into());
        let value = match parse(&bytes) {
            Ok(value) => value,
            Err(source) => return Err(Error::Json { path, source }),
        };
        shape::read(&value, "").map(Some).map_err(|_| invalid())
    }

    /// Keeps it: from now on the ledger in `dir` signs no checkpoint.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn keep(&self, dir: &Path) -> Result<(), Error> {
        let path = file_of(dir);
        let text = shape::write(self).canonical(Form::Utf8);
        replace(&path, text.as_bytes()).map_err(|error| Error::file(&path, error))
    }
}

/// Whether the ledger in `dir` signs checkpoints of this name.
///
/// # Errors
/// [`Error::Halted`] if it does not until somebody accepts why.
pub fn check_not_halted(dir: &Path, name: &str) -> Result<(), Error> {
    match Halt::of(dir)? {
        Some(halt) if halt.name == name => Err(halt.into()),
        _ => Ok(()),
    }
}

/// Acknowledges for ever, in the log, that its witnesses have seen another history,
/// and lets it sign again. None if nothing halts it.
///
/// # Errors
/// [`Error`]; the halt stays then.
pub(super) fn accept(
    dir: &Path,
    options: Options,
    reason: &str,
) -> Result<Option<(Ledger, Halt, Receipt)>, Error> {
    let Some(halt) = Halt::of(dir)? else {
        return Ok(None);
    };
    let ledger = match Ledger::open(dir, options) {
        // The mark's own fault is to be acknowledged first.
        Err(Error::Open(OpenError::Mark(_))) => return Ok(None),
        opened => opened?,
    };
    let mut payload = Object::new();
    payload.insert("fault", "rollback_detected");
    payload.insert("halt", shape::write(&halt));
    payload.insert("lost", crate::ledger::json::Value::Null);
    payload.insert("reason", reason);
    let entry = PreparedEntry::new(ROLLBACK, &payload)?;
    let receipt = ledger.logbook()?.submit(vec![entry])?.wait()?.pop();
    let receipt = receipt.ok_or(crate::logbook::error::LogbookError::Stopped)?;
    let path = file_of(dir);
    fs::remove_file(&path).map_err(|error| Error::file(&path, error))?;
    Ok(Some((ledger, halt, receipt)))
}
