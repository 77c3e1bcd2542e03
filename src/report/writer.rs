//! Writes a report around a bundle that is written into it.

use std::io::{self, Write};

use super::about::About;
use super::escape::escape;
use super::frame::frame;

/// What is written into it is the bundle, escaped as it comes.
pub struct ReportWriter<W> {
    out: W,
    escaped: Vec<u8>,
}

impl<W: Write> ReportWriter<W> {
    /// Writes all that stands before the bundle.
    pub fn new(mut out: W, about: &About) -> io::Result<ReportWriter<W>> {
        let mut line = Vec::new();
        escape(&about.to_line(), &mut line);
        line.push(b'\n');
        let frame = frame();
        out.write_all(frame.before_about.as_bytes())?;
        out.write_all(&line)?;
        out.write_all(frame.before_bundle.as_bytes())?;
        Ok(ReportWriter {
            out,
            escaped: Vec::new(),
        })
    }

    /// Writes all that stands after the bundle, and flushes.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(frame().after.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for ReportWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.escaped.clear();
        escape(bytes, &mut self.escaped);
        self.out.write_all(&self.escaped)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
