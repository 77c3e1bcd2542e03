//! A ledger, open.

mod disk;
mod outcomes;
mod reading;
mod refusals;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::ledger::epoch::SignedEpoch;
use crate::ledger::json::Object;
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::note::MlDsaSigner;
use crate::logbook::clock::Clock;
use crate::logbook::init::{Origin, begin, recovery_key_sha256};
use crate::logbook::key_file;
use crate::logbook::mark::MarkFile;
use crate::logbook::reading::Reader;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::logbook::{Identity, Logbook, Parts};
use crate::record::Recorder;
use crate::store::{MemoryStore, Store};

use super::{Error, Options};

pub use outcomes::{Done, RecordedVerdict};

/// A ledger, open for writing or for reading.
///
/// It can be shared between threads; appends that meet share one synced write.
/// Whatever [`append`](Ledger::append) and its like answer is durable by then.
pub struct Ledger {
    /// Where it lies; a ledger in memory lies nowhere.
    pub(super) dir: Option<PathBuf>,
    identity: Identity,
    pub(super) options: Options,
    /// What signs under the second key, once it was opened.
    pub(super) second: Mutex<Option<Arc<MlDsaSigner>>>,
    state: State,
}

enum State {
    Writing(LedgerWriter),
    Reading(Box<Reader>),
}

/// What a writer has.
struct LedgerWriter {
    // Before the logbook, which it shares.
    recorder: Arc<Recorder>,
    logbook: Arc<Logbook>,
    signer: Arc<dyn Signer>,
    mark: MarkFile,
}

impl Ledger {
    /// A ledger that is gone when it is dropped, under a key that nobody keeps.
    pub fn in_memory(options: Options) -> Result<Ledger, Error> {
        let signer = key_file::ephemeral()?;
        let origin = Origin {
            name: options.origin.clone().unwrap_or_default(),
            recovery_key_sha256: options.recovery_key.as_ref().map(recovery_key_sha256),
            index: options.has_index(),
            ..Origin::default()
        };
        let beginning = begin(&signer, &*options.clock_or_system(), &origin)?;
        let store = MemoryStore::new();
        store.commit(beginning.batch)?;
        let parts = Parts {
            store: Arc::new(store),
            signer: Arc::new(signer),
            clock: options.clock_or_system(),
            mark: MarkFile::in_memory(&beginning.mark),
        };
        Ledger::of_parts(None, parts, options)
    }

    /// A ledger over a store, a key, a clock and a mark of the caller's own. `dir`
    /// is where it lies, if it lies in the file system.
    pub fn of_parts(dir: Option<&Path>, parts: Parts, options: Options) -> Result<Ledger, Error> {
        let (signer, mark) = (Arc::clone(&parts.signer), parts.mark.clone());
        let options = options.clock(Arc::clone(&parts.clock));
        let logbook = Logbook::open(parts)?;
        let dir = dir.map(Path::to_owned);
        Ok(Ledger::over(dir, logbook, signer, mark, options))
    }

    /// The same over a log that another process writes: for reading alone.
    #[cfg(feature = "bucket")]
    pub(super) fn following(dir: &Path, parts: Parts, options: Options) -> Result<Ledger, Error> {
        let (signer, mark) = (Arc::clone(&parts.signer), parts.mark.clone());
        let options = options.clock(Arc::clone(&parts.clock));
        let logbook = Logbook::follow(parts)?;
        Ok(Ledger::over(
            Some(dir.to_owned()),
            logbook,
            signer,
            mark,
            options,
        ))
    }

    fn over(
        dir: Option<PathBuf>,
        logbook: Logbook,
        signer: Arc<dyn Signer>,
        mark: MarkFile,
        options: Options,
    ) -> Ledger {
        let logbook = Arc::new(logbook);
        let recorder = Recorder::new(Arc::clone(&logbook)).with_content(options.content);
        let recorder = recorder.with_redacting(options.redacting.clone());
        Ledger {
            dir,
            identity: logbook.identity(),
            options,
            second: Mutex::default(),
            state: State::Writing(LedgerWriter {
                recorder: Arc::new(recorder),
                logbook,
                signer,
                mark,
            }),
        }
    }

    /// Where it lies; a ledger in memory lies nowhere.
    #[must_use]
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// The log's key: what third parties verify with.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        self.identity.log
    }

    /// Whose log it is.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Appends an entry, and answers when it is durable.
    ///
    /// # Errors
    /// [`Error::Append`]; a refused kind or payload leaves no trace.
    pub fn append(&self, kind: &str, payload: &Object) -> Result<Receipt, Error> {
        match self.options.redacting.is_empty() {
            true => Ok(self.logbook()?.append(kind, payload)?),
            false => self.append_redactable(kind, payload, &[]),
        }
    }

    /// Appends entries, all of them or none unless the disk fails, and answers
    /// when they are durable. Nothing of another caller comes between them.
    pub fn append_batch<'e>(
        &self,
        entries: impl IntoIterator<Item = (&'e str, &'e Object)>,
    ) -> Result<Vec<Receipt>, Error> {
        let prepared = entries.into_iter();
        let prepared = prepared.map(|(kind, payload)| {
            let entry = PreparedEntry::of_caller(kind, payload)?;
            self.take_out(entry, &[])
        });
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        if prepared.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.logbook()?.submit(prepared)?.wait()?)
    }

    /// Seals the open epoch; `None` if it has no entries. Only sealed entries
    /// can be proven.
    pub fn seal(&self) -> Result<Option<SignedEpoch>, Error> {
        Ok(self.logbook()?.seal()?)
    }

    /// Waits for everything under way, moves the mark up, and lets go of the
    /// ledger. Dropping it does the same, with nobody to tell of a failure.
    ///
    /// # Errors
    /// [`Error::Append`] if the mark could not be written.
    pub fn close(self) -> Result<(), Error> {
        match self.state {
            State::Writing(writing) => {
                drop(writing.recorder);
                let closed = match Arc::try_unwrap(writing.logbook) {
                    Ok(logbook) => logbook.close(),
                    Err(shared) => shared.finish(),
                };
                Ok(closed?)
            }
            State::Reading(_) => Ok(()),
        }
    }

    /// The writer below, for what streams entries into it.
    pub fn logbook(&self) -> Result<&Arc<Logbook>, Error> {
        Ok(&self.writing()?.logbook)
    }

    /// The recorder below, for what decides in bulk.
    pub fn recorder(&self) -> Result<&Arc<Recorder>, Error> {
        Ok(&self.writing()?.recorder)
    }

    /// The bucket that holds its record, if one does.
    #[cfg(feature = "bucket")]
    pub(super) const fn bucket(&self) -> Option<&crate::bucket::Address> {
        self.options.bucket.as_ref()
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.options.clock_or_system()
    }

    fn writing(&self) -> Result<&LedgerWriter, Error> {
        match &self.state {
            State::Writing(writing) => Ok(writing),
            State::Reading(_) => Err(Error::ReadOnly),
        }
    }
}
