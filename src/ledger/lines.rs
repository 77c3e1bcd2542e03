//! Lines of hostile length.

use std::io::{self, BufRead};

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
        /// looked for, and what follows is no line.
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
