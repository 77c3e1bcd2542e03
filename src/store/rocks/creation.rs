//! Building a ledger's directory beside its place, then moving it there.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::super::{StoreError, listing, readers};
use super::DB_DIR;
use super::lock::LOCK_FILE;

/// A ledger that is not there yet. Dropped, it is removed.
pub(super) struct Building {
    dir: TempDir,
    target: PathBuf,
    /// It is built in its place, which is there already: a mount point, perhaps, that
    /// nothing can be renamed to. Held, so that nobody else builds there.
    in_place: Option<File>,
}

/// What an empty file system has, and what an interrupted creation in a folder leaves.
fn is_nothing(name: &OsStr) -> bool {
    name == "lost+found" || name == LOCK_FILE || name.as_bytes().starts_with(UNFINISHED)
}

/// How the names of ledgers begin that are built in their place.
const UNFINISHED: &[u8] = b".creating-";

impl Building {
    pub(super) fn begin(target: &Path) -> Result<Building, StoreError> {
        let in_place = match is_empty_folder(target)? {
            true => Some(hold(target)?),
            false => None,
        };
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let (folder, prefix) = match in_place {
            Some(_) => (target, ".creating-".to_owned()),
            None => (parent(target), format!(".{name}.creating-")),
        };
        let dir = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)?;
        Ok(Building {
            dir,
            target: target.to_owned(),
            in_place,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn db_dir(&self) -> PathBuf {
        self.dir.path().join(DB_DIR)
    }

    /// Moves it to its place. Everything in it is on the disk before, and its
    /// name is on the disk when this returns.
    pub(super) fn finish(self) -> Result<PathBuf, StoreError> {
        readers::settle(self.path());
        sync_tree(self.path())?;
        if self.in_place.is_some() {
            return self.move_content();
        }
        match fs::rename(self.path(), &self.target) {
            Ok(()) => {}
            // Somebody was faster.
            Err(error) if is_occupied(&error) => return Err(exists(&self.target)),
            Err(error) => return Err(error.into()),
        }
        let _moved = self.dir.keep();
        File::open(parent(&self.target))?.sync_all()?;
        Ok(self.target)
    }

    /// The lock first, which is held: with the database in its place the ledger is
    /// there.
    fn move_content(self) -> Result<PathBuf, StoreError> {
        // Its owner's alone, as one that is made. Where it is another's, as what is mounted
        // may be, that one says who reads it.
        match fs::set_permissions(&self.target, Permissions::from_mode(0o700)) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                return Err(error.into());
            }
            _ => {}
        }
        for name in [LOCK_FILE, DB_DIR] {
            let target = self.target.join(name);
            if name == DB_DIR && target.symlink_metadata().is_ok() {
                return Err(exists(&self.target));
            }
            fs::rename(self.path().join(name), target)?;
        }
        File::open(&self.target)?.sync_all()?;
        let Building { dir, target, .. } = self;
        dir.close()?;
        Ok(target)
    }
}

/// The folder, if nobody else makes a ledger in it.
fn hold(folder: &Path) -> Result<File, StoreError> {
    let file = File::open(folder)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from) {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(exists(folder)),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is a folder with nothing in it that counts, and not nothing.
pub(super) fn is_empty_folder(target: &Path) -> Result<bool, StoreError> {
    match listing::names(target).map(|names| names.iter().all(|name| is_nothing(name))) {
        Ok(true) => Ok(true),
        Ok(false) => Err(exists(target)),
        // A link to nothing is in the way.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match target.is_symlink() {
            true => Err(exists(target)),
            false => Ok(false),
        },
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(exists(target)),
        Err(error) => Err(error.into()),
    }
}

fn is_occupied(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(
        error.kind(),
        AlreadyExists | DirectoryNotEmpty | NotADirectory
    )
}

fn exists(target: &Path) -> StoreError {
    StoreError::Exists {
        dir: target.to_owned(),
    }
}

fn parent(target: &Path) -> &Path {
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// RocksDB syncs what it needs to reopen. A hard-linked file was synced when it
/// was written; the names are new.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for name in listing::names(dir)? {
        let file = dir.join(name);
        if fs::symlink_metadata(&file)?.is_dir() {
            sync_tree(&file)?;
        } else {
            File::open(file)?.sync_all()?;
        }
    }
    File::open(dir)?.sync_all()
}
