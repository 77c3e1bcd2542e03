//! Lines of hostile length.

use std::io::{self, BufRead, Read};

use super::fault::FaultCode;
use super::limits;

#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, and whether a newline ended it.
    Whole {
        /// The bytes before the newline.
        bytes: Vec<u8>,
        /// False for a last line that no newline ends.
        ended: bool,
    },
    /// Over [`limits::LINE_BYTES`]; passed over.
    TooLong {
        /// How many bytes it has. Of [`limits::PASSED_OVER_BYTES`] and more its end was not
        /// looked for, and what follows is not a line.
        bytes: u64,
    },
}

impl Line {
    pub fn weight(&self) -> usize {
        match self {
            Line::Whole { bytes, .. } => bytes.len(),
            Line::TooLong { .. } => 0,
        }
    }

    /// Whether its end was not looked for: what follows is not a line, and is not read.
    pub const fn is_endless(&self) -> bool {
        matches!(self, Line::TooLong { bytes } if *bytes >= limits::PASSED_OVER_BYTES)
    }
}

/// Reads the next line, or `None` at the end.
pub fn read_line(reader: &mut dyn BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut length: u64 = 0;
    let mut seen = false;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(seen.then(|| whole_or_too_long(line, length, false)));
        }
        seen = true;
        let end = memchr::memchr(b'\n', available);
        let taken = available
            .get(..end.unwrap_or(available.len()))
            .unwrap_or_default();
        length += taken.len() as u64;
        if length <= limits::LINE_BYTES as u64 {
            line.extend_from_slice(taken);
        } else {
            line = Vec::new();
        }
        let used = taken.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() || length >= limits::PASSED_OVER_BYTES {
            return Ok(Some(whole_or_too_long(line, length, end.is_some())));
        }
    }
}

/// A stream of lines: one over [`limits::LINE_BYTES`] is an error of the kind
/// [`io::ErrorKind::InvalidData`], for who passes on what nobody judged yet.
#[derive(Debug)]
pub struct Lines<R> {
    stream: R,
    length: u64,
}

impl<R> Lines<R> {
    pub const fn new(stream: R) -> Lines<R> {
        Lines { stream, length: 0 }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(to)?;
        let piece = to.get(..read).unwrap_or_default();
        let (first, last) = match (memchr::memchr(b'\n', piece), memchr::memrchr(b'\n', piece)) {
            (Some(first), Some(last)) => (first, piece.len() - last - 1),
            _ => (piece.len(), piece.len()),
        };
        let longest = self.length + first as u64;
        self.length = match first < piece.len() {
            true => last as u64,
            false => longest,
        };
        match longest.max(self.length) > limits::LINE_BYTES as u64 {
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is longer than 20 MiB",
            )),
            false => Ok(read),
        }
    }
}

/// What an error of the reader says of the file, if it says so: a compressed
/// file that ends too early (`UnexpectedEof`) or is damaged (`InvalidData`). All
/// other errors say nothing of the file.
pub fn damage(error: &io::Error) -> Option<FaultCode> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some(FaultCode::Truncated),
        io::ErrorKind::InvalidData => Some(FaultCode::BundleCorrupt),
        _ => None,
    }
}

fn whole_or_too_long(bytes: Vec<u8>, length: u64, ended: bool) -> Line {
    if length > limits::LINE_BYTES as u64 {
        Line::TooLong { bytes: length }
    } else {
        Line::Whole { bytes, ended }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    fn whole(bytes: &[u8], ended: bool) -> Line {
        Line::Whole {
            bytes: bytes.to_vec(),
            ended,
        }
    }

    #[test]
    fn lines_end_at_newlines_and_the_last_says_whether_it_did() {
        let mut reader = &b"a\n\nbc"[..];
        assert_eq!(read_line(&mut reader).unwrap(), Some(whole(b"a", true)));
        assert_eq!(read_line(&mut reader).unwrap(), Some(whole(b"", true)));
        assert_eq!(read_line(&mut reader).unwrap(), Some(whole(b"bc", false)));
        assert_eq!(read_line(&mut reader).unwrap(), None);
    }

    #[test]
    fn the_end_of_a_line_is_not_looked_for_without_an_end() {
        let mut reader = io::BufReader::with_capacity(1 << 20, io::repeat(0));
        let line = read_line(&mut reader).unwrap();
        let bytes = limits::PASSED_OVER_BYTES;
        assert_eq!(line, Some(Line::TooLong { bytes }));
    }

    #[test]
    fn a_stream_of_lines_ends_at_one_that_is_too_long() {
        let line = vec![b'x'; limits::LINE_BYTES];
        let whole = [&line[..], b"\n", &line, b"\n\n"].concat();
        let mut read = Vec::new();
        Lines::new(&whole[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, whole);
        let longer = [&line[..], b"\n", &line, b"y\n"].concat();
        let mut read = Lines::new(io::BufReader::with_capacity(7_001, &longer[..]));
        let refused = io::copy(&mut read, &mut io::sink()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        let mut hole = Lines::new(io::repeat(0));
        assert!(io::copy(&mut hole, &mut io::sink()).is_err());
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_is_read() {
        let mut text = vec![b'x'; limits::LINE_BYTES];
        text.push(b'\n');
        text.extend(vec![b'y'; limits::LINE_BYTES + 1]);
        text.extend(b"\nz\n");
        let mut reader = io::BufReader::with_capacity(1 << 16, &text[..]);
        let first = read_line(&mut reader).unwrap();
        assert_eq!(first, Some(whole(&vec![b'x'; limits::LINE_BYTES], true)));
        let bytes = limits::LINE_BYTES as u64 + 1;
        assert_eq!(
            read_line(&mut reader).unwrap(),
            Some(Line::TooLong { bytes })
        );
        assert_eq!(read_line(&mut reader).unwrap(), Some(whole(b"z", true)));
    }
}
