//! Hashing the source file of a worker, and only that.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::ledger::sha256::Sha256Hasher;

/// A source file is 64 MiB at most: hashing it holds up a decision.
pub const SOURCE_BYTES: u64 = 64 << 20;

/// Why a source file was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// It cannot be found, opened or read.
    #[error("cannot read: {0}")]
    Unreadable(#[source] io::Error),
    /// It is a folder, device or pipe.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// Where it leads.
        path: PathBuf,
    },
    /// It is over [`SOURCE_BYTES`].
    #[error("{} is larger than {SOURCE_BYTES} bytes", path.display())]
    TooLarge {
        /// Where it leads.
        path: PathBuf,
    },
    /// It leads out of the allowed directories.
    #[error("{} is in no allowed directory", path.display())]
    OutsideAllowedDirs {
        /// Where it leads.
        path: PathBuf,
    },
    /// An allowed directory is none.
    #[error("{} is not a directory", path.display())]
    NotADirectory {
        /// Which.
        path: PathBuf,
    },
}

/// Directories that hold workers' sources, resolved.
#[derive(Clone, Debug)]
pub(super) struct AllowedDirs(Vec<PathBuf>);

impl AllowedDirs {
    pub(super) fn new(dirs: &[&Path]) -> Result<AllowedDirs, AttestError> {
        let resolved = dirs.iter().map(|dir| {
            let path = dir.canonicalize().map_err(AttestError::Unreadable)?;
            match path.is_dir() {
                true => Ok(path),
                false => Err(AttestError::NotADirectory { path }),
            }
        });
        resolved.collect::<Result<_, _>>().map(AllowedDirs)
    }

    /// Compares whole components: `/workers-old` is not in `/workers`.
    fn hold(&self, resolved: &Path) -> bool {
        self.0.iter().any(|dir| resolved.starts_with(dir))
    }
}

/// The hex SHA-256 of a source file. `..` and links are resolved before the
/// place is judged, and the resolved path is the one that is opened.
///
/// Whoever can replace a folder on that path between those two steps can still
/// lead it elsewhere; allowed directories are to be writable by their owner
/// alone.
pub(super) fn hash_source(
    source: &Path,
    allowed: Option<&AllowedDirs>,
) -> Result<String, AttestError> {
    let path = source.canonicalize().map_err(AttestError::Unreadable)?;
    if allowed.is_some_and(|allowed| !allowed.hold(&path)) {
        return Err(AttestError::OutsideAllowedDirs { path });
    }
    // Before opening, which would wait for ever on a pipe.
    if !path.is_file() {
        return Err(AttestError::NotAFile { path });
    }
    let file = File::open(&path).map_err(AttestError::Unreadable)?;
    let mut source = file.take(SOURCE_BYTES + 1);
    let (mut hasher, mut length) = (Sha256Hasher::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source.read(&mut buffer).map_err(AttestError::Unreadable)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hasher.update(piece);
        length += count as u64;
    }
    match length > SOURCE_BYTES {
        true => Err(AttestError::TooLarge { path }),
        false => Ok(hasher.finish().to_string()),
    }
}
