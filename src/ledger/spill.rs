//! What does not fit in memory while a log is verified: temporary files that the caller
//! makes, and records in them.
//!
//! Nothing here is a part of any format: a file is written, read again by the same
//! verification, and gone.

use std::fmt;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use thiserror::Error;

/// Records that stay in memory, where nothing else is said.
pub const IN_MEMORY: usize = 1 << 16;

/// Bytes of a record.
pub(crate) const RECORD: usize = 72;

/// Bytes that are read or written together.
const BUFFER: usize = 64 << 10;

/// Makes the files for what does not fit in memory.
pub trait Spill: fmt::Debug + Send + Sync {
    /// A new file without bytes. Nobody else reads it, and with its value it is gone.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self) -> io::Result<Box<dyn SpillFile>>;

    /// Where the files lie, in words for people.
    fn place(&self) -> String;

    /// How many records, some 72 bytes each, stay in memory before a file is made.
    fn in_memory(&self) -> usize {
        IN_MEMORY
    }
}

/// A file that is written and then read.
pub trait SpillFile: Read + Write + Seek + Send + fmt::Debug {}

impl<T: Read + Write + Seek + Send + fmt::Debug> SpillFile for T {}

/// A temporary file could not be made, written or read. Nothing is known of the log then.
#[derive(Debug, Error)]
#[error("a temporary file in {place} could not be made, written or read: {source}")]
pub struct SpillError {
    /// Where the files lie.
    pub place: String,
    /// What the system said.
    pub source: io::Error,
}

/// What is written to such a file.
pub(crate) trait Record: Sized {
    fn to_record(&self) -> [u8; RECORD];

    /// The inverse of [`Record::to_record`].
    fn from_record(bytes: &[u8; RECORD]) -> Option<Self>;
}

/// A file to which records are written, one after the other.
#[derive(Debug)]
pub(crate) struct RecordWriter {
    spill: Arc<dyn Spill>,
    file: BufWriter<Box<dyn SpillFile>>,
    records: u64,
}

impl RecordWriter {
    pub(crate) fn begin(spill: &Arc<dyn Spill>) -> Result<RecordWriter, SpillError> {
        let file = spill.file().map_err(|error| failed(&**spill, error))?;
        Ok(RecordWriter {
            spill: Arc::clone(spill),
            file: BufWriter::with_capacity(BUFFER, file),
            records: 0,
        })
    }

    /// How many were written.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    pub(crate) fn push(&mut self, record: &impl Record) -> Result<(), SpillError> {
        self.records += 1;
        let written = self.file.write_all(&record.to_record());
        written.map_err(|error| failed(&*self.spill, error))
    }

    pub(crate) fn finish(self) -> Result<Records, SpillError> {
        let RecordWriter {
            spill,
            file,
            records,
        } = self;
        match file.into_inner() {
            Ok(file) => Ok(Records {
                spill,
                file,
                records,
            }),
            Err(error) => Err(failed(&*spill, error.into_error())),
        }
    }
}

/// A file with records.
#[derive(Debug)]
pub(crate) struct Records {
    spill: Arc<dyn Spill>,
    file: Box<dyn SpillFile>,
    records: u64,
}

impl Records {
    /// Some of them, read at once: `records` from the number `first` on.
    pub(crate) fn read<R: Record>(
        &mut self,
        first: u64,
        records: usize,
    ) -> Result<Vec<R>, SpillError> {
        let mut bytes = vec![0; records * RECORD];
        let start = SeekFrom::Start(first * RECORD as u64);
        let sought = self.file.seek(start);
        let read = sought.and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|error| failed(&*self.spill, error))?;
        let (records, _) = bytes.as_chunks();
        records
            .iter()
            .map(|bytes| of(&*self.spill, bytes))
            .collect()
    }

    /// All of them, in their order. After an error there are no more.
    pub(crate) fn all<R: Record>(
        mut self,
    ) -> Result<impl Iterator<Item = Result<R, SpillError>>, SpillError> {
        let sought = self.file.rewind();
        sought.map_err(|error| failed(&*self.spill, error))?;
        let mut file = BufReader::with_capacity(BUFFER, self.file);
        let mut left = self.records;
        Ok(std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let mut bytes = [0; RECORD];
            let read = file.read_exact(&mut bytes);
            let read = read.map_err(|error| failed(&*self.spill, error));
            let record = read.and_then(|()| of(&*self.spill, &bytes));
            if record.is_err() {
                left = 0;
            }
            Some(record)
        }))
    }
}

fn of<R: Record>(spill: &dyn Spill, bytes: &[u8; RECORD]) -> Result<R, SpillError> {
    let record = R::from_record(bytes);
    record.ok_or_else(|| failed(spill, io::ErrorKind::InvalidData.into()))
}

fn failed(spill: &dyn Spill, source: io::Error) -> SpillError {
    SpillError {
        place: spill.place(),
        source,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use std::io::Cursor;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Files in memory, of which each call after some fails.
    #[derive(Debug)]
    pub(crate) struct InMemory {
        pub(crate) in_memory: usize,
        left: Arc<AtomicUsize>,
        made: AtomicUsize,
    }

    impl InMemory {
        pub(crate) fn with(in_memory: usize) -> Arc<InMemory> {
            InMemory::failing_after(in_memory, usize::MAX)
        }

        /// The same, whose files are made, written and read so many times.
        pub(crate) fn failing_after(in_memory: usize, calls: usize) -> Arc<InMemory> {
            Arc::new(InMemory {
                in_memory,
                left: Arc::new(AtomicUsize::new(calls)),
                made: AtomicUsize::new(0),
            })
        }

        /// Files that were made.
        pub(crate) fn made(&self) -> usize {
            self.made.load(Ordering::Relaxed)
        }
    }

    impl Spill for InMemory {
        fn file(&self) -> io::Result<Box<dyn SpillFile>> {
            count_down(&self.left)?;
            self.made.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Failing {
                bytes: Cursor::default(),
                left: Arc::clone(&self.left),
            }))
        }

        fn place(&self) -> String {
            "memory".to_owned()
        }

        fn in_memory(&self) -> usize {
            self.in_memory
        }
    }

    #[derive(Debug)]
    struct Failing {
        bytes: Cursor<Vec<u8>>,
        left: Arc<AtomicUsize>,
    }

    fn count_down(left: &AtomicUsize) -> io::Result<()> {
        let down = |left: usize| left.checked_sub(1);
        match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, down) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            count_down(&self.left)?;
            self.bytes.read(into)
        }
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            count_down(&self.left)?;
            self.bytes.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            count_down(&self.left)?;
            self.bytes.seek(to)
        }
    }

    impl Record for u8 {
        fn to_record(&self) -> [u8; RECORD] {
            [*self; RECORD]
        }

        fn from_record(bytes: &[u8; RECORD]) -> Option<u8> {
            let [first, rest @ ..] = bytes;
            rest.iter().all(|byte| byte == first).then_some(*first)
        }
    }

    #[test]
    fn records_are_read_as_they_were_written_or_not_at_all() {
        let written = |calls| -> Result<Vec<u8>, SpillError> {
            let spill: Arc<dyn Spill> = InMemory::failing_after(0, calls);
            let mut writer = RecordWriter::begin(&spill)?;
            for n in 0..9_u8 {
                writer.push(&n)?;
            }
            assert_eq!(writer.records(), 9);
            let mut records = writer.finish()?;
            assert_eq!(records.read::<u8>(3, 2)?, [3, 4]);
            assert_eq!(records.read::<u8>(8, 1)?, [8]);
            records.all()?.collect()
        };
        let all: Vec<_> = (0..9).collect();
        assert_eq!(written(usize::MAX).unwrap(), all);
        // A file, a write, and three times a seek with a read.
        for calls in 0..8 {
            let error = written(calls).unwrap_err().to_string();
            assert!(error.starts_with("a temporary file in memory "), "{error}");
        }
        assert_eq!(written(8).unwrap(), all);
    }

    #[test]
    fn what_was_cut_off_or_changed_is_an_error_and_no_end() {
        let spill: Arc<dyn Spill> = InMemory::with(0);
        let read = |bytes: &[u8]| {
            let mut file = spill.file().unwrap();
            file.write_all(bytes).unwrap();
            let records = Records {
                spill: Arc::clone(&spill),
                file,
                records: 2,
            };
            let read = records.all().unwrap();
            read.map(|record: Result<u8, _>| record.is_ok())
                .collect::<Vec<_>>()
        };
        let two = [[1; RECORD], [2; RECORD]].concat();
        assert_eq!(read(&two), [true, true]);
        assert_eq!(read(&two[1..]), [false]);
        assert_eq!(read(&two[..2 * RECORD - 1]), [true, false]);
        assert_eq!(read(&[]), [false]);
    }
}
