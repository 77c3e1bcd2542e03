//! The high-water mark: a signed head in a file outside of the database, so
//! that a database put back to an older state is noticed (SPEC §3).
//!
//! What makes it dependable after a crash is the order in which the committer
//! works:
//!
//! 1. Before a batch is committed, the mark was stated at most a second before
//!    the batch's last `ts` (else it is stated again first). So a crash after
//!    the commit never leaves a mark more than 5 s behind.
//! 2. Before an epoch is sealed, the mark names its last entry. So a crash
//!    after the sealing never leaves a mark behind a sealed epoch.
//! 3. The mark never names an entry that was not synced before.
//! 4. While a rollback is being accepted, the mark stays what it is until the
//!    entry that records it is committed, whatever must be sealed before.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::fault::{Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::json::{Form, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::limits;
use crate::ledger::parse;
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;
use crate::ledger::time::Timestamp;
use crate::store::readers::Readers;

use super::Identity;

/// How far the mark may lie behind the last entry, in microseconds.
const STALE_MICROS: i64 = 5_000_000;

/// The member of the mark that has the last header.
const SEALED: &str = "sealed";

/// The file of a ledger's mark.
#[derive(Clone, Debug)]
pub struct MarkFile {
    path: PathBuf,
    /// Where it is kept instead of in a file.
    memory: Option<Arc<Mutex<Vec<u8>>>>,
    /// What it said when it was looked at, if that is what counts.
    seen: Option<MarkState>,
    /// What it said when it was looked at again, after the database.
    again: Option<MarkState>,
    /// Other machines write the log, too.
    of_several: bool,
}

/// What there is in a mark's place.
#[derive(Clone, Debug)]
enum MarkState {
    Nothing,
    NoMark,
    Text(Vec<u8>),
}

/// What a database says of itself, to hold a mark against.
#[derive(Clone, Debug)]
pub struct LogExtent {
    pub log: PublicKey,
    /// The hash of entry 0.
    pub genesis: Hash,
    pub last_seq: Seq,
    pub last_ts: Timestamp,
    pub sealed: Option<EpochHeader>,
}

/// What the file says: a signed head, and beside it, as the member `sealed` once
/// there is one, the signed header of the last epoch. The head alone would not
/// notice that a seal was lost without its entries, and the same epoch would be
/// sealed again otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub head: SignedHead,
    pub sealed: Option<SignedEpoch>,
}

/// What is wrong with a mark, or with the database beside it.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MarkFault {
    #[error("there is no high-water mark at {}", path.display())]
    Missing { path: PathBuf },
    #[error("the high-water mark at {} {problem}", path.display())]
    Invalid { path: PathBuf, problem: MarkProblem },
    #[error("the high-water mark names entry {}, the database goes on to {last_seq}", head.content.seq)]
    Stale {
        head: Box<SignedHead>,
        last_seq: Seq,
    },
    #[error("the log once held entry {} with hash {}, the database does not", head.content.seq, head.content.hash)]
    Rollback {
        head: Box<SignedHead>,
        last_seq: Seq,
    },
    /// The log once had an epoch sealed that the database does not have, or
    /// has another one in its place.
    #[error("the log once had sealed epoch {} with root {}, the database has not", epoch.content.epoch, epoch.content.root)]
    SealLost { epoch: Box<SignedEpoch> },
}

/// Why a file is not a mark of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MarkProblem {
    #[error("is not a head statement")]
    Unreadable,
    #[error("has a signature that is not its log's")]
    Signature,
    #[error("is that of another log")]
    OtherLog,
}

impl MarkFault {
    pub fn to_fault(&self) -> Fault {
        let code = self.code();
        let fault = Fault::of_file(code, self.to_string());
        match self {
            MarkFault::Missing { .. } | MarkFault::Invalid { .. } => fault,
            MarkFault::SealLost { epoch } => fault.with_seq(Some(epoch.content.last_seq.0)),
            MarkFault::Stale { head, last_seq } | MarkFault::Rollback { head, last_seq } => fault
                .with_seq(Some(head.content.seq.0))
                .compared(head.content.seq, last_seq),
        }
    }

    pub const fn code(&self) -> FaultCode {
        match self {
            MarkFault::Missing { .. } => FaultCode::MarkMissing,
            MarkFault::Invalid { .. } => FaultCode::MarkInvalid,
            MarkFault::Stale { .. } => FaultCode::MarkStale,
            MarkFault::Rollback { .. } | MarkFault::SealLost { .. } => FaultCode::RollbackDetected,
        }
    }

    /// The signed statement that was lost or left behind, if the mark has one.
    pub fn lost(&self) -> Option<Value> {
        match self {
            MarkFault::Missing { .. } | MarkFault::Invalid { .. } => None,
            MarkFault::Stale { head, .. } | MarkFault::Rollback { head, .. } => {
                Some(head.to_value())
            }
            MarkFault::SealLost { epoch } => Some(epoch.to_value()),
        }
    }
}

impl MarkFile {
    /// The mark at `path`, which need not exist.
    pub fn at(path: PathBuf) -> MarkFile {
        MarkFile {
            path,
            memory: None,
            seen: None,
            again: None,
            of_several: false,
        }
    }

    /// A mark that is gone when its ledger is, for a ledger in memory.
    pub fn in_memory(mark: &Mark) -> MarkFile {
        let memory = Mutex::new(mark.to_text());
        MarkFile {
            memory: Some(Arc::new(memory)),
            ..MarkFile::at(PathBuf::from("memory"))
        }
    }

    /// The mark beside a ledger: `DIR.mark`.
    pub fn beside(ledger: &Path) -> MarkFile {
        MarkFile::at(crate::logbook::beside(ledger, "mark"))
    }

    /// The mark of a log that other machines go on with: however far it is behind, it says
    /// nothing against the log.
    #[must_use]
    pub fn of_several(self) -> MarkFile {
        MarkFile {
            of_several: true,
            ..self
        }
    }

    /// Whether other machines write the log, too.
    #[must_use]
    pub const fn is_of_several(&self) -> bool {
        self.of_several
    }

    /// Whether there is anything in its place.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.memory.is_some() || self.path.symlink_metadata().is_ok()
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mark as it is now, whatever is written later.
    pub fn as_of_now(&self) -> io::Result<MarkFile> {
        Ok(MarkFile {
            seen: Some(self.look()?),
            again: None,
            ..self.clone()
        })
    }

    /// This mark as it was seen, and beside it what it says now: for a database
    /// that was looked at in between, and is being written. What the first names
    /// must be in the database; the second must not be stale beside it, and may
    /// name what came after.
    pub fn seen_again(self) -> io::Result<MarkFile> {
        Ok(MarkFile {
            again: Some(self.look()?),
            ..self
        })
    }

    fn look(&self) -> io::Result<MarkState> {
        if let Some(memory) = &self.memory {
            let text = memory.lock().unwrap_or_else(PoisonError::into_inner);
            return Ok(MarkState::Text(text.clone()));
        }
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(MarkState::Nothing),
            Ok(metadata)
                if !metadata.is_file() || metadata.len() > limits::SMALL_FILE_BYTES as u64 =>
            {
                Ok(MarkState::NoMark)
            }
            _ => fs::read(&self.path).map(MarkState::Text),
        }
    }

    /// What lies in its place and is worth more than a mark that is broken: the next
    /// mark would replace it. Where somebody `named` the place, that is everything
    /// but a mark of this log, and an empty file.
    #[must_use]
    pub fn holds_other(&self, own: &Identity, named: bool) -> Option<&'static str> {
        let text = match self.look() {
            Ok(MarkState::Text(text)) => text,
            Ok(MarkState::NoMark) if named => return Some("no mark"),
            _ => return None,
        };
        if memchr::memmem::find(&text, b"-----BEGIN ").is_some() {
            return Some("a key");
        }
        match Mark::parse(&text) {
            _ if !named || text.is_empty() => None,
            None => Some("no mark"),
            Some(mark) => {
                let of = (mark.head.content.log, mark.head.content.genesis);
                let other = mark.verify() && of != (own.log, own.genesis);
                other.then_some("the mark of another log")
            }
        }
    }

    /// Replaces the mark: after this returns, either the old or the new one is
    /// there whatever happens, and the new one is on the disk.
    ///
    /// # Errors
    /// What the file system answers; then the old one may still be there.
    pub fn write(&self, mark: &Mark) -> io::Result<()> {
        let text = mark.to_text();
        if let Some(memory) = &self.memory {
            *memory.lock().unwrap_or_else(PoisonError::into_inner) = text;
            return Ok(());
        }
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let temporary = self.temporary().ok_or(io::ErrorKind::InvalidInput)?;
        let readers = self.readers();
        let written = write_new(&temporary, &text);
        // Who has left the group keeps the mark alone; entries go on.
        if let Readers::Group(_) = readers {
            let _ = readers.restrict_file(&temporary);
        }
        if let Err(error) = written.and_then(|()| fs::rename(&temporary, &self.path)) {
            // The first error is the one to tell.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        File::open(folder)?.sync_all()
    }

    /// The key of the log that the mark knows nothing of but its first entry, if it signed
    /// it: nothing can be lost with such a mark.
    pub fn only_opening_of(&self) -> Option<PublicKey> {
        let MarkState::Text(bytes) = self.look().ok()? else {
            return None;
        };
        let mark = Mark::parse(&bytes)?;
        let only = mark.head.content.seq == Seq::FIRST && mark.sealed.is_none();
        (only && mark.verify()).then_some(mark.head.content.log)
    }

    /// Who may read the mark that is replaced; the owner alone may the first one.
    fn readers(&self) -> Readers {
        match Readers::of(&self.path) {
            Ok(Readers::Group(group)) => Readers::Group(group),
            _ => Readers::Owner,
        }
    }

    /// Where the next mark is written before it takes its place: always the
    /// same name, so that crashes leave one such file and not many.
    fn temporary(&self) -> Option<PathBuf> {
        let mut name = OsString::from(".");
        name.push(self.path.file_name()?);
        name.push(".new");
        Some(self.path.with_file_name(name))
    }

    /// Reads the mark and holds it against the database. `hash_at` gives the
    /// hash of an entry of the database.
    ///
    /// # Errors
    /// The outer error is a failure to read; the inner one is the verdict.
    pub fn judge<E>(
        &self,
        extent: &LogExtent,
        hash_at: impl FnOnce(Seq) -> Result<Option<Hash>, E>,
    ) -> Result<Result<Mark, MarkFault>, E>
    where
        E: From<io::Error>,
    {
        let seen = match &self.seen {
            Some(seen) => seen.clone(),
            None => self.look()?,
        };
        let mark = match self.read(&seen, extent) {
            Ok(mark) => mark,
            Err(fault) => return Ok(Err(fault)),
        };
        let head = &mark.head;
        let last_seq = extent.last_seq;
        let held =
            head.content.seq <= last_seq && hash_at(head.content.seq)? == Some(head.content.hash);
        if !held {
            let head = Box::new(mark.head);
            return Ok(Err(MarkFault::Rollback { head, last_seq }));
        }
        let sealed = extent.sealed.as_ref();
        if let Some(epoch) = mark
            .sealed
            .as_ref()
            .filter(|e| !is_held(&e.content, sealed))
        {
            let epoch = Box::new(epoch.clone());
            return Ok(Err(MarkFault::SealLost { epoch }));
        }
        if !self.of_several && extent.outran(&mark) && !self.caught_up(extent) {
            let head = Box::new(mark.head);
            return Ok(Err(MarkFault::Stale { head, last_seq }));
        }
        Ok(Ok(mark))
    }

    /// Whether the mark was seen again, and no longer behind.
    fn caught_up(&self, extent: &LogExtent) -> bool {
        self.again
            .as_ref()
            .and_then(|seen| self.read(seen, extent).ok())
            .is_some_and(|mark| !extent.outran(&mark))
    }

    /// The mark in what was seen, if it is one of this log.
    fn read(&self, seen: &MarkState, extent: &LogExtent) -> Result<Mark, MarkFault> {
        let path = self.path.clone();
        let invalid = |problem| MarkFault::Invalid {
            path: self.path.clone(),
            problem,
        };
        let bytes = match seen {
            MarkState::Nothing => return Err(MarkFault::Missing { path }),
            MarkState::NoMark => return Err(invalid(MarkProblem::Unreadable)),
            MarkState::Text(bytes) => bytes,
        };
        let mark = Mark::parse(bytes).ok_or_else(|| invalid(MarkProblem::Unreadable))?;
        if !mark.verify() {
            return Err(invalid(MarkProblem::Signature));
        }
        if !mark.is_of(extent) {
            return Err(invalid(MarkProblem::OtherLog));
        }
        Ok(mark)
    }
}

impl LogExtent {
    /// Whether the database went further than a writer that lives leaves `mark`
    /// behind: past a seal, or by time.
    fn outran(&self, mark: &Mark) -> bool {
        let head = &mark.head.content;
        let sealed = self.sealed.as_ref();
        let behind_seal = sealed.is_some_and(|header| head.seq < header.last_seq);
        let behind = head.seq < self.last_seq && self.last_ts.micros_since(head.ts) > STALE_MICROS;
        behind_seal || behind
    }
}

/// Writes a file that only its owner reads, in the place of one that a crash
/// left, and syncs it.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // `create_new` follows no link that somebody puts there in the meantime.
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl Mark {
    /// Reads a mark without judging its signatures.
    pub fn parse(bytes: &[u8]) -> Option<Mark> {
        let Value::Object(mut object) = parse::parse(bytes).ok()? else {
            return None;
        };
        let sealed = match object.remove(SEALED) {
            Some(epoch) => Some(Statement::from_value(&epoch).ok()?),
            None => None,
        };
        let head = Statement::from_value(&Value::Object(object)).ok()?;
        Some(Mark { head, sealed })
    }

    fn to_value(&self) -> Value {
        let mut value = self.head.to_value();
        if let (Value::Object(object), Some(epoch)) = (&mut value, &self.sealed) {
            object.insert(SEALED, epoch.to_value());
        }
        value
    }

    fn to_text(&self) -> Vec<u8> {
        let mut text = self.to_value().canonical(Form::Utf8).into_bytes();
        text.push(b'\n');
        text
    }

    fn verify(&self) -> bool {
        self.head.verify() && self.sealed.as_ref().is_none_or(Statement::verify)
    }

    fn is_of(&self, extent: &LogExtent) -> bool {
        let own = (extent.log, extent.genesis);
        let sealed = self.sealed.as_ref().map(|epoch| &epoch.content);
        (self.head.content.log, self.head.content.genesis) == own
            && sealed.is_none_or(|header| (header.log, header.genesis) == own)
    }
}

/// Whether a log whose last header is `last` has the epoch that the mark names.
/// An earlier one is tied to the last by the chain of headers.
fn is_held(marked: &EpochHeader, last: Option<&EpochHeader>) -> bool {
    last.is_some_and(|last| last.epoch > marked.epoch || last == marked)
}
