//! Streams that may be compressed, read as what is inside.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;

use crate::ledger::limits;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 1 << 20;

/// Bytes that tell how a stream is compressed.
pub const MAGIC_BYTES: u64 = ZSTD_MAGIC.len() as u64;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952, of any number of members.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Told by the first [`MAGIC_BYTES`] bytes.
    #[must_use]
    pub fn of(magic: &[u8]) -> Compression {
        if magic.starts_with(&ZSTD_MAGIC) {
            Compression::Zstd
        } else if magic.starts_with(&GZIP_MAGIC) {
            Compression::Gzip
        } else {
            Compression::None
        }
    }
}

/// What is inside of a stream. Compression is transport: the window that a
/// hostile stream may ask for is bounded, nothing is kept of what was read, and
/// what it decompresses to is for the caller to bound. Damage is an error of the
/// kind [`ErrorKind::InvalidData`] or [`ErrorKind::UnexpectedEof`].
///
/// # Errors
/// Where no decoder can be made.
pub fn decompress(
    stream: impl Read + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn BufRead + Send>> {
    let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    Ok(match compression {
        Compression::None => Box::new(stream),
        Compression::Gzip => buffered(MultiGzDecoder::new(stream)),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(stream)?;
            decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
            buffered(decoder)
        }
    })
}

fn buffered(decoder: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
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

/// A stream of at most so many bytes: more is an error of the kind
/// [`ErrorKind::InvalidData`], since what is cut at a line would pass for whole.
pub struct AtMost<R> {
    stream: R,
    left: u64,
}

impl<R> AtMost<R> {
    /// `bytes` of `stream`.
    pub const fn new(stream: R, bytes: u64) -> AtMost<R> {
        AtMost {
            stream,
            left: bytes,
        }
    }
}

impl<R: Read> Read for AtMost<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(to)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it is longer than it may be"))?;
        Ok(read)
    }
}
