//! Where the ledger, its mark and its key are, and how they are opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::logbook::clock::{Clock, SystemClock};
use crate::logbook::mark::MarkFile;
use crate::logbook::reading::Reader;
use crate::logbook::{Logbook, Parts, beside};
use crate::store::{RocksStore, Store, StoreError};

use super::error::CliError;
use super::output::Output;
use super::passphrase;

/// The name under which the key file's path is kept in the store. Never the
/// key.
pub(super) const KEY_PATH: &str = "key_path";

/// The places that a command works with.
pub(super) struct Context {
    pub(super) ledger: PathBuf,
    pub(super) mark: MarkFile,
    pub(super) mark_given: bool,
    /// How long a writer waits for others; `None` if nothing may be written.
    wait: Option<Duration>,
    pub(super) accepts_clock: bool,
}

impl Context {
    pub(super) fn new(ledger: PathBuf, mark: Option<PathBuf>, wait: Option<Duration>) -> Context {
        let mark_given = mark.is_some();
        let mark = mark.map_or_else(|| MarkFile::beside(&ledger), MarkFile::at);
        Context {
            ledger,
            mark,
            mark_given,
            wait,
            accepts_clock: false,
        }
    }

    /// The same for another ledger, with its mark beside it.
    pub(super) fn of(&self, ledger: PathBuf) -> Context {
        Context::new(ledger, None, self.wait)
    }

    /// How long a writer waits for others.
    ///
    /// # Errors
    /// With `--read-only`.
    pub(super) fn wait(&self) -> Result<Duration, CliError> {
        self.wait.ok_or_else(|| StoreError::ReadOnly.into())
    }

    /// The mark to hold the ledger in `dir` against.
    pub(super) fn mark_of(&self, dir: &Path) -> MarkFile {
        if self.mark_given {
            self.mark.clone()
        } else {
            MarkFile::beside(dir)
        }
    }

    /// The ledger for reading, beside another process that writes it if there
    /// is one; then it is said as of when. The private key is not touched.
    pub(super) fn reader(&self, output: &mut Output) -> Result<Reader, CliError> {
        let reader = Reader::open(&self.ledger, &self.mark)?;
        if let Some(last) = reader.as_of()? {
            output.note(&as_of(last));
        }
        Ok(reader)
    }

    /// The ledger for reading what is still to come.
    pub(super) fn follower(&self) -> Result<Reader, CliError> {
        Ok(Reader::open_beside(&self.ledger, &self.mark)?)
    }

    /// A file beside the ledger, on the same disk, that nobody else knows of.
    pub(super) fn scratch_file(&self) -> Result<NamedTempFile, CliError> {
        let folder = match self.ledger.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(".sealbook-import-").tempfile_in(folder);
        file.map_err(|error| CliError::file(folder, error))
    }

    /// Everything that writing needs.
    pub(super) fn parts(&self) -> Result<Parts, CliError> {
        let store = RocksStore::open_within(&self.ledger, self.wait()?)?;
        let signer = self.signer(&store)?;
        Ok(Parts {
            store: Arc::new(store),
            signer,
            clock: self.clock(),
            mark: self.mark.clone(),
        })
    }

    /// The ledger for writing.
    pub(super) fn writer(&self) -> Result<Logbook, CliError> {
        Ok(Logbook::open(self.parts()?)?)
    }

    /// The private key of the ledger in `store`.
    pub(super) fn signer(&self, store: &dyn Store) -> Result<Arc<dyn Signer>, CliError> {
        Ok(Arc::new(passphrase::open(&self.key_path(store)?)?))
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(match self.accepts_clock {
            true => SystemClock::accepted(),
            false => SystemClock::new(),
        })
    }

    /// `SEALBOOK_KEY`, or where `init` put the key, or, if the ledger and its
    /// key were moved together, beside the ledger.
    fn key_path(&self, store: &dyn Store) -> Result<PathBuf, CliError> {
        if let Some(path) = std::env::var_os("SEALBOOK_KEY") {
            return Ok(PathBuf::from(path));
        }
        let default = self.default_key();
        let recorded = store.meta(KEY_PATH)?;
        let recorded = recorded.map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)));
        Ok(recorded
            .filter(|path| path.exists() || !default.exists())
            .unwrap_or(default))
    }

    /// `DIR.key.pem`, beside the ledger.
    pub(super) fn default_key(&self) -> PathBuf {
        beside(&self.ledger, "key.pem")
    }
}

/// What to know of an answer that was given beside a writer.
pub(super) fn as_of(last: Seq) -> String {
    format!("another process is writing the ledger: this is as of entry {last}")
}

/// The bytes of an absolute path, for keeping.
pub(super) fn path_bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let absolute = std::path::absolute(path).map_err(|error| CliError::file(path, error))?;
    Ok(absolute.as_os_str().as_bytes().to_vec())
}
