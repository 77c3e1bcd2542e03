//! Files that may be compressed, opened as what is inside.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::bufread::MultiGzDecoder;

use crate::ledger::limits;

use super::error::CliError;
use super::progress::Counting;

/// A file being read.
pub(super) struct Opened {
    /// Its bytes, decompressed.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// How many bytes of the file itself were read so far.
    pub(super) read: Arc<AtomicU64>,
    /// How many it has.
    pub(super) length: u64,
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Opens a file, decompressing it if it is gzip (of any number of members) or
/// zstd. Compression is transport: the window that a hostile file may ask for is
/// bounded, and nothing is kept of what was read.
pub(super) fn open(path: &Path) -> Result<Opened, CliError> {
    let failed = |error| CliError::file(path, error);
    let (file, compression) = begin(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let (file, read) = Counting::new(file);
    let file = BufReader::with_capacity(BUFFER_BYTES, file);
    let reader: Box<dyn BufRead + Send> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => decompressed(MultiGzDecoder::new(file)),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(file).map_err(failed)?;
            let window = decoder.window_log_max(limits::ZSTD_WINDOW_LOG);
            window.map_err(failed)?;
            decompressed(decoder)
        }
    };
    Ok(Opened {
        reader,
        read,
        length,
    })
}

/// Opens a file at a place, without reading what is before it; answers how many
/// bytes are still to be passed over, which are all where it is compressed.
pub(super) fn open_at(path: &Path, bytes: u64) -> Result<(Opened, u64), CliError> {
    let (mut file, compression) = begin(path)?;
    if compression != Compression::None {
        return Ok((open(path)?, bytes));
    }
    let failed = |error| CliError::file(path, error);
    let length = file.metadata().map_err(failed)?.len();
    if length < bytes {
        return Ok((open(path)?, bytes));
    }
    file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
    let (file, read) = Counting::new(file);
    let opened = Opened {
        reader: Box::new(BufReader::with_capacity(BUFFER_BYTES, file)),
        read,
        length: length - bytes,
    };
    Ok((opened, 0))
}

/// The file from its beginning, and how it is compressed.
fn begin(path: &Path) -> Result<(File, Compression), CliError> {
    let failed = |error| CliError::file(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut magic = Vec::new();
    let start = (&mut file).take(ZSTD_MAGIC.len() as u64);
    let mut start = start;
    start.read_to_end(&mut magic).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let compression = if magic == ZSTD_MAGIC {
        Compression::Zstd
    } else if magic.starts_with(&GZIP_MAGIC) {
        Compression::Gzip
    } else {
        Compression::None
    };
    Ok((file, compression))
}

fn decompressed(decoder: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        Decompressed(decoder),
    ))
}

/// Tells what is wrong with the compressed bytes from what is wrong with the
/// disk: the first is a finding, the second is not.
struct Decompressed<R>(R);

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to).map_err(|error| match error.kind() {
            _ if error.raw_os_error().is_some() => error,
            ErrorKind::UnexpectedEof | ErrorKind::Interrupted => error,
            _ => io::Error::new(ErrorKind::InvalidData, error),
        })
    }
}
