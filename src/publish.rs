//! Makes a ledger public: a folder of tiles, entry bundles, headers and a checkpoint
//! ([`tlog`](crate::ledger::tlog)), which any file server serves and any client of
//! transparency logs reads.
//!
//! # The order of things
//! 1. The entry that binds the log's name is durable.
//! 2. Full tiles and entry bundles are written as they fill, then those at the right
//!    edge that are not full, and all of them are synced.
//! 3. Headers, and a head over what no header seals, are added and synced.
//! 4. The checkpoint is signed, and replaced in one step. **This is the commit point.**
//! 5. Partial tiles whose full tile is durable for an hour are removed.
//!
//! Interrupted anywhere, the folder's checkpoint names what is there, and the next run
//! goes on from it. What it goes on from must be this ledger's: the root is computed
//! again out of the ledger and the folder, and compared. A folder that says something
//! else is evidence, and nothing is written over it.
//!
//! Appending knows nothing of this. The leaves come out of the epochs' tiles, so a
//! ledger of before is published as any other.

mod boxed;
#[cfg(feature = "bucket")]
mod bucket;
mod folder;
mod growth;
mod leaves;
mod names;
mod paths;
mod retired;
mod signing;

use std::io;

use thiserror::Error;

use crate::ledger::head::SignedHead;
use crate::ledger::key::{SignError, Signer};
use crate::ledger::kind;
use crate::ledger::note::{Algorithm, MlDsaSigner, Note, NoteError, SignatureFault, VerifierKey};
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::ledger::tlog::builder::{LogBuilder, TreeBuildError};
use crate::ledger::tlog::checkpoint::{CheckpointText, SignedCheckpoint, SignedCheckpointError};
use crate::ledger::tlog::name::{LogName, NameBinding, NameClosed, NameFault, Publishing};
use crate::ledger::tlog::resource::{Resource, partial};
use crate::ledger::tlog::source::TileSource;
use crate::logbook::error::{LogbookError, OpenError};
use crate::logbook::publish::PublishError;
use crate::logbook::request::{PreparedEntry, Receipt};
use crate::logbook::{Identity, Logbook, closed};
use crate::store::Store;
use crate::store::query::QueryError;
use crate::store::tree::TreeError;

pub use boxed::AnyStorage;
#[cfg(feature = "bucket")]
pub use bucket::Bucket;
pub use folder::Folder;
pub use growth::{root_before, roots_at};
pub use names::names_of;
pub use paths::paths_of;
pub use signing::unpublished;

/// Where a public log is kept: a folder here, a bucket elsewhere.
pub trait LogStorage: TileSource<Error = io::Error> + Send {
    /// Writes a tile or bundle. It need not be durable yet, but a reader sees it whole
    /// or not at all.
    fn write(&mut self, resource: Resource, bytes: &[u8]) -> io::Result<()>;

    /// Everything that was written is durable when this returns.
    fn sync(&mut self) -> io::Result<()>;

    /// Adds the headers that are missing, and a head that goes beyond them, durably.
    fn add_headers(&mut self, logbook: &Logbook) -> Result<(), PublicError>;

    /// Replaces the checkpoint, durably and in one step: the one that was read last, and
    /// no other.
    fn replace_checkpoint(&mut self, bytes: &[u8]) -> Result<(), PublicError>;

    /// Partial tiles whose full tile is durable now. They are removed an hour later, at
    /// the next call or a later one.
    fn retire(&mut self, full: &[Resource], now: Timestamp) -> io::Result<()>;
}

/// Why a ledger was not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublicError {
    #[error("{place}: {source}")]
    Io { place: String, source: io::Error },
    #[error("{place}: another process publishes there")]
    InUse { place: String },
    #[error("{place}: the checkpoint there is none: {error}")]
    Checkpoint {
        place: String,
        error: SignedCheckpointError,
    },
    #[error("{place}: the checkpoint there is not this log's: {error}")]
    Foreign {
        place: String,
        error: SignatureFault,
    },
    #[error("{place}: the checkpoint there is called {found}, and this log {name}")]
    OtherName {
        place: String,
        found: String,
        name: LogName,
    },
    #[error("{place}: {published} entries are published, and the ledger has {entries}")]
    Behind {
        place: String,
        published: u64,
        entries: u64,
    },
    #[error("{place}: the {size} entries that are published are not those of the ledger")]
    Differs { place: String, size: u64 },
    #[error("{place}: {error}")]
    Build {
        place: String,
        error: TreeBuildError,
    },
    #[error("the log has no public name yet")]
    NoName,
    #[error(transparent)]
    Name(#[from] NameFault),
    #[error("the book is closed, and its public name was never bound")]
    Closed,
    #[error("the tree of epoch {epoch} in the store does not have the root of its header")]
    Tree { epoch: u64 },
    #[error("entry {seq} is not proven under a checkpoint: {detail}")]
    Unproven { seq: Seq, detail: String },
    #[error(transparent)]
    Headers(#[from] PublishError),
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Append(#[from] LogbookError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Read(#[from] TreeError),
    #[error("the second key did not sign the checkpoint")]
    SecondKey,
    #[error(transparent)]
    Signed(#[from] SignedCheckpointError),
    #[error("the checkpoint was not signed: {0}")]
    Sign(#[from] SignError),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the checkpoint was not cosigned: {0}")]
    Cosign(CosignFailure),
}

/// A checkpoint that is to be published, before it is.
pub struct Proposed<'a, S> {
    /// Where its tiles are already.
    pub storage: &'a S,
    /// It, under the log's own signature alone.
    pub checkpoint: SignedCheckpoint,
    /// The one that is published now.
    pub before: Option<&'a SignedCheckpoint>,
    /// The log's key.
    pub key: &'a VerifierKey,
}

/// Asks witnesses: gives the note that is to be published, with what they signed, or
/// `None` if the checkpoint before is to stay.
pub type Cosign<'a, S> = dyn FnMut(Proposed<'_, S>) -> Result<Option<Note>, CosignFailure> + 'a;

/// Whatever kept witnesses from answering.
pub type CosignFailure = Box<dyn std::error::Error + Send + Sync>;

/// Publishes with the log's own signature alone.
///
/// # Errors
/// None; the type asks.
pub fn alone<S>(proposed: Proposed<'_, S>) -> Result<Option<Note>, CosignFailure> {
    Ok(Some(proposed.checkpoint.into_note()))
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Under which name.
    pub name: LogName,
    /// The checkpoint.
    pub checkpoint: CheckpointText,
    /// Entries that were not public before.
    pub added: u64,
    /// Whether a checkpoint was written.
    pub changed: bool,
}

/// A ledger's public log, in its storage.
pub struct PublicLog<S> {
    storage: S,
    place: String,
}

/// With what is published.
pub struct Publication<'a> {
    /// The ledger.
    pub logbook: &'a Logbook,
    /// Its key.
    pub signer: &'a dyn Signer,
    /// Its second key, which cosigns each checkpoint.
    pub second: Option<&'a MlDsaSigner>,
    /// What time it is.
    pub now: Timestamp,
}

impl<S: LogStorage> PublicLog<S> {
    /// `place` is for people: what messages begin with.
    pub fn new(storage: S, place: impl Into<String>) -> PublicLog<S> {
        PublicLog {
            storage,
            place: place.into(),
        }
    }

    pub const fn storage(&self) -> &S {
        &self.storage
    }

    /// Whether this is the place of the log of that name, or of none yet: asked before
    /// the name is bound.
    ///
    /// # Errors
    /// [`PublicError`] says whose it is.
    pub fn check(&self, identity: &Identity, name: &LogName) -> Result<(), PublicError> {
        self.published(name, &verifier_key(identity, name))
            .map(drop)
    }

    /// Publishes every durable entry, under the name that the log has.
    ///
    /// # Errors
    /// [`PublicError`]. The folder's checkpoint names what is there all the same.
    pub fn publish(
        &mut self,
        with: &Publication<'_>,
        cosign: &mut Cosign<'_, S>,
    ) -> Result<Published, PublicError> {
        let store = &**with.logbook.store();
        // What is published is what was durable before its name was looked up, so that no
        // checkpoint holds the end of its own name.
        let size = with.logbook.durable().seq.0.saturating_add(1);
        let names = names_of(store)?;
        let name = names.current().ok_or(PublicError::NoName)?.name.clone();
        let key = VerifierKey::new(
            name.as_key_name().clone(),
            Algorithm::Ed25519(with.signer.public_key()),
        );
        let old = self.published(&name, &key)?;
        let mut builder = self.resume(store, old.as_ref(), size)?;
        let before = builder.size();
        let storage = &mut self.storage;
        let place = &self.place;
        leaves::each(store, before..size, |data| {
            builder.push(data, |resource, bytes| {
                write(storage, place, resource, &bytes)
            })
        })?;
        for (resource, bytes) in builder.partial() {
            write(storage, place, resource, &bytes)?;
        }
        self.io(|storage| storage.sync())?;
        self.storage.add_headers(with.logbook)?;
        let checkpoint = CheckpointText {
            origin: name.to_string(),
            size,
            root: builder.root(),
            extensions: successor_line(store, &name)?,
        };
        let added = size - old.as_ref().map_or(0, |old| old.content().size);
        let mut changed = false;
        if old.as_ref().map(SignedCheckpoint::content) != Some(&checkpoint) {
            let proposed = Proposed {
                storage: &self.storage,
                checkpoint: signing::signed(&checkpoint, &name, with)?,
                before: old.as_ref(),
                key: &key,
            };
            if let Some(note) = cosign(proposed).map_err(PublicError::Cosign)? {
                let bytes = note.to_string().into_bytes();
                self.storage.replace_checkpoint(&bytes)?;
                changed = true;
            }
        }
        let edge = partial(old.map_or(0, |old| old.content().size)).into_iter();
        let now_full = |part: &Resource| changed && part.full().is_in(size);
        let full: Vec<Resource> = edge.filter(now_full).map(Resource::full).collect();
        self.io(|storage| storage.retire(&full, with.now))?;
        Ok(Published {
            name,
            checkpoint,
            added,
            changed,
        })
    }

    /// The checkpoint that is there, under this log's key and name.
    fn published(
        &self,
        name: &LogName,
        key: &VerifierKey,
    ) -> Result<Option<SignedCheckpoint>, PublicError> {
        let place = self.place.clone();
        let read = self.storage.read(Resource::Checkpoint);
        let read = read.map_err(|source| self.failed(source))?;
        let Some(bytes) = read else {
            return Ok(None);
        };
        let old = match SignedCheckpoint::parse(&bytes) {
            Ok(old) => old,
            Err(error) => return Err(PublicError::Checkpoint { place, error }),
        };
        if old.content().origin != name.as_str() {
            return Err(PublicError::OtherName {
                place,
                found: old.content().origin.clone(),
                name: name.clone(),
            });
        }
        match key.verify(old.note()) {
            Ok(_) => Ok(Some(old)),
            Err(error) => Err(PublicError::Foreign { place, error }),
        }
    }

    /// The log as it was published, at its last full bundle; what stands behind that is
    /// made again. Its root must be the checkpoint's.
    fn resume(
        &self,
        store: &dyn Store,
        old: Option<&SignedCheckpoint>,
        entries: u64,
    ) -> Result<LogBuilder, PublicError> {
        let Some(old) = old.map(SignedCheckpoint::content) else {
            return Ok(LogBuilder::new());
        };
        let place = self.place.clone();
        if old.size > entries {
            return Err(PublicError::Behind {
                place,
                published: old.size,
                entries,
            });
        }
        let mut tiles = Vec::new();
        for tile in LogBuilder::needed(old.size) {
            let bytes = self
                .storage
                .read(tile)
                .map_err(|source| self.failed(source))?;
            tiles.push(bytes);
        }
        let built = LogBuilder::resume(old.size, &tiles);
        let builder = built.map_err(|error| PublicError::Build { place, error })?;
        let mut again = builder.clone();
        leaves::each(store, builder.size()..old.size, |data| {
            let nothing = |_, _| Ok(());
            again.push(data, nothing).map_err(|error| self.built(error))
        })?;
        match again.root() == old.root {
            true => Ok(builder),
            false => Err(PublicError::Differs {
                place: self.place.clone(),
                size: old.size,
            }),
        }
    }

    fn io<T>(&mut self, work: impl FnOnce(&mut S) -> io::Result<T>) -> Result<T, PublicError> {
        work(&mut self.storage).map_err(|source| failed(&self.place, source))
    }

    fn failed(&self, source: io::Error) -> PublicError {
        failed(&self.place, source)
    }

    fn built(&self, error: TreeBuildError) -> PublicError {
        PublicError::Build {
            place: self.place.clone(),
            error,
        }
    }
}

/// The head over what no header seals yet; none if there is nothing.
fn unsealed_head(logbook: &Logbook) -> Result<Option<SignedHead>, PublicError> {
    let store = &**logbook.store();
    let sealed = store.epoch_of(logbook.durable().seq);
    match sealed.map_err(OpenError::from)? {
        Some(_) => Ok(None),
        None => Ok(Some(logbook.head()?)),
    }
}

fn write(
    storage: &mut impl LogStorage,
    place: &str,
    resource: Resource,
    bytes: &[u8],
) -> Result<(), PublicError> {
    let written = storage.write(resource, bytes);
    written.map_err(|source| failed(place, source))
}

fn failed(place: &str, source: io::Error) -> PublicError {
    PublicError::Io {
        place: place.to_owned(),
        source,
    }
}

impl From<TreeBuildError> for PublicError {
    fn from(error: TreeBuildError) -> PublicError {
        PublicError::Build {
            place: "the ledger".to_owned(),
            error,
        }
    }
}

/// The last checkpoint of a closed book names the key and the name of the next.
fn successor_line(store: &dyn Store, name: &LogName) -> Result<Vec<String>, PublicError> {
    let (Some(end), Ok(next)) = (closed(store)?, name.successor()) else {
        return Ok(Vec::new());
    };
    let key = VerifierKey::new(
        next.as_key_name().clone(),
        Algorithm::Ed25519(end.successor),
    );
    Ok(vec![format!("successor {key}")])
}

/// Binds the log's public name, if it is not bound; a policy that differs from the one
/// that stands there is recorded under the same name.
///
/// # Errors
/// [`PublicError::Name`] where the log has another name, or had this one before.
pub fn bind_name(
    logbook: &Logbook,
    name: &LogName,
    policy: Option<&str>,
) -> Result<Option<Receipt>, PublicError> {
    let mut names = names_of(&**logbook.store())?;
    let current = names.current().filter(|is| is.name == *name);
    if current.is_some_and(|is| policy.is_none() || is.policy.as_deref() == policy) {
        return Ok(None);
    }
    let named = Publishing::Named(NameBinding {
        name: name.clone(),
        policy: policy.map(str::to_owned),
    });
    names.take(named.clone())?;
    if closed(&**logbook.store())?.is_some() {
        return Err(PublicError::Closed);
    }
    record(logbook, &named).map(Some)
}

/// Ends the log's public name. It is never used again.
///
/// # Errors
/// [`PublicError::Name`] where the log does not have that name.
pub fn close_name(logbook: &Logbook, name: &LogName) -> Result<Receipt, PublicError> {
    let closed = Publishing::Closed(NameClosed {
        closed: name.clone(),
    });
    names_of(&**logbook.store())?.take(closed.clone())?;
    record(logbook, &closed)
}

fn record(logbook: &Logbook, publishing: &Publishing) -> Result<Receipt, PublicError> {
    let entry = PreparedEntry::new(kind::PUBLISH, &publishing.to_object())?;
    let receipts = logbook.submit(vec![entry])?.wait()?;
    let receipt = receipts.into_iter().next();
    Ok(receipt.ok_or(LogbookError::Stopped)?)
}

/// The key under which notes of this log are verified.
pub fn verifier_key(identity: &Identity, name: &LogName) -> VerifierKey {
    VerifierKey::new(name.as_key_name().clone(), Algorithm::Ed25519(identity.log))
}
