//! Files that may be compressed, opened as what is inside.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;
use super::compression::{Compression, MAGIC_BYTES, OneFrame, decompress};
use super::pipes::open_file;

pub(crate) struct OpenedInput {
    /// Its bytes, decompressed.
    pub(crate) reader: Box<dyn BufRead + Send>,
    /// How many bytes of the file itself were read so far.
    pub(super) read: Arc<AtomicU64>,
    /// How many it has.
    pub(super) length: u64,
    one_frame: OneFrame,
}

impl OpenedInput {
    /// The same, which must be one frame where it is compressed: all but
    /// logbooks.
    pub(super) fn one_frame(self) -> OpenedInput {
        self.one_frame.demand();
        self
    }
}

pub(crate) fn open(path: &Path) -> Result<OpenedInput, Error> {
    let failed = |error| Error::file(path, error);
    let (file, compression) = begin(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let (file, read) = ProgressReader::new(file);
    let (reader, one_frame) = decompress(file, compression).map_err(failed)?;
    Ok(OpenedInput {
        reader,
        read,
        length,
        one_frame,
    })
}

/// Opens a file at a place, without reading what is before it; answers how many
/// bytes are still to be passed over, which are all where it is compressed.
pub(super) fn open_at(path: &Path, bytes: u64) -> Result<(OpenedInput, u64), Error> {
    let (mut file, compression) = begin(path)?;
    if compression != Compression::None {
        return Ok((open(path)?, bytes));
    }
    let failed = |error| Error::file(path, error);
    let length = file.metadata().map_err(failed)?.len();
    if length < bytes {
        return Ok((open(path)?, bytes));
    }
    file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
    let (file, read) = ProgressReader::new(file);
    let (reader, one_frame) = decompress(file, compression).map_err(failed)?;
    let opened = OpenedInput {
        reader,
        read,
        length: length - bytes,
        one_frame,
    };
    Ok((opened, 0))
}

pub(super) fn compression_of(path: &Path) -> Result<Compression, Error> {
    Ok(begin(path)?.1)
}

fn begin(path: &Path) -> Result<(File, Compression), Error> {
    let failed = |error| Error::file(path, error);
    let mut file = open_file(path).map_err(failed)?;
    let mut magic = Vec::new();
    let mut start = (&mut file).take(MAGIC_BYTES);
    start.read_to_end(&mut magic).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok((file, Compression::of(&magic)))
}

/// A reader that counts what was read of it, so that progress through a file
/// has an end to be measured against.
struct ProgressReader<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R> ProgressReader<R> {
    fn new(inner: R) -> (ProgressReader<R>, Arc<AtomicU64>) {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&read);
        (ProgressReader { inner, read }, counted)
    }
}

impl<R: Read> Read for ProgressReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
