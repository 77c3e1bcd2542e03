//! Content: digests of files that hold still while they are read.

use std::io::{self, Read};

use thiserror::Error;

use super::root::{FileState, Opened, Root};
use super::side_by_side::digest_each;
use super::walk::{self, Found, Skip, Tree, TreeError, TreeProblem};
use crate::ledger::sha256::{Sha256Digest, Sha256Hasher};

/// What is read at once: large enough that system calls do not show, small
/// enough for the processor's cache.
const CHUNK_BYTES: u64 = 128 << 10;

/// The content of a file, as far as verification needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// SHA-256 of the content.
    pub sha256: Sha256Digest,
    /// Bytes.
    pub size: u64,
}

/// Why an open file was not read to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Its size or its times changed while it was read.
    #[error("changed while it was read")]
    Changed,
    /// It has more bytes than the caller reads.
    #[error("has {size} bytes, over the limit of {limit}")]
    TooLarge {
        /// How many it has.
        size: u64,
        /// How many it may have.
        limit: u64,
    },
    /// The system refused.
    #[error("cannot be read")]
    Io(#[from] io::Error),
}

/// Digests a file in pieces. A file that grows is given up at its first byte
/// beyond the size it was opened with, so this ends.
///
/// # Errors
/// [`ReadError::Changed`] and [`ReadError::Io`].
pub(super) fn digest(mut opened: Opened) -> Result<FileDigest, ReadError> {
    let mut hasher = Sha256Hasher::new();
    let chunk = opened.state.size.saturating_add(1).min(CHUNK_BYTES);
    let mut buffer = vec![0; usize::try_from(chunk).unwrap_or(usize::MAX)];
    let mut size: u64 = 0;
    while let Some(piece) = read_piece(&mut opened, &mut buffer)? {
        size += piece.len() as u64;
        if size > opened.state.size {
            return Err(ReadError::Changed);
        }
        hasher.update(piece);
    }
    unchanged(&opened, size)?;
    let sha256 = hasher.finish();
    Ok(FileDigest { sha256, size })
}

impl Opened {
    /// The whole content, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(mut self, limit: u64) -> Result<Vec<u8>, ReadError> {
        let size = self.state.size;
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        let mut bytes = Vec::new();
        (&mut self.file).take(size + 1).read_to_end(&mut bytes)?;
        unchanged(&self, bytes.len() as u64)?;
        Ok(bytes)
    }
}

/// The digest of every file of `tree`, in its order: in parallel, memory for a
/// few buffers a thread. Afterwards the folder is listed once more, so that what
/// is returned is what stood there at one time, as far as the file system's
/// clock tells; `skip` is what `tree` was listed with.
///
/// # Errors
/// [`TreeError`] for the first file in the order of the tree.
pub fn digest_tree(root: &Root, tree: &Tree, skip: Skip<'_>) -> Result<Vec<FileDigest>, TreeError> {
    let outcomes = digest_each(&tree.files, |found| open_found(root, found));
    let digests = tree.files.iter().zip(outcomes).map(|(found, outcome)| {
        outcome?.map_err(|error| TreeError::new(&found.path, TreeProblem::of_read(error)))
    });
    let digests = digests.collect::<Result<Vec<_>, _>>()?;
    let again = walk::list(root, skip)?;
    if let Some(path) = first_difference(&tree.files, &again.files) {
        return Err(TreeError::new(path, TreeProblem::Changed));
    }
    Ok(digests)
}

fn open_found(root: &Root, found: &Found) -> Result<Opened, TreeError> {
    let fault = |problem| TreeError::new(&found.path, problem);
    let opened = root
        .open_file(found.path.as_ref())
        .map_err(|error| fault(TreeProblem::of_open(error, found.link)))?;
    if !found.link && opened.state.identity != found.state.identity {
        return Err(fault(TreeProblem::Changed));
    }
    Ok(opened)
}

fn first_difference<'a>(before: &'a [Found], after: &'a [Found]) -> Option<&'a str> {
    let differs = before.iter().zip(after).find(|(a, b)| a != b);
    let longer = || before.get(after.len()).or_else(|| after.get(before.len()));
    let found = differs.map(|(a, b)| if a.path <= b.path { a } else { b });
    found.or_else(longer).map(|found| found.path.as_str())
}

fn read_piece<'b>(opened: &mut Opened, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
    loop {
        match opened.file.read(buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => return Ok(buffer.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn unchanged(opened: &Opened, size: u64) -> Result<(), ReadError> {
    let stat = rustix::fs::fstat(&opened.file).map_err(io::Error::from)?;
    if FileState::of(&stat) == opened.state && size == opened.state.size {
        Ok(())
    } else {
        Err(ReadError::Changed)
    }
}
