//! Streams that may be compressed, read as what is inside.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{DParameter, InBuffer, Operation as _, OutBuffer};

use crate::ledger::limits;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER_BYTES: usize = 1 << 20;

/// Bytes of zstd that may come to nothing. A block has 128 KiB, and something in it; zeros
/// are blocks without end that have not, and a file of nothing but a hole costs who makes
/// it nothing.
const IDLE_BYTES: u64 = 1 << 20;

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
pub fn decompress<'r>(
    stream: impl Read + Send + 'r,
    compression: Compression,
) -> io::Result<(Box<dyn BufRead + Send + 'r>, OneFrame)> {
    let taken = Arc::new(AtomicU64::new(0));
    let stream = CountedReader(stream, Arc::clone(&taken));
    let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    let one = OneFrame::default();
    let plain: Box<dyn BufRead + Send + 'r> = match compression {
        Compression::None => Box::new(stream),
        Compression::Gzip => buffered(Expanding::new(GzipMembers::new(stream, one.clone()), taken)),
        Compression::Zstd => buffered(Expanding::new(ZstdFrames::new(stream, one.clone())?, taken)),
    };
    Ok((plain, one))
}

/// Counts what is read.
struct CountedReader<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(to)?;
        self.1.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Refuses to become much more than was read: hashes and signatures, of which
/// every entry has some, do not compress.
struct Expanding<R> {
    decoder: R,
    taken: Arc<AtomicU64>,
    given: u64,
}

impl<R> Expanding<R> {
    const fn new(decoder: R, taken: Arc<AtomicU64>) -> Expanding<R> {
        Expanding {
            decoder,
            taken,
            given: 0,
        }
    }
}

impl<R: Read> Read for Expanding<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(to)?;
        self.given = self.given.saturating_add(read as u64);
        let taken = self.taken.load(Ordering::Relaxed);
        let most = limits::EXPANDED_BYTES.saturating_add(taken.saturating_mul(limits::EXPANSION));
        match self.given > most {
            true => Err(io::Error::new(
                ErrorKind::InvalidData,
                "it expands to more than a log does",
            )),
            false => Ok(read),
        }
    }
}

/// What a caller may ask of a stream when it knows what is inside: a logbook may
/// grow by whole frames, all else is one.
#[derive(Clone, Debug, Default)]
pub struct OneFrame(Arc<AtomicBool>);

impl OneFrame {
    /// From now on more than one frame is damage, also what was read already.
    pub fn demand(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_demanded(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Members of gzip, by the same rules as frames.
struct GzipMembers<R> {
    /// `None` only while one takes the stream from another.
    member: Option<GzDecoder<R>>,
    /// Members begun.
    begun: u64,
    /// Bytes that the current one decompressed to.
    inside: u64,
    one: OneFrame,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(stream: R, one: OneFrame) -> GzipMembers<R> {
        GzipMembers {
            member: Some(GzDecoder::new(stream)),
            begun: 1,
            inside: 0,
            one,
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = self.member.as_mut().filter(|_| !to.is_empty()) {
            if self.begun > 1 && self.one.is_demanded() {
                return damage("something stands after its one member");
            }
            let read = member.read(to)?;
            self.inside = self.inside.saturating_add(read as u64);
            if read > 0 {
                return Ok(read);
            }
            if self.inside == 0 {
                return damage("a member has nothing in it");
            }
            let ended = self.member.take().map(GzDecoder::into_inner);
            let Some(mut stream) = ended else { break };
            if stream.fill_buf()?.is_empty() {
                break;
            }
            self.member = Some(GzDecoder::new(stream));
            self.begun += 1;
            self.inside = 0;
        }
        Ok(0)
    }
}

/// Frames of zstd with something in each of them, and nothing between or after
/// them (format §2.6): a skippable or an empty frame would be bytes that nobody
/// vouches for.
struct ZstdFrames<R> {
    stream: R,
    decoder: zstd::stream::raw::Decoder<'static>,
    /// Frames begun.
    begun: u64,
    /// Bytes that the current one decompressed to; `None` between two.
    inside: Option<u64>,
    /// Bytes that were read since something came of them.
    idle: u64,
    one: OneFrame,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(stream: R, one: OneFrame) -> io::Result<ZstdFrames<R>> {
        let mut decoder = zstd::stream::raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(limits::ZSTD_WINDOW_LOG))?;
        Ok(ZstdFrames {
            stream,
            decoder,
            begun: 0,
            inside: None,
            idle: 0,
            one,
        })
    }
}

fn damage<T>(detail: &'static str) -> io::Result<T> {
    Err(io::Error::new(ErrorKind::InvalidData, detail))
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !to.is_empty() {
            let from = self.stream.fill_buf()?;
            if from.is_empty() && self.inside.is_none() {
                break;
            }
            let next_begins = self.inside.is_none() && self.begun == 1;
            if (next_begins || self.begun > 1) && self.one.is_demanded() {
                return damage("something stands after its one frame");
            }
            if self.inside.is_none() {
                self.begun += 1;
            }
            let ended = from.is_empty();
            let mut input = InBuffer::around(from);
            let mut output = OutBuffer::around(&mut *to);
            let left = self.decoder.run(&mut input, &mut output)?;
            let (used, made) = (input.pos(), output.pos());
            self.stream.consume(used);
            let inside = self.inside.unwrap_or(0).saturating_add(made as u64);
            self.inside = (left != 0).then_some(inside);
            if left == 0 && inside == 0 {
                return damage("a frame has nothing in it");
            }
            if made > 0 {
                self.idle = 0;
                return Ok(made);
            }
            self.idle = self.idle.saturating_add(used as u64);
            if self.idle > IDLE_BYTES {
                return damage("nothing comes of what is in it");
            }
            if ended {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

fn buffered<'r>(decoder: impl Read + Send + 'r) -> Box<dyn BufRead + Send + 'r> {
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
