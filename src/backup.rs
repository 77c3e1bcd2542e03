//! Copies of a ledger that a restore can use.
//!
//! ```text
//! DIR/ledger/        the ledger: entries, epochs, tiles, indexes, imports
//! DIR/ledger.mark    a signed head of it
//! ```
//! The private key is not in it; which public key it is stands in entry 0. A
//! restore puts both back where they were: `ledger` and its mark.
//!
//! A copy is made under another name beside its place, verified in full, synced,
//! and renamed: a crash leaves a `.NAME.backup-…` directory, never something in
//! `DIR` that is half a copy. Where nobody writes, the files are copied as they
//! are; beside a live writer, the rows as one view shows them. The source is read
//! and stays as it is: content, names, times and links, unless links are asked for.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::audit::{AuditError, audit};
use crate::ledger::anchors::Anchor;
use crate::ledger::fault::{Report, Verdict};
use crate::ledger::head::Head;
use crate::ledger::key::{SignError, Signer};
use crate::ledger::statement::Statement;
use crate::ledger::time::Timestamp;
use crate::ledger::verify::Policy;
use crate::logbook::error::OpenError;
use crate::logbook::mark::{Mark, MarkFault, MarkFile};
use crate::logbook::reading::Reader;
use crate::logbook::{entry_at, epoch_at, extent_of, judge_mark};
use crate::store::{RocksStore, Store, StoreError};

pub const LEDGER: &str = "ledger";

pub const MARK: &str = "ledger.mark";

pub type FindSigner<'a> = dyn Fn(&dyn Store) -> Option<Arc<dyn Signer>> + 'a;

/// What to copy, and how far it must be proven.
pub struct BackupRequest<'a> {
    pub ledger: &'a Path,
    pub mark: &'a MarkFile,
    /// The key, where it is at hand: then the copy's mark names its very last
    /// entry, else it is the ledger's own mark.
    /// Lets a copy read what its ledger let go of.
    pub attach: &'a dyn Fn(&RocksStore) -> Result<(), StoreError>,
    pub signer: &'a FindSigner<'a>,
    pub now: Timestamp,
    /// Tables are linked and not copied where nobody writes: copy and ledger share
    /// them, and the ledger's files have one name more.
    pub link: bool,
}

#[derive(Clone, Debug)]
pub struct Backup {
    pub report: Report,
    pub mark: Mark,
    pub beside_writer: bool,
}

#[derive(Debug, Error)]
pub enum BackupError {
    #[error("{} exists already", dir.display())]
    Exists { dir: PathBuf },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error("the copy does not pass verification")]
    Unsound(Box<Report>),
    #[error("the copy could not be written: {0}")]
    Io(#[from] io::Error),
}

impl From<MarkFault> for BackupError {
    fn from(fault: MarkFault) -> Self {
        BackupError::Open(OpenError::Mark(fault))
    }
}

/// Copies a ledger into `dir`, which must not exist. `progress` is told how far
/// the verification of the copy has come, in entries.
///
/// # Errors
/// [`BackupError`]; then there is no `dir`.
pub fn backup(
    order: &BackupRequest<'_>,
    dir: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Backup, BackupError> {
    let exists = || BackupError::Exists {
        dir: dir.to_owned(),
    };
    match fs::symlink_metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(exists()),
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let building = tempfile::Builder::new()
        .prefix(&format!(".{name}.backup-"))
        // As `mkdir` would, so that the umask decides.
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent)?;
    let target = building.path().join(LEDGER);
    let (seen, beside_writer) = copy(order, &target)?;
    let store = RocksStore::open_read_only(&target)?;
    (order.attach)(&store)?;
    let mark = mark_of(order, &store, &seen)?;
    let file = MarkFile::at(building.path().join(MARK));
    file.write(&mark)?;
    let report = verified(&store, &file, &mark, progress)?;
    // Without RocksDB there is no such store, and nothing to let go of.
    #[cfg_attr(not(feature = "rocks"), allow(clippy::drop_non_drop))]
    drop(store);
    File::open(building.path())?.sync_all()?;
    match fs::rename(building.path(), dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Err(exists()),
        Err(error) => return Err(error.into()),
    }
    let _moved = building.keep();
    File::open(parent)?.sync_all()?;
    Ok(Backup {
        report,
        mark,
        beside_writer,
    })
}

/// Copies the database. Says against which mark the copy must stand, and whether
/// somebody was writing.
fn copy(order: &BackupRequest<'_>, target: &Path) -> Result<(MarkFile, bool), BackupError> {
    let reader = Reader::open(order.ledger, order.mark)?;
    if reader.as_of()?.is_some() {
        reader.store.copy_rows(target, &mut |_| ())?;
        return Ok((reader.mark, true));
    }
    // Nobody can write as long as this reader lives.
    let seen = order.mark.as_of_now()?;
    reader.store.copy_files(target, order.link)?;
    Ok((seen, false))
}

/// The mark of the copy: the one it stood against, or, with the key at hand,
/// one that names its last entry.
fn mark_of(
    order: &BackupRequest<'_>,
    store: &RocksStore,
    seen: &MarkFile,
) -> Result<Mark, BackupError> {
    let extent = extent_of(store)?;
    let mark = judge_mark(store, seen, &extent)??;
    let sealed = mark.sealed.as_ref().map(|epoch| &epoch.content);
    if mark.head.content.seq == extent.last_seq && sealed == extent.sealed.as_ref() {
        return Ok(mark);
    }
    let Some(signer) = (order.signer)(store) else {
        return Ok(mark);
    };
    let head = Head {
        second: None,
        log: extent.log,
        genesis: extent.genesis,
        seq: extent.last_seq,
        hash: entry_at(store, extent.last_seq)?.hash(),
        ts: order.now.max(extent.last_ts),
    };
    let sealed = match store.last_epoch()? {
        Some(number) => Some(epoch_at(store, number)?),
        None => None,
    };
    Ok(Mark {
        head: Statement::sign(head, &*signer)?,
        sealed,
    })
}

/// The verdict on the copy, held against its signed head.
fn verified(
    store: &RocksStore,
    file: &MarkFile,
    mark: &Mark,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, BackupError> {
    let policy = Policy {
        contains: vec![Anchor::of_head(&mark.head)],
        ..Policy::default()
    };
    let report = audit(store, file, &policy, progress)?.report;
    match report.verdict {
        Verdict::Pass => Ok(report),
        Verdict::Fail => Err(BackupError::Unsound(Box::new(report))),
    }
}
