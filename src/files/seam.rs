//! The seam between a verifier and the disk: small enough to put a recorder in
//! between that shows what was opened, and in which order.

use std::io;
use std::path::Path;

use super::root::{OpenError, OpenFile, Root};

pub trait FileSystem: Sync {
    /// Opens the folder at `path`.
    fn folder(&self, path: &Path) -> io::Result<Box<dyn Folder>>;
}

pub trait Folder: Send + Sync {
    /// Opens the regular file at `relative`, which must stay in the folder.
    fn open(&self, relative: &str) -> Result<OpenFile, OpenError>;
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl FileSystem for Disk {
    fn folder(&self, path: &Path) -> io::Result<Box<dyn Folder>> {
        Ok(Box::new(Root::open(path)?))
    }
}

impl Folder for Root {
    fn open(&self, relative: &str) -> Result<OpenFile, OpenError> {
        self.open_file(Path::new(relative))
    }
}
