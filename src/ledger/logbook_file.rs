//! Logbook files, the exchange format of third parties: JSON Lines, one entry
//! a line, blank lines ignored (SPEC §2).

use std::io::BufRead;

use super::bundle_file::DOES_NOT_DECOMPRESS;
use super::fault::{Fault, Format, NotChecked};
use super::lines::{Line, damage, read_line};
use super::position::Seq;
use super::source::{BATCH_BYTES, BATCH_ENTRIES, Event, Raw, ReadError, Source, Subject};

/// A logbook file as a source. The lines are parsed where they are judged, in
/// parallel.
pub struct LogbookFile<R> {
    reader: R,
    line: u64,
    /// The file cannot be read on.
    ended: bool,
}

impl<R: BufRead + Send> LogbookFile<R> {
    /// Reads a logbook from `reader`.
    pub fn new(reader: R) -> LogbookFile<R> {
        LogbookFile {
            reader,
            line: 0,
            ended: false,
        }
    }
}

impl<R: BufRead + Send> Source for LogbookFile<R> {
    fn subject(&self) -> Subject {
        Subject {
            format: Format::Logbook,
            log: None,
            genesis: None,
            first_seq: Seq::FIRST,
            last_seq: None,
            contiguous: true,
            not_checked: vec![NotChecked::Truncation],
        }
    }

    fn next_batch(&mut self, batch: &mut Vec<Event>) -> Result<(), ReadError> {
        let mut weight = 0;
        while !self.ended && batch.len() < BATCH_ENTRIES && weight < BATCH_BYTES {
            let line = match read_line(&mut self.reader) {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.ended = true;
                    let code = damage(&error).ok_or(error)?;
                    let fault = Fault::of_file(code, DOES_NOT_DECOMPRESS);
                    batch.push(Event::Fault(fault.on_line(Some(self.line + 1))));
                    return Ok(());
                }
            };
            self.line += 1;
            let raw = match line {
                Line::Whole { bytes, .. } if bytes.trim_ascii().is_empty() => continue,
                Line::Whole { bytes, .. } => Raw::LogbookLine(bytes),
                Line::TooLong { bytes } => Raw::TooLong { bytes },
            };
            weight += raw.weight();
            batch.push(Event::Entry(raw, Some(self.line)));
        }
        Ok(())
    }
}
