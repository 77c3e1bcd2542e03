//! Logbook files, the exchange format of third parties: JSON Lines, one entry
//! a line, blank lines ignored (SPEC §2).
//!
//! A byte-order mark, lines that end in CR LF, and a last line without a newline
//! do not change what the entries are; each is said as a warning. Compression is
//! undone before; what does not decompress is a fault where it happens.

use std::io::{self, BufRead};

use super::checkpoint::Checkpoint;
use super::fault::{Fault, FaultCode, Format, NotChecked, WarningCode};
use super::hash::{Hash, Hasher};
use super::limits;
use super::lines::{Line, damage, read_line};
use super::position::Seq;
use super::source::{
    BATCH_BYTES, BATCH_ENTRIES, DOES_NOT_DECOMPRESS, Event, FIRST_ENTRIES, Offset, Raw, ReadError,
    Source, Subject,
};

/// UTF-8's byte-order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A logbook file as a source. The lines are parsed where they are judged, in
/// parallel.
pub struct LogbookFile<R> {
    reader: Hashing<R>,
    line: u64,
    returns: u64,
    blank: u64,
    first: bool,
    ended: bool,
    /// What is said after the entries so far.
    pending: Vec<Event>,
}

impl<R: BufRead + Send> LogbookFile<R> {
    pub fn new(reader: R) -> LogbookFile<R> {
        LogbookFile::starting(Hashing::new(reader, None), 0)
    }

    /// Reads a logbook, and says between batches how far it came
    /// ([`Event::Offset`]).
    pub fn with_offsets(reader: R) -> LogbookFile<R> {
        LogbookFile::starting(Hashing::new(reader, Some(Hasher::new())), 0)
    }

    /// Goes on after a checkpoint: reads the bytes before it again, and holds
    /// them against it.
    pub fn resumed(reader: R, at: &Checkpoint) -> Result<LogbookFile<R>, ResumeError> {
        let mut reader = Hashing::new(reader, Some(Hasher::new()));
        reader.pass(at.bytes)?;
        if reader.bytes != at.bytes || reader.hash() != Some(at.hash) {
            return Err(ResumeError::Changed);
        }
        Ok(LogbookFile::starting(reader, at.lines))
    }

    /// Goes on after a checkpoint that is taken on trust; `reader` stands at it
    /// already, or is to skip to it. Says no offsets: the bytes before were not
    /// read.
    pub fn skipped(reader: R, at: &Checkpoint, skip: u64) -> Result<LogbookFile<R>, ResumeError> {
        let mut reader = Hashing::new(reader, None);
        reader.pass(skip)?;
        if reader.bytes != skip {
            return Err(ResumeError::Changed);
        }
        Ok(LogbookFile::starting(reader, at.lines))
    }

    fn starting(reader: Hashing<R>, line: u64) -> LogbookFile<R> {
        LogbookFile {
            reader,
            line,
            returns: 0,
            blank: 0,
            first: line == 0,
            ended: false,
            pending: Vec::new(),
        }
    }

    /// The next line that is not blank. Adds to `pending` what is to be said
    /// about it.
    fn read(&mut self) -> Result<Option<Raw>, ReadError> {
        loop {
            let before = self.reader.mark();
            let line = match read_line(&mut self.reader) {
                Ok(line) => line,
                Err(error) => {
                    let code = damage(&error).ok_or(error)?;
                    return Ok(self.damaged(code));
                }
            };
            let Some(line) = line else {
                self.end();
                return Ok(None);
            };
            self.line += 1;
            match line {
                Line::TooLong { bytes } => {
                    self.first = false;
                    if bytes >= limits::PASSED_OVER_BYTES {
                        self.reader.forget();
                        self.end();
                    }
                    return Ok(Some(Raw::TooLong { bytes }));
                }
                Line::Whole { mut bytes, ended } => {
                    self.note_ends(&mut bytes, ended, before);
                    if !bytes.trim_ascii().is_empty() {
                        return Ok(Some(Raw::LogbookLine(bytes)));
                    }
                    self.blank += 1;
                    if self.blank > limits::BLANK_LINES {
                        let most = limits::BLANK_LINES;
                        let detail =
                            format!("more than {most} lines are blank: the rest is not read");
                        let fault = Fault::of_file(FaultCode::SchemaViolation, detail);
                        self.pending
                            .push(Event::Fault(fault.on_line(Some(self.line))));
                        self.reader.forget();
                        self.end();
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// What is special about a line, and does not change the entry.
    fn note_ends(&mut self, bytes: &mut Vec<u8>, ended: bool, before: ReaderMark) {
        if self.first && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
            let detail = "the file begins with a byte-order mark".to_owned();
            self.pending
                .push(Event::Warning(WarningCode::ByteOrderMark, detail));
        }
        self.first = false;
        let blank = bytes.trim_ascii().is_empty();
        if ended && bytes.ends_with(b"\r") {
            self.returns += 1;
        } else if !ended && !blank {
            // A file that grows may end in the middle of a line: the next
            // reading begins with that line.
            self.pending
                .extend(before.offset(self.line - 1).map(Event::Offset));
            let midway = breaks_off(bytes);
            self.pending.push(Event::Unended { midway });
            self.reader.forget();
        }
    }

    fn damaged(&mut self, code: FaultCode) -> Option<Raw> {
        let fault = Fault::of_file(code, DOES_NOT_DECOMPRESS).on_line(Some(self.line + 1));
        self.pending.push(Event::Fault(fault));
        self.reader.forget();
        self.end();
        None
    }

    fn end(&mut self) {
        self.ended = true;
        if self.returns > 0 {
            let detail = format!("{} lines end in CR LF", self.returns);
            self.pending
                .push(Event::Warning(WarningCode::LineEnds, detail));
        }
    }
}

/// Whether these are the beginning of a document and not the whole of one.
fn breaks_off(line: &[u8]) -> bool {
    let read = serde_json::from_slice::<serde::de::IgnoredAny>(line);
    read.is_err_and(|error| error.is_eof())
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
        let room = match self.line {
            0 => FIRST_ENTRIES,
            _ => BATCH_ENTRIES,
        };
        while !self.ended && batch.len() < room && weight < BATCH_BYTES {
            let raw = self.read()?;
            // Where the file was left is said before the entry that is cut, that
            // it is cut after it.
            let unended = |event: &Event| matches!(event, Event::Unended { .. });
            let after = self.pending.iter().position(unended);
            let late = self.pending.split_off(after.unwrap_or(self.pending.len()));
            batch.append(&mut self.pending);
            if let Some(raw) = raw {
                weight += raw.weight();
                batch.push(Event::Entry(raw, Some(self.line)));
            }
            batch.extend(late);
        }
        if !batch.is_empty() {
            batch.extend(self.reader.offset(self.line).map(Event::Offset));
        }
        Ok(())
    }
}

/// Why a verification could not go on where an earlier one stopped.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    #[error("the file does not begin with the bytes that were verified then")]
    Changed,
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// A reader that counts and hashes what is consumed.
struct Hashing<R> {
    inner: R,
    hasher: Option<Hasher>,
    bytes: u64,
}

impl<R: BufRead> Hashing<R> {
    fn new(inner: R, hasher: Option<Hasher>) -> Hashing<R> {
        Hashing {
            inner,
            hasher,
            bytes: 0,
        }
    }

    fn hash(&self) -> Option<Hash> {
        self.hasher.as_ref().map(Hasher::so_far)
    }

    /// No offset can be said from here on.
    fn forget(&mut self) {
        self.hasher = None;
    }

    fn mark(&self) -> ReaderMark {
        ReaderMark {
            hasher: self.hasher.clone(),
            bytes: self.bytes,
        }
    }

    fn offset(&self, lines: u64) -> Option<Offset> {
        self.mark().offset(lines)
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let end = self.bytes.saturating_add(bytes);
        while self.bytes < end {
            let available = self.fill_buf()?.len() as u64;
            if available == 0 {
                break;
            }
            let taken = available.min(end - self.bytes);
            self.consume(usize::try_from(taken).unwrap_or(usize::MAX));
        }
        Ok(())
    }
}

/// A place that a reader stood at.
struct ReaderMark {
    hasher: Option<Hasher>,
    bytes: u64,
}

impl ReaderMark {
    fn offset(self, lines: u64) -> Option<Offset> {
        let bytes = self.bytes;
        let hash = self.hasher?.finish();
        Some(Offset { bytes, hash, lines })
    }
}

impl<R: BufRead> io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = io::Read::read(&mut available, buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(hasher) = &mut self.hasher
            // What is consumed was filled before: this reads nothing.
            && let Ok(filled) = self.inner.fill_buf()
        {
            hasher.update(filled.get(..amount).unwrap_or(filled));
        }
        self.bytes += amount as u64;
        self.inner.consume(amount);
    }
}
