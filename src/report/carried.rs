//! The bundle that a report carries, read as the bytes that were put in.

use std::io::{self, BufRead, ErrorKind, Read};

use super::escape::Unescape;

/// The bundle. It ends where its block ends, at a line that begins with `<`.
pub(super) struct Carried<R> {
    inner: R,
    state: Unescape,
    /// What was unescaped and not read yet.
    ready: Vec<u8>,
    read: usize,
    at_line_start: bool,
    lines: u64,
    /// The first line with a `<` that was not escaped.
    raw: Option<u64>,
    ended: bool,
}

impl<R: BufRead> Carried<R> {
    pub(super) fn new(inner: R) -> Carried<R> {
        Carried {
            inner,
            state: Unescape::default(),
            ready: Vec::new(),
            read: 0,
            at_line_start: true,
            lines: 0,
            raw: None,
            ended: false,
        }
    }

    /// Passes over what nobody read, and gives back what follows; how many lines
    /// there were; and the first in which `<` was not escaped.
    pub(super) fn finish(mut self) -> io::Result<(R, u64, Option<u64>)> {
        while !self.ended {
            self.refill()?;
        }
        Ok((self.inner, self.lines, self.raw))
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.read = 0;
        let available = match self.inner.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            available => available?,
        };
        let mut used = 0;
        for &byte in available {
            if byte == b'<' && self.at_line_start {
                self.ended = true;
                break;
            }
            if self.at_line_start {
                self.lines += 1;
            }
            if byte == b'<' {
                self.raw = self.raw.or(Some(self.lines));
            }
            self.at_line_start = byte == b'\n';
            self.state.take(byte, &mut self.ready);
            used += 1;
        }
        self.ended |= available.is_empty();
        self.inner.consume(used);
        if self.ended {
            self.state.finish(&mut self.ready);
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Carried<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.read == self.ready.len() && !self.ended {
            self.refill()?;
        }
        let mut rest = self.ready.get(self.read..).unwrap_or_default();
        let length = rest.read(to)?;
        self.read += length;
        Ok(length)
    }
}
