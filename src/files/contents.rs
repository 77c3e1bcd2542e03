//! Content: digests of files that hold still while they are read.

use std::io::{self, Read};

use rayon::prelude::*;
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use thiserror::Error;

use super::root::{FileState, OpenFile};
use crate::ledger::sha256::{Sha256Digest, Sha256Hasher};

/// What is read at once: large enough that system calls do not show, small
/// enough for the processor's cache.
const CHUNK_BYTES: u64 = 128 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDigest {
    pub sha256: Sha256Digest,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, Error)]
pub enum FileReadError {
    #[error("changed while it was read")]
    Changed,
    #[error("has {size} bytes, over the limit of {limit}")]
    TooLarge { size: u64, limit: u64 },
    #[error("cannot be read")]
    Io(#[from] io::Error),
}

/// What became of a file: not opened, not read to its end, or digested.
pub type FileOutcome<E> = Result<Result<FileDigest, FileReadError>, E>;

/// Digests each of `files`, as `open` opens it, on all cores. The outcomes are in
/// the order of the files, whatever becomes of the others. Memory depends on the
/// cores, not on the files.
pub fn digest_each<T: Sync, E: Send>(
    files: &[T],
    open: impl Fn(&T) -> Result<OpenFile, E> + Sync,
) -> Vec<FileOutcome<E>> {
    digest_each_within(files, open, |_| u64::MAX)
}

/// The same of files that have at most the bytes which `limit` allows them. What is
/// larger is not read: a file of nothing but a hole costs who makes it nothing.
pub fn digest_each_within<T: Sync, E: Send>(
    files: &[T],
    open: impl Fn(&T) -> Result<OpenFile, E> + Sync,
    limit: impl Fn(&T) -> u64 + Sync,
) -> Vec<FileOutcome<E>> {
    let files = files.par_iter().with_max_len(1);
    files
        .map(|file| open(file).map(|opened| opened.digest(limit(file))))
        .collect()
}

/// Digests a file in pieces. A file that grows is given up at its first byte
/// beyond the size it was opened with, so this ends.
fn digest(mut opened: OpenFile) -> Result<FileDigest, FileReadError> {
    let mut hasher = Sha256Hasher::new();
    let chunk = opened.state.size.saturating_add(1).min(CHUNK_BYTES);
    let mut buffer = vec![0; usize::try_from(chunk).unwrap_or(usize::MAX)];
    let mut size: u64 = 0;
    while let Some(piece) = read_piece(&mut opened, &mut buffer)? {
        size += piece.len() as u64;
        if size > opened.state.size {
            return Err(FileReadError::Changed);
        }
        hasher.update(piece);
    }
    unchanged(&opened, size)?;
    let sha256 = hasher.finish();
    Ok(FileDigest { sha256, size })
}

impl OpenFile {
    /// The digest of the content, if it has at most `limit` bytes.
    pub fn digest(self, limit: u64) -> Result<FileDigest, FileReadError> {
        match self.state.size {
            size if size > limit => Err(FileReadError::TooLarge { size, limit }),
            _ => digest(self),
        }
    }

    /// Bytes of it that lie in holes. Of more than `most` the rest is not looked for.
    pub(super) fn holes(&self, most: u64) -> io::Result<u64> {
        let (size, mut at, mut holes) = (self.state.size, 0, 0_u64);
        let seek = |from| match rustix::fs::seek(&self.file, from) {
            // There is no data up to the end.
            Err(Errno::NXIO) => Ok(size),
            found => found.map_err(io::Error::from),
        };
        while at < size && holes <= most {
            let hole = seek(SeekFrom::Hole(at))?;
            at = seek(SeekFrom::Data(hole))?;
            holes = holes.saturating_add(at.saturating_sub(hole));
        }
        Ok(holes)
    }

    /// The whole content, if it has at most `limit` bytes.
    pub fn read(mut self, limit: u64) -> Result<Vec<u8>, FileReadError> {
        let size = self.state.size;
        if size > limit {
            return Err(FileReadError::TooLarge { size, limit });
        }
        let mut bytes = Vec::new();
        (&mut self.file).take(size + 1).read_to_end(&mut bytes)?;
        unchanged(&self, bytes.len() as u64)?;
        Ok(bytes)
    }
}

fn read_piece<'b>(opened: &mut OpenFile, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
    loop {
        match opened.file.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => return Ok(buffer.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unchanged(opened: &OpenFile, size: u64) -> Result<(), FileReadError> {
    let stat = rustix::fs::fstat(&opened.file).map_err(io::Error::from)?;
    if FileState::of(&stat) == opened.state && size == opened.state.size {
        Ok(())
    } else {
        Err(FileReadError::Changed)
    }
}
