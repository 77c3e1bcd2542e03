//! Who may read a ledger's files: its owner, or a group beside the owner. The
//! mode of its folder says so, and the files in it follow.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
#[cfg(feature = "rocks")]
use std::path::PathBuf;

use super::listing::names;

/// Who may read a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: folders 0700, files 0600.
    Owner,
    /// Its owner, and the members of this group: folders 0750, files 0640. New
    /// files are of the group because its folders have the bit for that (02000).
    Group(u32),
    /// Every user of the machine: a ledger of an earlier version, or one that was
    /// opened to all by hand.
    Everyone,
}

impl Readers {
    /// Who may read the ledger in `dir`.
    pub fn of(dir: &Path) -> io::Result<Readers> {
        let state = fs::metadata(dir)?;
        Ok(match state.mode() {
            mode if mode & 0o007 != 0 => Readers::Everyone,
            mode if mode & 0o070 != 0 => Readers::Group(state.gid()),
            _ => Readers::Owner,
        })
    }

    /// What no file may allow.
    #[cfg(feature = "rocks")]
    const fn forbidden(self) -> u32 {
        match self {
            Readers::Owner => 0o077,
            Readers::Group(_) => 0o027,
            Readers::Everyone => 0,
        }
    }

    /// What every folder, or file, allows beside its owner.
    #[cfg(feature = "rocks")]
    const fn granted(self, folder: bool) -> u32 {
        match (self, folder) {
            (Readers::Group(_), true) => 0o050,
            (Readers::Group(_), false) => 0o040,
            _ => 0,
        }
    }

    /// Gives `dir` and all that is in it to these readers and to no others.
    ///
    /// # Errors
    /// What the file system answers; `dir` itself comes first, so that what is in
    /// it is closed to others before.
    pub fn restrict(self, dir: &Path) -> io::Result<()> {
        self.restrict_one(dir, 0o700)?;
        for name in names(dir)? {
            let path = dir.join(name);
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                self.restrict(&path)?;
            } else if kind.is_file() {
                self.restrict_one(&path, 0o600)?;
            }
        }
        Ok(())
    }

    /// The same for one file beside the ledger: its mark.
    pub fn restrict_file(self, path: &Path) -> io::Result<()> {
        self.restrict_one(path, 0o600)
    }

    fn restrict_one(self, path: &Path, owner: u32) -> io::Result<()> {
        let mode = match self {
            Readers::Owner => owner,
            Readers::Group(group) => {
                // First, since it may take the bit away that is set then.
                chown(path, None, Some(group))?;
                let inherited = if owner == 0o700 { 0o2000 } else { 0 };
                owner | (owner & 0o500) >> 3 | inherited
            }
            Readers::Everyone => return Ok(()),
        };
        fs::set_permissions(path, Permissions::from_mode(mode))
    }
}

/// Settles who may read the files of a ledger that is written, now and once it is
/// no longer.
#[cfg(feature = "rocks")]
pub(super) struct Settling(PathBuf);

#[cfg(feature = "rocks")]
impl Settling {
    pub(super) fn new(dir: &Path) -> Settling {
        settle(dir);
        Settling(dir.to_owned())
    }
}

#[cfg(feature = "rocks")]
impl Drop for Settling {
    fn drop(&mut self) {
        settle(&self.0);
    }
}

/// Makes the files in `dir` what its mode says: RocksDB makes them as the umask
/// has it. As far as that can be done, since the folder is what keeps others out.
#[cfg(feature = "rocks")]
pub(super) fn settle(dir: &Path) {
    if let Ok(readers) = Readers::of(dir) {
        settle_in(dir, readers);
    }
}

#[cfg(feature = "rocks")]
fn settle_in(dir: &Path, readers: Readers) {
    for name in names(dir).unwrap_or_default() {
        let path = dir.join(name);
        let Ok(state) = fs::symlink_metadata(&path) else {
            continue;
        };
        // A file of two ledgers, as backups have them, is also the other's: a
        // group that reads that one must go on to.
        let shared = state.is_file() && state.nlink() > 1;
        let forbidden = readers.forbidden() & if shared { 0o027 } else { 0o077 };
        let mode = state.mode() & 0o7777;
        let settled = mode & !forbidden | readers.granted(state.is_dir());
        if !state.is_symlink() && mode != settled {
            let _ = fs::set_permissions(&path, Permissions::from_mode(settled));
        }
        if state.is_dir() {
            settle_in(&path, readers);
        }
    }
}
