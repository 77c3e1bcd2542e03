//! Hashing the source file of a worker, and only that.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{FileReadError, OpenError, OpenFile, Root};

/// A source file is 64 MiB at most: hashing it holds up a decision.
pub const SOURCE_BYTES: u64 = 64 << 20;

/// Why a source file was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    #[error("cannot read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("{} is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("{} is larger than {SOURCE_BYTES} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} is in no allowed directory", path.display())]
    OutsideAllowedDirs { path: PathBuf },
    #[error("{} is not a directory", path.display())]
    NotADirectory { path: PathBuf },
}

/// Directories that hold workers' sources, held open.
#[derive(Clone, Debug)]
pub(super) struct AllowedDirs(Arc<[AllowedDir]>);

#[derive(Debug)]
struct AllowedDir {
    /// As it was named, and without links.
    paths: [PathBuf; 2],
    root: Root,
}

impl AllowedDirs {
    pub(super) fn new(dirs: &[&Path]) -> Result<AllowedDirs, AttestError> {
        let opened = dirs.iter().map(|dir| AllowedDir::open(dir));
        opened.collect::<Result<_, _>>().map(AllowedDirs)
    }

    /// Opens a file beneath one of them. A relative path is tried beneath each
    /// in turn.
    fn open(&self, source: &Path) -> Result<OpenFile, OpenError> {
        let mut found = Err(OpenError::Leaves);
        for dir in self.0.iter() {
            let Some(relative) = dir.relative(source) else {
                continue;
            };
            found = dir.root.open_file(relative);
            if found.is_ok() {
                break;
            }
        }
        found
    }
}

impl AllowedDir {
    fn open(dir: &Path) -> Result<AllowedDir, AttestError> {
        let root = Root::open(dir).map_err(|error| match error.kind() {
            io::ErrorKind::NotADirectory => AttestError::NotADirectory {
                path: dir.to_owned(),
            },
            _ => AttestError::Unreadable(error),
        })?;
        let absolute = std::path::absolute(dir).map_err(AttestError::Unreadable)?;
        let paths = [absolute, root.path().to_owned()];
        Ok(AllowedDir { paths, root })
    }

    /// Compares whole components: `/workers-old` is not in `/workers`.
    fn relative<'p>(&self, source: &'p Path) -> Option<&'p Path> {
        if source.is_relative() {
            return Some(source);
        }
        let mut below = self.paths.iter();
        below.find_map(|dir| source.strip_prefix(dir).ok())
    }
}

/// The hex SHA-256 of a source file as it is now. With allowed directories it
/// is opened beneath one of them, whatever is exchanged on the way; without
/// them wherever it is. It must be a regular file.
pub(super) fn hash_source(
    source: &Path,
    allowed: Option<&AllowedDirs>,
) -> Result<String, AttestError> {
    let path = || source.to_owned();
    let opened = match allowed {
        Some(allowed) => allowed.open(source),
        None => OpenFile::at(source),
    };
    let opened = opened.map_err(|error| match error {
        OpenError::Leaves => AttestError::OutsideAllowedDirs { path: path() },
        OpenError::Folder | OpenError::Special => AttestError::NotAFile { path: path() },
        OpenError::Missing => AttestError::Unreadable(io::ErrorKind::NotFound.into()),
        OpenError::Io(error) => AttestError::Unreadable(error),
        other => AttestError::Unreadable(io::Error::other(other)),
    })?;
    match opened.digest(SOURCE_BYTES) {
        Ok(digest) => Ok(digest.sha256.to_string()),
        Err(FileReadError::TooLarge { .. }) => Err(AttestError::TooLarge { path: path() }),
        Err(FileReadError::Io(error)) => Err(AttestError::Unreadable(error)),
        Err(error) => Err(AttestError::Unreadable(io::Error::other(error))),
    }
}
