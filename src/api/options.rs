//! Where a ledger's key and mark are, and what a new ledger says of itself.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

#[cfg(feature = "bucket")]
use crate::bucket::Address;
use crate::ledger::key::{PublicKey, Signer, SoftwareSigner};
use crate::ledger::time::Timestamp;
use crate::ledger::version::Version;
use crate::logbook::clock::{Clock, SystemClock};
use crate::logbook::error::OpenError;
use crate::logbook::key_file::{self, KeyFile, KeyFileError, Mode};
use crate::logbook::mark::MarkFile;
use crate::logbook::reading::Reader;
use crate::record::RequestContent;
use crate::record::redacting::Redacting;
use crate::signers::{self, KeyLocation, SignerError};

use crate::store::{RocksStore, StoreError};

use super::Error;

/// What a passphrase is wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Passphrase<'a> {
    /// To open the key in this file.
    Open(&'a Path),
    /// To put a new key under it, in this file.
    New(&'a Path),
}

/// Gives passphrases; `None` where nobody can be asked. An error of the kind
/// [`io::ErrorKind::InvalidData`] says that what there is cannot be one.
pub type AskPassphrase =
    dyn Fn(Passphrase<'_>) -> io::Result<Option<Zeroizing<String>>> + Send + Sync;

/// How a ledger is made or opened. Everything has a default: key and mark lie
/// beside the ledger, as `DIR.key.pem` and `DIR.mark`.
#[derive(Clone, Default)]
pub struct Options {
    pub(super) origin: Option<String>,
    pub(super) key: Option<PathBuf>,
    pub(super) reuse_key: bool,
    pub(super) encrypt_key: bool,
    pub(super) recovery_key: Option<PublicKey>,
    pub(super) mark: Option<PathBuf>,
    pub(super) content: RequestContent,
    pub(super) redacting: Redacting,
    /// How long a writer waits for others.
    pub(super) wait: Duration,
    read_only: bool,
    accept_clock: bool,
    clock: Option<Arc<dyn Clock>>,
    ask: Option<Arc<AskPassphrase>>,
    pub(super) key_mode: Mode,
    hold: Option<fn(&dyn Signer)>,
    pub(super) group: Option<u32>,
    #[cfg(feature = "bucket")]
    pub(super) bucket: Option<Address>,
    #[cfg(feature = "bucket")]
    pub(super) bucket_head: Option<PathBuf>,
    #[cfg(feature = "bucket")]
    pub(super) bucket_witnesses: Option<PathBuf>,
    #[cfg(feature = "bucket")]
    pub(super) accept_bucket_head: bool,
    #[cfg(feature = "bucket")]
    pub(super) key_beside: bool,
    pub(super) format_version: Option<Version>,
    pub(super) post_quantum: bool,
    pub(super) second_key: Option<PathBuf>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("origin", &self.origin)
            .field("key", &self.key)
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// A new ledger of this name. The name is for people.
    pub fn new(origin: impl Into<String>) -> Options {
        Options::default().origin(origin)
    }

    /// The name of a new ledger, for people.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Options {
        self.origin = Some(origin.into());
        self
    }

    /// The file of the private key, or where else it is: see [`KeyLocation`].
    #[must_use]
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Options {
        self.key = Some(path.into());
        self
    }

    /// Who may read the file of the private key: its owner alone, unless this is said.
    #[must_use]
    pub const fn key_mode(mut self, mode: Mode) -> Options {
        self.key_mode = mode;
        self
    }

    /// Is told the private key in the place where it stays, to keep its pages in memory.
    #[must_use]
    pub const fn hold_key(mut self, hold: fn(&dyn Signer)) -> Options {
        self.hold = Some(hold);
        self
    }

    /// The members of this group read the new ledger and its mark, too, and not its key.
    #[must_use]
    pub const fn group(mut self, group: u32) -> Options {
        self.group = Some(group);
        self
    }

    /// The durable record is in this bucket, and the ledger is a cache of it.
    #[cfg(feature = "bucket")]
    #[must_use]
    pub fn bucket(mut self, bucket: Address) -> Options {
        self.bucket = Some(bucket);
        self
    }

    /// A file with a signed head that was kept: a machine that has no mark holds the bucket
    /// against it.
    #[cfg(feature = "bucket")]
    #[must_use]
    pub fn bucket_head(mut self, path: impl Into<PathBuf>) -> Options {
        self.bucket_head = Some(path.into());
        self
    }

    /// A quorum of the witnesses of this policy must have cosigned the checkpoint of
    /// [`Options::bucket_head`]; without it they are asked for theirs.
    #[cfg(feature = "bucket")]
    #[must_use]
    pub fn bucket_witnesses(mut self, path: impl Into<PathBuf>) -> Options {
        self.bucket_witnesses = Some(path.into());
        self
    }

    /// A machine that has no mark takes the head that the bucket has; an entry records it.
    #[cfg(feature = "bucket")]
    #[must_use]
    pub const fn accept_bucket_head(mut self, accept: bool) -> Options {
        self.accept_bucket_head = accept;
        self
    }

    /// The key of a new ledger in a bucket may lie beside it, and be lost with it.
    #[cfg(feature = "bucket")]
    #[must_use]
    pub const fn key_beside(mut self, beside: bool) -> Options {
        self.key_beside = beside;
        self
    }

    /// The format of a new log: of version 2, unless this is said; of a new book that of
    /// the one before. The headers of version 2 commit to an index, out of which it is
    /// proven that nothing of a case was left out. Releases up to 0.1 give no verdict on it.
    #[must_use]
    pub const fn format_version(mut self, version: Version) -> Options {
        self.format_version = Some(version);
        self
    }

    /// Whether the headers of a new log commit to an index.
    pub(super) fn has_index(&self) -> bool {
        self.format_version.unwrap_or_default() == Version::Two
    }

    /// The new log has a second key, of ML-DSA-44, under which its checkpoints stand
    /// besides. Releases that do not know it give no verdict.
    #[must_use]
    pub const fn post_quantum(mut self, post_quantum: bool) -> Options {
        self.post_quantum = post_quantum;
        self
    }

    /// The file of the second key: `DIR.key.ml-dsa.pem` beside the ledger, unless this is
    /// said.
    #[must_use]
    pub fn second_key_file(mut self, path: impl Into<PathBuf>) -> Options {
        self.second_key = Some(path.into());
        self
    }

    /// Begins the ledger with the key that the file already holds.
    #[must_use]
    pub const fn reuse_key(mut self, reuse: bool) -> Options {
        self.reuse_key = reuse;
        self
    }

    /// Puts a new key under a passphrase.
    #[must_use]
    pub const fn encrypt_key(mut self, encrypt: bool) -> Options {
        self.encrypt_key = encrypt;
        self
    }

    /// The key that may one day revoke the new log's.
    #[must_use]
    pub const fn recovery_key(mut self, key: PublicKey) -> Options {
        self.recovery_key = Some(key);
        self
    }

    /// The file of the high-water mark.
    #[must_use]
    pub fn mark(mut self, path: impl Into<PathBuf>) -> Options {
        self.mark = Some(path.into());
        self
    }

    /// So much is recorded of the content of every request that is decided.
    #[must_use]
    pub const fn record_request(mut self, content: RequestContent) -> Options {
        self.content = content;
        self
    }

    /// What is taken out of all that is recorded.
    #[must_use]
    pub fn redacting(mut self, redacting: Redacting) -> Options {
        self.redacting = redacting;
        self
    }

    /// How long a writer waits for another one to let go of the ledger: not at all,
    /// unless this is said.
    #[must_use]
    pub const fn wait(mut self, wait: Duration) -> Options {
        self.wait = wait;
        self
    }

    /// Refuses everything that would write.
    #[must_use]
    pub const fn read_only(mut self, read_only: bool) -> Options {
        self.read_only = read_only;
        self
    }

    /// Takes the system's clock as right, however far it is from the log's time.
    #[must_use]
    pub const fn accept_clock(mut self, accept: bool) -> Options {
        self.accept_clock = accept;
        self
    }

    /// What time it is, instead of the system's clocks.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Options {
        self.clock = Some(clock);
        self
    }

    /// Who gives passphrases. Without this a key under one is
    /// [`KeyFileError::Locked`].
    #[must_use]
    pub fn passphrases(
        mut self,
        ask: impl Fn(Passphrase<'_>) -> io::Result<Option<Zeroizing<String>>> + Send + Sync + 'static,
    ) -> Options {
        self.ask = Some(Arc::new(ask));
        self
    }

    /// Opens a private key: a file, with its passphrase if it is under one, an agent's
    /// (`agent:SOCKET`), or a token's (`pkcs11:…`), whose PIN is asked for as a
    /// passphrase is.
    pub fn open_key(&self, path: &Path) -> Result<Arc<dyn Signer>, Error> {
        match KeyLocation::of(path).map_err(SignerError::from)? {
            KeyLocation::File(path) => Ok(Arc::new(self.open_file(&path)?)),
            KeyLocation::Agent(socket) => Ok(Arc::new(signers::open_agent(&socket)?)),
            #[cfg(feature = "pkcs11")]
            KeyLocation::Token(uri) => {
                let pin = || self.ask(Passphrase::Open(path)).ok().flatten();
                Ok(Arc::new(signers::open_token(&uri, &pin)?))
            }
            #[cfg(not(feature = "pkcs11"))]
            KeyLocation::Token(_) => Err(SignerError::NoTokens.into()),
        }
    }

    fn open_file(&self, path: &Path) -> Result<SoftwareSigner, Error> {
        match key_file::read(path, self.key_mode)? {
            KeyFile::Open(signer) => Ok(*signer),
            KeyFile::Locked(key) => {
                let locked = || KeyFileError::Locked {
                    path: path.to_owned(),
                };
                let passphrase = self.ask(Passphrase::Open(path))?.ok_or_else(locked)?;
                Ok(key.unlock(passphrase.as_bytes())?)
            }
        }
    }

    /// The key of a ledger that is begun: made, under a passphrase or not, or one
    /// that is there already, as that of an agent or a token always is.
    pub(super) fn begin_key(&self, path: &Path) -> Result<Arc<dyn Signer>, Error> {
        let outside = KeyLocation::is_outside(path);
        if outside && self.encrypt_key {
            return Err(SignerError::MadeElsewhere.into());
        }
        if self.reuse_key || outside {
            return self.open_key(path);
        }
        if !self.encrypt_key {
            return Ok(Arc::new(key_file::create(path)?));
        }
        let passphrase = self.ask(Passphrase::New(path))?;
        let passphrase = passphrase.ok_or(Error::NoPassphrase)?;
        Ok(Arc::new(key_file::create_locked(
            path,
            passphrase.as_bytes(),
        )?))
    }

    /// The private key in its place.
    pub(super) fn held(&self, signer: Arc<dyn Signer>) -> Arc<dyn Signer> {
        if let Some(hold) = self.hold {
            hold(&*signer);
        }
        signer
    }

    pub(super) fn ask(&self, what: Passphrase<'_>) -> Result<Option<Zeroizing<String>>, Error> {
        match &self.ask {
            Some(ask) => ask(what).map_err(Error::Passphrase),
            None => Ok(None),
        }
    }

    /// Refuses to write where nothing may be written.
    pub(super) fn check_writes(&self) -> Result<(), Error> {
        match self.read_only {
            true => Err(StoreError::ReadOnly.into()),
            false => Ok(()),
        }
    }

    /// The mark of the ledger in `dir`.
    /// Opens the ledger in `dir` for reading; what it let go of is read from its bucket.
    pub(crate) fn reader(&self, dir: &Path) -> Result<Reader, OpenError> {
        self.attached(Reader::open(dir, &self.mark_of(dir))?)
    }

    /// Lets a reader read what its ledger let go of.
    pub(crate) fn attached(&self, reader: Reader) -> Result<Reader, OpenError> {
        self.attach(&reader.store)?;
        Ok(reader)
    }

    pub(crate) fn attach(&self, store: &RocksStore) -> Result<(), StoreError> {
        #[cfg(feature = "bucket")]
        crate::bucket::attach(store, self.bucket.as_ref())?;
        let _ = store;
        Ok(())
    }

    pub(crate) fn mark_of(&self, dir: &Path) -> MarkFile {
        let mark = match &self.mark {
            Some(path) => MarkFile::at(path.clone()),
            None => MarkFile::beside(dir),
        };
        #[cfg(feature = "bucket")]
        if self.bucket.is_some() {
            return mark.of_several();
        }
        mark
    }

    pub(super) fn clock_or_system(&self) -> Arc<dyn Clock> {
        match (&self.clock, self.accept_clock) {
            (Some(clock), _) => Arc::clone(clock),
            (None, true) => Arc::new(SystemClock::accepted()),
            (None, false) => Arc::new(SystemClock::new()),
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock_or_system().wall()
    }
}
