//! Ledgers on disk: made, opened, copied, continued.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::backup::{self, Backup, BackupRequest};
use crate::ledger::key::Signer;
use crate::logbook::error::OpenError;
use crate::logbook::mark::MarkFault;
use crate::logbook::reading::Reader;
use crate::logbook::request::Receipt;
use crate::logbook::{Logbook, Parts, identity_of};
use crate::store::{RocksStore, Store};

#[cfg(feature = "bucket")]
use super::super::bucket;
use super::super::create::{self, CreatedLedger, lies_in, signer_of};
use super::super::halt::{self, Halt};
use super::super::rotate::{self, Rotated};
use super::super::{Error, Options};
use super::{Ledger, State, refusals};

impl Ledger {
    /// Makes the ledger `dir`, its key and its mark, and opens it for writing.
    ///
    /// # Errors
    /// [`Error::Exists`] before anything is made, and others.
    pub fn create(dir: impl AsRef<Path>, options: Options) -> Result<Ledger, Error> {
        let dir = dir.as_ref();
        let new = create::create(dir, &options)?;
        new.made.share(options.group)?;
        #[cfg(feature = "bucket")]
        if options.bucket.is_some() {
            new.store.close()?;
            return Ledger::open(dir, options);
        }
        let parts = Parts {
            store: Arc::new(new.store),
            signer: options.held(new.signer),
            clock: options.clock_or_system(),
            mark: options.mark_of(dir),
        };
        Ledger::of_parts(Some(dir), parts, options)
    }

    /// Makes the ledger `dir`, its key and its mark, and leaves it closed.
    pub fn init(dir: impl AsRef<Path>, options: &Options) -> Result<CreatedLedger, Error> {
        let new = create::create(dir.as_ref(), options)?;
        new.store.close()?;
        new.made.share(options.group)?;
        Ok(new.made)
    }

    /// Opens the ledger in `dir` for writing. It has one writer at a time.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Key`]; nothing was written then.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Ledger, Error> {
        let dir = dir.as_ref();
        let parts = parts(dir, &options, true)?;
        #[cfg(feature = "bucket")]
        if bucket::accepts_head(&options, &parts.mark)? {
            let accepted = Ledger::accept(dir, parts, options, bucket::ACCEPTED)?;
            return Ok(accepted.0);
        }
        let now = options.now();
        match Ledger::of_parts(Some(dir), parts, options) {
            Ok(ledger) => {
                refusals::record(dir, ledger.recorder()?)?;
                Ok(ledger)
            }
            Err(error) => {
                if let Error::Open(OpenError::Mark(fault)) = &error {
                    refusals::note(dir, fault, now);
                }
                Err(error)
            }
        }
    }

    /// Opens the ledger in `dir` for reading, beside its writer if there is one.
    /// The private key is not touched.
    pub fn open_read(dir: impl AsRef<Path>, options: Options) -> Result<Ledger, Error> {
        let dir = dir.as_ref();
        Ledger::bring_up(dir, &options)?;
        Ledger::read(dir, options.reader(dir)?, options)
    }

    /// Brings a ledger whose record is in a bucket up to what is there. Others are as
    /// they are, and so is one that nothing may be written to.
    ///
    /// # Errors
    /// [`Error::Bucket`].
    pub(crate) fn bring_up(dir: &Path, options: &Options) -> Result<(), Error> {
        #[cfg(feature = "bucket")]
        if let Some(address) = options
            .bucket
            .as_ref()
            .filter(|_| options.check_writes().is_ok())
        {
            bucket::catch_up(dir, address, options)?;
        }
        let _ = (dir, options);
        Ok(())
    }

    /// Opens the ledger in `dir` for reading what is there and what is still to
    /// come: nobody is kept from writing. [`Ledger::catch_up`] goes on.
    pub fn follow(dir: impl AsRef<Path>, options: Options) -> Result<Ledger, Error> {
        let dir = dir.as_ref();
        let reader = options.attached(Reader::open_beside(dir, &options.mark_of(dir))?)?;
        Ledger::read(dir, reader, options)
    }

    fn read(dir: &Path, reader: Reader, options: Options) -> Result<Ledger, Error> {
        Ok(Ledger {
            dir: Some(dir.to_owned()),
            identity: identity_of(&reader.store)?,
            options,
            second: Mutex::default(),
            state: State::Reading(Box::new(reader)),
        })
    }

    /// Acknowledges for ever that the witnesses of a log have seen another history of it,
    /// and lets it sign checkpoints again. None if nothing halts it.
    ///
    /// # Errors
    /// [`Error`]; the halt stays then.
    pub fn accept_halt(
        dir: impl AsRef<Path>,
        options: Options,
        reason: &str,
    ) -> Result<Option<(Ledger, Halt, Receipt)>, Error> {
        halt::accept(dir.as_ref(), options, reason)
    }

    /// Opens a ledger whose mark is at fault, and acknowledges that for ever: the
    /// receipt is that of the entry which records the signed head that was lost.
    ///
    /// # Errors
    /// [`Error::Open`], with
    /// [`NothingToAccept`](crate::logbook::error::OpenError::NothingToAccept) if
    /// the mark is in order.
    pub fn accept_rollback(
        dir: impl AsRef<Path>,
        options: Options,
        reason: &str,
    ) -> Result<(Ledger, MarkFault, Receipt), Error> {
        let dir = dir.as_ref();
        Ledger::accept(dir, parts(dir, &options, false)?, options, reason)
    }

    fn accept(
        dir: &Path,
        parts: Parts,
        options: Options,
        reason: &str,
    ) -> Result<(Ledger, MarkFault, Receipt), Error> {
        let (signer, mark) = (Arc::clone(&parts.signer), parts.mark.clone());
        let own = identity_of(&*parts.store)?;
        if let Some(what) = mark.holds_other(&own, options.mark.is_some()) {
            let path = mark.path().to_owned();
            return Err(Error::NoMark { path, what });
        }
        let (logbook, fault, receipt) = Logbook::accept_rollback(parts, reason)?;
        let ledger = Ledger::over(Some(dir.to_owned()), logbook, signer, mark, options);
        refusals::record(dir, ledger.recorder()?)?;
        Ok((ledger, fault, receipt))
    }

    /// Closes the book in `dir`, and continues it in `new`, under a new key.
    /// `next` are the options of the new book; without a directory it is `DIR.2`.
    /// Interrupted, the same call goes on.
    ///
    /// # Errors
    /// [`Error`]; the old book is closed if its last entry says so.
    pub fn rotate(
        dir: impl AsRef<Path>,
        options: &Options,
        new: Option<&Path>,
        next: &Options,
    ) -> Result<Rotated, Error> {
        rotate::rotate(dir.as_ref(), options, new, next)
    }

    /// Copies the ledger in `dir` into `to`, which must not exist, beside its
    /// writer if there is one, and verifies the copy. With `link`, tables are linked
    /// and not copied where nobody writes. `progress` is told how far
    /// that has come, in entries.
    ///
    /// # Errors
    /// [`Error`]; then there is no `to`.
    pub fn backup(
        dir: impl AsRef<Path>,
        options: &Options,
        to: &Path,
        link: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Backup, Error> {
        let dir = dir.as_ref();
        if lies_in(to, dir) {
            let path = to.to_owned();
            return Err(Error::InsideLedger { path });
        }
        let order = BackupRequest {
            ledger: dir,
            mark: &options.mark_of(dir),
            attach: &|copy| options.attach(copy),
            signer: &|store| signer(dir, store, options).ok(),
            now: options.now(),
            link,
        };
        Ok(backup::backup(&order, to, progress)?)
    }
}

/// Everything that writing needs.
fn parts(dir: &Path, options: &Options, judged: bool) -> Result<Parts, Error> {
    options.check_writes()?;
    #[cfg(feature = "bucket")]
    if let Some(address) = &options.bucket {
        return bucket::parts(dir, address, options, judged);
    }
    // Without a bucket it is judged when the writer is started.
    let _ = judged;
    let store = RocksStore::open_within(dir, options.wait);
    let store = store.map_err(|error| Error::of_store(dir, error))?;
    #[cfg(feature = "bucket")]
    crate::bucket::check_local(&store)?;
    let signer = signer(dir, &store, options)?;
    Ok(Parts {
        store: Arc::new(store),
        signer,
        clock: options.clock_or_system(),
        mark: options.mark_of(dir),
    })
}

/// The private key of the ledger in `dir`.
pub(super) fn signer(
    dir: &Path,
    store: &dyn Store,
    options: &Options,
) -> Result<Arc<dyn Signer>, Error> {
    Ok(options.held(signer_of(dir, store, options)?))
}
