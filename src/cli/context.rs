//! Where the ledger, its mark and its key are, and how they are opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "rocks")]
use crate::api::held::{Elsewhere, Held, RecordedAs};
#[cfg(feature = "rocks")]
use crate::api::{Home, Writer};
use crate::api::{Ledger, Options};
use crate::ledger::key::Signer;
use crate::ledger::position::Seq;
use crate::logbook::beside;
use crate::logbook::clock::{Clock, SystemClock};
use crate::logbook::key_file::Mode;
use crate::logbook::reading::Reader;
use crate::store::StoreError;
use crate::store::readers::Readers;

use super::error::CliError;
use super::output::Output;
use super::passphrase;
use super::secrets;

/// The ledger that a command works with.
pub(super) struct Context {
    pub(super) ledger: PathBuf,
    pub(super) given: bool,
    pub(super) mark: Option<PathBuf>,
    #[cfg(feature = "rocks")]
    /// The socket of a server that holds it, where it is named.
    pub(super) socket: Option<PathBuf>,
    #[cfg(feature = "rocks")]
    /// The server elsewhere that holds it.
    pub(super) elsewhere: Option<Elsewhere>,
    /// How long a writer waits for others; `None` if nothing may be written.
    wait: Option<Duration>,
    pub(super) accepts_clock: bool,
    /// What a private key's file may have as its mode.
    pub(super) key_mode: Mode,
    /// The bucket that holds its record.
    #[cfg(feature = "bucket")]
    pub(super) bucket: super::bucket::BucketArgs,
}

impl Context {
    pub(super) fn new(ledger: PathBuf, mark: Option<PathBuf>, wait: Option<Duration>) -> Context {
        Context {
            ledger,
            given: false,
            mark,
            #[cfg(feature = "rocks")]
            socket: None,
            #[cfg(feature = "rocks")]
            elsewhere: None,
            wait,
            accepts_clock: false,
            key_mode: Mode::Owner,
            #[cfg(feature = "bucket")]
            bucket: super::bucket::BucketArgs::default(),
        }
    }

    /// How long a writer waits for others.
    pub(super) fn wait(&self) -> Result<Duration, CliError> {
        self.wait.ok_or_else(|| StoreError::ReadOnly.into())
    }

    /// Whether nothing may be written.
    pub(super) const fn is_read_only(&self) -> bool {
        self.wait.is_none()
    }

    /// Whether the ledger was named, and is not only the one in the usual place.
    pub(super) const fn is_given(&self) -> bool {
        self.given
    }

    pub(super) fn new_options(&self) -> Options {
        let options = passphrase::options()
            .key_mode(self.key_mode)
            .hold_key(|signer| secrets::lock(signer))
            .wait(self.wait.unwrap_or_default())
            .read_only(self.wait.is_none())
            .accept_clock(self.accepts_clock);
        #[cfg(feature = "bucket")]
        let options = self.bucket.apply(options);
        options
    }

    /// Opens a key of its own, whose passphrase is had as any other.
    pub(super) fn open_key(&self, path: &Path) -> Result<Arc<dyn Signer>, CliError> {
        Ok(self.new_options().open_key(path)?)
    }

    /// How it is opened: with the key that `SEALBOOK_KEY` names, if it is set.
    pub(super) fn options(&self) -> Options {
        let mut options = self.new_options();
        if let Some(path) = std::env::var_os("SEALBOOK_KEY") {
            options = options.key_file(path);
        }
        if let Some(path) = std::env::var_os("SEALBOOK_SECOND_KEY") {
            options = options.second_key_file(path);
        }
        match &self.mark {
            Some(mark) => options.mark(mark),
            None => options,
        }
    }

    #[cfg(feature = "rocks")]
    /// How one of several ledgers is opened for reading: each has a mark of its own.
    pub(super) fn book_options(&self) -> Options {
        self.new_options()
    }

    /// The ledger for reading, beside another process that writes it if there
    /// is one; then it is said as of when.
    pub(super) fn reader(&self, output: &mut Output) -> Result<Ledger, CliError> {
        let ledger = Ledger::open_read(&self.ledger, self.options())?;
        if let Some(last) = ledger.as_of()? {
            output.note(&as_of(last));
        }
        Ok(ledger)
    }

    pub(super) fn files(&self, output: &mut Output) -> Result<Reader, CliError> {
        let reader = self.options().reader(&self.ledger)?;
        if let Some(last) = reader.as_of()? {
            output.note(&as_of(last));
        }
        Ok(reader)
    }

    /// Where the ledger's key lies if nothing else was said of it.
    pub(super) fn usual_keys(&self) -> impl Iterator<Item = PathBuf> {
        let named = std::env::var_os("SEALBOOK_KEY").map(PathBuf::from);
        named.into_iter().chain([beside(&self.ledger, "key.pem")])
    }

    #[cfg(feature = "rocks")]
    /// Where the ledger is.
    fn home(&self) -> Home {
        match &self.elsewhere {
            Some(place) => Home::There(place.clone()),
            None => Home::Here {
                dir: self.ledger.clone(),
                socket: self.socket.clone(),
            },
        }
    }

    #[cfg(feature = "rocks")]
    /// The ledger for writing, or the server that holds it.
    pub(super) fn writer(&self) -> Result<Writer, CliError> {
        self.writer_as(self.options(), RecordedAs::User)
    }

    #[cfg(feature = "rocks")]
    /// The same with other options, for outcomes that are signed so.
    pub(super) fn writer_as(
        &self,
        options: Options,
        signed: RecordedAs,
    ) -> Result<Writer, CliError> {
        Ok(Writer::open(&self.home(), options, signed)?)
    }

    #[cfg(feature = "rocks")]
    /// The server that holds the ledger, for what can be read of its files, too: one
    /// of this machine that does not answer is passed over.
    pub(super) fn held(&self) -> Result<Option<Held>, CliError> {
        let held = self.home().held(&self.options(), RecordedAs::User);
        match held {
            Err(_) if self.elsewhere.is_none() => Ok(None),
            held => Ok(held?),
        }
    }

    #[cfg(feature = "rocks")]
    /// Refuses what reads the ledger's files where a server elsewhere has them.
    pub(super) fn check_files(&self) -> Result<(), CliError> {
        match &self.elsewhere {
            None => Ok(()),
            Some(_) => Err(CliError::usage(
                "with these options the command reads the ledger's files, which are elsewhere",
            )),
        }
    }

    #[cfg(feature = "rocks")]
    /// The server elsewhere that `--ledger` names, for what is otherwise read of the
    /// ledger's files.
    pub(super) fn server_elsewhere(&self) -> Result<Option<Held>, CliError> {
        match &self.elsewhere {
            None => Ok(None),
            Some(_) => self.held(),
        }
    }

    #[cfg(feature = "rocks")]
    /// Refuses what has to have the ledger to itself while a server holds it.
    pub(super) fn check_alone(&self) -> Result<(), CliError> {
        match self.held()? {
            None => Ok(()),
            Some(_) => Err(StoreError::Locked {
                dir: self.ledger.clone(),
            }
            .into()),
        }
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(match self.accepts_clock {
            true => SystemClock::accepted(),
            false => SystemClock::new(),
        })
    }
}

/// Says if everyone on this machine may read the ledger in `dir`.
pub(super) fn warn_of_readers(dir: &Path, output: &mut Output) {
    let is_ledger = dir.join("db").is_dir();
    if is_ledger && matches!(Readers::of(dir), Ok(Readers::Everyone)) {
        output.warning(&format!(
            "everyone on this machine can read {dir}: `sealbook --ledger {dir} doctor --fix` leaves it to its owner",
            dir = dir.display()
        ));
    }
}

/// What to know of an answer that was given beside a writer.
pub(super) fn as_of(last: Seq) -> String {
    format!("another process is writing the ledger: this is as of entry {last}")
}
