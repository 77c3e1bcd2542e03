//! What takes entries: this process, with the ledger open, or a server that
//! holds it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::files::read_within;
use crate::ledger::limits;
use crate::logbook::error::{OpenError, ServerRefusal};
use crate::logbook::mark::Mark;
use crate::logbook::request::{Pending, PreparedEntry, Receipt};
use crate::logbook::{Identity, beside};
use crate::record::{Outcome, Recorder};
use crate::store::StoreError;

use super::held::{Elsewhere, Held, RecordedAs};
use super::{Error, Ledger, Options};

/// How long the lock is waited for before the socket is looked at again.
const SLICE: Duration = Duration::from_millis(100);

/// Takes entries, wherever the ledger is.
pub enum Writer {
    /// This process has the ledger open.
    Own(Box<Ledger>),
    /// A server has it.
    Held(HeldWriter),
}

/// A ledger that a server holds, for writing.
pub struct HeldWriter {
    held: Held,
    recorder: Arc<Recorder>,
}

/// Where a ledger is.
#[derive(Clone, Debug)]
pub enum Home {
    /// A folder of this machine, and the socket of the server that holds it.
    Here {
        /// The ledger's directory.
        dir: PathBuf,
        /// The socket; beside the ledger, as `DIR.sock`, unless it is said.
        socket: Option<PathBuf>,
    },
    /// A server elsewhere.
    There(Elsewhere),
}

/// The socket of the server that holds the ledger in `dir`, unless another is named.
#[must_use]
pub fn socket_of(dir: &Path) -> PathBuf {
    beside(dir, "sock")
}

impl Home {
    /// The server that holds the ledger, if one does.
    ///
    /// # Errors
    /// [`Error::Append`].
    pub fn held(&self, options: &Options, signed: RecordedAs) -> Result<Option<Held>, Error> {
        match self {
            Home::There(place) => Ok(Some(Held::elsewhere(place, options.wait)?)),
            Home::Here { dir, socket } => {
                let path = socket.clone().unwrap_or_else(|| socket_of(dir));
                let owner = std::fs::metadata(dir).ok().map(|found| found.uid());
                let Some(held) = Held::at_socket(&path, owner, signed, options.wait)? else {
                    return Ok(None);
                };
                check_log(&held, dir, &path, options)?;
                Ok(Some(held))
            }
        }
    }
}

impl HeldWriter {
    /// The server.
    #[must_use]
    pub const fn server(&self) -> &Held {
        &self.held
    }
}

impl Writer {
    /// Opens the ledger for writing, or reaches the server that holds it; waits for
    /// other writers as `options` say.
    ///
    /// # Errors
    /// [`Error`]; nothing was written then.
    pub fn open(home: &Home, options: Options, signed: RecordedAs) -> Result<Writer, Error> {
        options.check_writes()?;
        let end = Instant::now() + options.wait;
        loop {
            // A file that somebody else put there does not keep the owner out, if
            // nobody holds the ledger.
            let reached = match home.held(&options, signed) {
                Ok(Some(held)) => return Ok(Writer::held(held, &options)),
                Ok(None) => None,
                Err(error) => Some(error),
            };
            let Home::Here { dir, .. } = home else {
                return Err(reached.unwrap_or(Error::ReadOnly));
            };
            let left = end.saturating_duration_since(Instant::now());
            let slice = if reached.is_some() {
                Duration::ZERO
            } else {
                left.min(SLICE)
            };
            match Ledger::open(dir, options.clone().wait(slice)) {
                // What keeps this user out, too, the server's socket says better.
                Err(error) if is_not_permitted(&error) => return Err(reached.unwrap_or(error)),
                Err(error) if is_locked(&error) => {
                    if let Some(error) = reached {
                        return Err(error);
                    }
                    if left.is_zero() {
                        return Err(error);
                    }
                }
                opened => return opened.map(|ledger| Writer::Own(Box::new(ledger))),
            }
        }
    }

    fn held(held: Held, options: &Options) -> Writer {
        let recorder = Recorder::held(held.outlet()).with_content(options.content);
        let recorder = recorder.with_redacting(options.redacting.clone());
        Writer::Held(HeldWriter {
            held,
            recorder: Arc::new(recorder),
        })
    }

    /// The server that holds the ledger, if this process does not.
    #[must_use]
    pub const fn server(&self) -> Option<&Held> {
        match self {
            Writer::Own(_) => None,
            Writer::Held(writer) => Some(&writer.held),
        }
    }

    /// Whose log it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        match self {
            Writer::Own(ledger) => ledger.identity(),
            Writer::Held(writer) => writer.held.identity(),
        }
    }

    /// Hands over entries, to be waited for later.
    ///
    /// # Errors
    /// [`Error::Append`].
    pub fn submit(&self, entries: Vec<PreparedEntry>) -> Result<Pending, Error> {
        Ok(match self {
            Writer::Own(ledger) => ledger.logbook()?.submit(entries)?,
            Writer::Held(writer) => writer.held.submit(entries)?,
        })
    }

    /// What records outcomes.
    ///
    /// # Errors
    /// [`Error::Append`] where the server wants to see the evidence instead.
    pub fn recorder(&self) -> Result<&Arc<Recorder>, Error> {
        match self {
            Writer::Own(ledger) => ledger.recorder(),
            Writer::Held(writer) if writer.held.takes_outcomes() => Ok(&writer.recorder),
            Writer::Held(_) => Err(Error::from(ServerRefusal {
                code: "evidence_needed",
                detail: "the server records what it judges itself, and not what this command found"
                    .to_owned(),
            })),
        }
    }

    /// Records an outcome, and answers when its entry is durable.
    ///
    /// # Errors
    /// [`Error::Record`]; then it is not recorded.
    pub fn record(&self, outcome: &Outcome) -> Result<Receipt, Error> {
        Ok(self.recorder()?.record(outcome)?)
    }

    /// Waits for what is under way, and lets go of the ledger.
    ///
    /// # Errors
    /// [`Error::Append`].
    pub fn close(self) -> Result<(), Error> {
        match self {
            Writer::Own(ledger) => ledger.close(),
            Writer::Held(writer) => {
                drop(writer.recorder);
                writer.held.close();
                Ok(())
            }
        }
    }
}

/// Refuses a server of another ledger, as far as this one's mark can be read.
fn check_log(held: &Held, dir: &Path, socket: &Path, options: &Options) -> Result<(), Error> {
    let mark = read_within(options.mark_of(dir).path(), limits::SMALL_FILE_BYTES).ok();
    let Some(mark) = mark.as_deref().and_then(Mark::parse) else {
        return Ok(());
    };
    let own = &mark.head.content;
    let identity = held.identity();
    match (own.log, own.genesis) == (identity.log, identity.genesis) {
        true => Ok(()),
        false => Err(Error::from(ServerRefusal {
            code: "log_key_mismatch",
            detail: format!(
                "{} is the socket of another ledger's server",
                socket.display()
            ),
        })),
    }
}

fn is_locked(error: &Error) -> bool {
    matches!(
        error,
        Error::Open(OpenError::Store(StoreError::Locked { .. }))
    )
}

fn is_not_permitted(error: &Error) -> bool {
    matches!(
        error,
        Error::Open(OpenError::Store(StoreError::NotPermitted { .. }))
    )
}
