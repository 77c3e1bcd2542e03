//! Building a ledger's directory beside its place, then moving it there.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::StoreError;
use super::{DB_DIR, listing};

/// A ledger that is not there yet. Dropped, it is removed.
pub(super) struct Building {
    dir: TempDir,
    target: PathBuf,
}

impl Building {
    /// Begins a ledger that is to stand at `target`.
    pub(super) fn begin(target: &Path) -> Result<Building, StoreError> {
        check_free(target)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let dir = tempfile::Builder::new()
            .prefix(&format!(".{name}.creating-"))
            // As `mkdir` would, so that the umask decides.
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(parent(target))?;
        Ok(Building {
            dir,
            target: target.to_owned(),
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
        sync_tree(self.path())?;
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
}

fn check_free(target: &Path) -> Result<(), StoreError> {
    match listing::names(target).map(|names| names.is_empty()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(exists(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
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
