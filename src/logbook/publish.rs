//! The published file: every sealed header, and heads between them, where a
//! third party reads them ([`published`](crate::ledger::published)).
//!
//! # What holds after a crash
//! Headers are published after they were sealed, so a crash between the two
//! leaves the file behind, never ahead: the next publication begins with what
//! is missing. A line that was being written when the machine stopped is cut
//! off and written again. Lines are synced before they count as published.
//!
//! The file is append-only. If it says of an epoch what the ledger does not, it
//! is evidence, and nothing is written over it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ledger::head::SignedHead;
use crate::ledger::key::PublicKey;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::opening::Opening;
use crate::ledger::position::{EpochNumber, Seq};
use crate::ledger::published::Published;
use crate::store::Store;

use super::error::OpenError;
use super::{Identity, epoch_at};

/// Bytes that are written together.
const WRITE_BYTES: usize = 1 << 20;

/// A published file, held for appending. Another process cannot hold it at the
/// same time.
#[derive(Debug)]
pub struct PublishFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    next: EpochNumber,
    reaches: Option<Seq>,
}

/// What was added to a published file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub epochs: u64,
    pub heads: u64,
}

#[derive(Debug, Error)]
pub enum PublishError {
    #[error("published file {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("published file {}: another process is writing it", path.display())]
    InUse { path: PathBuf },
    #[error("published file {}: line {line} is neither an epoch header nor a head", path.display())]
    NotPublished { path: PathBuf, line: u64 },
    #[error("published file {}: line {line} is of another log", path.display())]
    OtherLog {
        path: PathBuf,
        line: u64,
        log: PublicKey,
    },
    #[error("published file {}: epoch {epoch} was published otherwise than the ledger has it", path.display())]
    Differs { path: PathBuf, epoch: EpochNumber },
    #[error(transparent)]
    Ledger(#[from] OpenError),
}

/// `FILE.` and the beginning of a log's key.
fn of_log(path: &Path, log: &PublicKey) -> PathBuf {
    let key = log.to_string();
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(key.get(..16).unwrap_or(&key));
    PathBuf::from(name)
}

/// Whether the ledger continues the book `log`, or one that has a file beside
/// that of `log`.
fn continues(store: &dyn Store, log: PublicKey, path: &Path) -> bool {
    let first = super::entry_at(store, Seq::FIRST).ok();
    let payload = first.and_then(|entry| entry.check_payload().ok());
    let opening = payload.and_then(|payload| Opening::from_object(&payload).ok());
    opening
        .and_then(|opening| opening.predecessor)
        .is_some_and(|before| before.log == log || of_log(path, &before.log).exists())
}

impl PublishFile {
    /// Opens the published file of a ledger, or makes it, and repairs its end.
    ///
    /// # Errors
    /// [`PublishError`]; a file that is not this ledger's is left as it is.
    pub fn open(
        path: &Path,
        store: &dyn Store,
        identity: Identity,
    ) -> Result<PublishFile, PublishError> {
        match PublishFile::open_this(path, store, identity) {
            // What the book before published stays as it is: this one has a file of
            // its own beside it.
            Err(PublishError::OtherLog { log, .. }) if continues(store, log, path) => {
                let own = of_log(path, &identity.log);
                PublishFile::open_this(&own, store, identity)
            }
            opened => opened,
        }
    }

    /// Where it is: beside the file that was named, if that is an earlier book's.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_this(
        path: &Path,
        store: &dyn Store,
        identity: Identity,
    ) -> Result<PublishFile, PublishError> {
        let (file, is_new) = open_file(path)?;
        let mut published = PublishFile {
            path: path.to_owned(),
            file,
            identity,
            next: EpochNumber::FIRST,
            reaches: None,
        };
        published.lock()?;
        if is_new {
            let made = sync_folder(path);
            made.map_err(|source| published.io(source))?;
        }
        published.read(store)?;
        Ok(published)
    }

    /// Adds every sealed header that is missing, then `head`, if it goes beyond
    /// what is published, and syncs.
    ///
    /// # Errors
    /// [`PublishError`]. Lines that were written nevertheless are found, or cut
    /// off, when the file is opened next.
    pub fn publish(
        &mut self,
        store: &dyn Store,
        head: Option<&SignedHead>,
    ) -> Result<Added, PublishError> {
        let mut added = Added::default();
        let mut lines = Vec::new();
        let (mut next, mut reaches) = (self.next, self.reaches);
        let last = store.last_epoch().map_err(OpenError::from)?;
        let end = last.map_or(0, |last| last.0.saturating_add(1));
        for number in (next.0..end).map(EpochNumber) {
            let epoch = epoch_at(store, number)?;
            reaches = reaches.max(Some(epoch.content.last_seq));
            lines.extend(Published::Epoch(epoch).to_line());
            next = EpochNumber(number.0.saturating_add(1));
            added.epochs += 1;
            if lines.len() >= WRITE_BYTES {
                self.write(&lines)?;
                lines.clear();
            }
        }
        if let Some(head) = head.filter(|head| reaches < Some(head.content.seq)) {
            reaches = Some(head.content.seq);
            lines.extend(Published::Head(head.clone()).to_line());
            added.heads += 1;
        }
        self.write(&lines)?;
        if added != Added::default() {
            self.file.sync_all().map_err(|source| self.io(source))?;
        }
        (self.next, self.reaches) = (next, reaches);
        Ok(added)
    }

    fn write(&self, lines: &[u8]) -> Result<(), PublishError> {
        let mut file = &self.file;
        file.write_all(lines).map_err(|source| self.io(source))
    }

    fn lock(&self) -> Result<(), PublishError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(PublishError::InUse {
                path: self.path.clone(),
            }),
            Err(TryLockError::Error(source)) => Err(self.io(source)),
        }
    }

    /// Reads what is published, and cuts off a line that was not finished.
    fn read(&mut self, store: &dyn Store) -> Result<(), PublishError> {
        let copy = self.file.try_clone().map_err(|source| self.io(source))?;
        let mut reader = BufReader::new(copy);
        let (mut number, mut whole) = (0_u64, 0_u64);
        loop {
            let line = read_line(&mut reader).map_err(|source| self.io(source))?;
            number += 1;
            match line {
                None => return Ok(()),
                Some(Line::Whole { bytes, ended: true }) => {
                    self.take(&bytes, number, store)?;
                    whole += bytes.len() as u64 + 1;
                }
                Some(Line::Whole { bytes, .. }) if is_begun(&bytes) => {
                    let cut = self.file.set_len(whole);
                    let cut = cut.and_then(|()| self.file.seek(SeekFrom::End(0)));
                    return cut.map(|_| ()).map_err(|source| self.io(source));
                }
                Some(_) => return Err(self.not_published(number)),
            }
        }
    }

    fn take(&mut self, line: &[u8], number: u64, store: &dyn Store) -> Result<(), PublishError> {
        let Ok(published) = Published::from_line(line) else {
            return Err(self.not_published(number));
        };
        if published.log() != (self.identity.log, self.identity.genesis) {
            return Err(PublishError::OtherLog {
                path: self.path.clone(),
                line: number,
                log: published.log().0,
            });
        }
        let seq = published.seq();
        if let Published::Epoch(epoch) = published {
            let number = epoch.content.epoch;
            // A ledger that does not have it was put back to an older state.
            let own = match store.epoch(number).map_err(OpenError::from)? {
                Some(_) => Some(epoch_at(store, number)?),
                None => None,
            };
            if own.is_none_or(|own| own != epoch) {
                let path = self.path.clone();
                return Err(PublishError::Differs {
                    path,
                    epoch: number,
                });
            }
            let next = EpochNumber(number.0.saturating_add(1));
            self.next = self.next.max(next);
        }
        self.reaches = self.reaches.max(Some(seq));
        Ok(())
    }

    fn not_published(&self, line: u64) -> PublishError {
        PublishError::NotPublished {
            path: self.path.clone(),
            line,
        }
    }

    fn io(&self, source: io::Error) -> PublishError {
        PublishError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// Whether bytes are the beginning of a line of ours. What is not, is not ours
/// to cut off.
fn is_begun(bytes: &[u8]) -> bool {
    let begins = |start: &[u8]| start.starts_with(bytes) || bytes.starts_with(start);
    begins(b"{\"epoch\":{") || begins(b"{\"head\":{")
}

/// Opens a regular file for appending, and says whether it is new.
fn open_file(path: &Path) -> Result<(File, bool), PublishError> {
    let failed = |source| PublishError::Io {
        path: path.to_owned(),
        source,
    };
    // A pipe or a folder is refused before it is opened: opening a pipe waits.
    let is_new = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let path = path.to_owned();
            return Err(PublishError::NotPublished { path, line: 1 });
        }
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(failed(error)),
    };
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    Ok((options.open(path).map_err(failed)?, is_new))
}

/// A new file is there after a power cut only if its folder was synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}
