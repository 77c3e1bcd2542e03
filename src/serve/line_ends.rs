//! Lines of a request's head end in CR LF and in nothing else (RFC 9112 §2.2 lets
//! a server take a bare LF). A proxy and a server that see different ends see
//! different requests.
//!
//! The parser takes a bare LF. Here it becomes a NUL, which no head may have, so
//! that the parser answers 400 and closes. To know where a head begins, bodies
//! are counted as the parser counts them; where they cannot be, it refuses them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a request's head.
pub(super) const HEAD_BYTES: usize = 32 << 10;

pub(super) struct StrictLines<T> {
    inner: T,
    place: LinePosition,
    /// The line of the head that is being read.
    line: Vec<u8>,
    body: Framing,
}

#[derive(Clone, Copy)]
enum LinePosition {
    /// Before a request line.
    Before,
    Head,
    /// In a body of a length, with so many bytes left.
    Body(u64),
    /// In the line with the size of a chunk; what was read of it, and whether an
    /// extension follows.
    Size(u64, bool),
    /// In a chunk and the line end behind it.
    Chunk(u64),
    /// Behind the last chunk; whether the line has something in it.
    Trailer(bool),
    Refused,
}

/// How the body behind a head is counted.
#[derive(Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
}

impl<T> StrictLines<T> {
    pub(super) fn new(inner: T) -> StrictLines<T> {
        StrictLines {
            inner,
            place: LinePosition::Before,
            line: Vec::new(),
            body: Framing::Length(0),
        }
    }

    fn take(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let used = match self.place {
                LinePosition::Refused => return,
                LinePosition::Before | LinePosition::Head => self.take_line(bytes),
                LinePosition::Body(left) => {
                    let used = within(left, bytes.len());
                    self.place = match left - used as u64 {
                        0 => LinePosition::Before,
                        left => LinePosition::Body(left),
                    };
                    used
                }
                LinePosition::Chunk(left) => {
                    let used = within(left, bytes.len());
                    self.place = match left - used as u64 {
                        0 => LinePosition::Size(0, false),
                        left => LinePosition::Chunk(left),
                    };
                    used
                }
                LinePosition::Size(..) | LinePosition::Trailer(_) => {
                    self.take_byte(bytes.first().copied().unwrap_or_default());
                    1
                }
            };
            bytes = bytes.get_mut(used..).unwrap_or_default();
        }
    }

    /// Takes a line of the head, or the beginning of one.
    fn take_line(&mut self, bytes: &mut [u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let taken = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        // The parser refuses a head that is longer.
        if self.line.len() + taken.len() <= HEAD_BYTES {
            self.line.extend_from_slice(taken);
        }
        let Some(end) = end else {
            return bytes.len();
        };
        if self.line.pop() != Some(b'\r') {
            self.place = LinePosition::Refused;
            if let Some(byte) = bytes.get_mut(end) {
                *byte = 0;
            }
            return bytes.len();
        }
        self.place = match (self.place, self.line.is_empty()) {
            // Empty lines before a request line are passed over.
            (LinePosition::Before, true) => LinePosition::Before,
            (LinePosition::Before, false) => {
                self.body = Framing::Length(0);
                LinePosition::Head
            }
            (_, true) => match self.body {
                Framing::Length(0) => LinePosition::Before,
                Framing::Length(length) => LinePosition::Body(length),
                Framing::Chunked => LinePosition::Size(0, false),
            },
            (_, false) => match self.header() {
                Some(()) => LinePosition::Head,
                None => LinePosition::Refused,
            },
        };
        self.line.clear();
        end + 1
    }

    /// Reads a header line that says how the body is counted. `None` if the parser
    /// refuses it.
    fn header(&mut self) -> Option<()> {
        let colon = memchr::memchr(b':', &self.line)?;
        let (name, value) = self.line.split_at_checked(colon)?;
        let value = value.get(1..)?.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok()?.parse().ok()?;
            if let Framing::Length(_) = self.body {
                self.body = Framing::Length(length);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let last = value.rsplit(|byte| *byte == b',').next()?.trim_ascii();
            if !last.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            self.body = Framing::Chunked;
        }
        Some(())
    }

    fn take_byte(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (LinePosition::Size(0, _), b'\n') => LinePosition::Trailer(false),
            // Behind a chunk stands a line end.
            (LinePosition::Size(size, _), b'\n') => LinePosition::Chunk(size.saturating_add(2)),
            (LinePosition::Size(size, false), _) => match char::from(byte).to_digit(16) {
                Some(digit) => {
                    LinePosition::Size(size.saturating_mul(16) + u64::from(digit), false)
                }
                None => LinePosition::Size(size, true),
            },
            (LinePosition::Trailer(false), b'\n') => LinePosition::Before,
            (LinePosition::Trailer(_), b'\n') => LinePosition::Trailer(false),
            (LinePosition::Trailer(some), byte) => LinePosition::Trailer(some || byte != b'\r'),
            (place, _) => place,
        };
    }
}

fn within(left: u64, length: usize) -> usize {
    usize::try_from(left).map_or(length, |left| left.min(length))
}

impl<T: AsyncRead + Unpin> AsyncRead for StrictLines<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if let Some(new) = buffer.filled_mut().get_mut(before..) {
            self.take(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for StrictLines<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        let mut all = Vec::new();
        for size in [1, 2, 3, 7, text.len()] {
            let mut lines = StrictLines::new(());
            let mut bytes = text.as_bytes().to_vec();
            bytes.chunks_mut(size).for_each(|piece| lines.take(piece));
            all.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        assert!(all.windows(2).all(|pair| pair.first() == pair.last()));
        all.pop().unwrap_or_default()
    }

    #[test]
    fn heads_that_end_their_lines_properly_pass_with_any_bodies() {
        for text in [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\n\nbcGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4;x=1\r\na\n\nb\r\nA\r\n\
             0123\n56789\r\n0\r\nt: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n\
             1\r\n\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(seen(text), text);
        }
    }

    #[test]
    fn a_bare_line_feed_in_a_head_is_made_one_that_is_refused() {
        for (text, expected) in [
            (
                "GET / HTTP/1.1\nhost: a\r\n\r\n",
                "GET / HTTP/1.1\0host: a\r\n\r\n",
            ),
            ("\nGET / HTTP/1.1\r\n\r\n", "\0GET / HTTP/1.1\r\n\r\n"),
            (
                "GET / HTTP/1.1\r\nhost: a\n\r\n",
                "GET / HTTP/1.1\r\nhost: a\0\r\n",
            ),
            (
                "GET / HTTP/1.1\r\nhost: a\r\n\n",
                "GET / HTTP/1.1\r\nhost: a\r\n\0",
            ),
            (
                "POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n\nGET / HTTP/1.1\n\r\n",
                "POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\n\nGET / HTTP/1.1\0\r\n",
            ),
        ] {
            assert_eq!(seen(text), expected);
        }
    }
}
