//! A Parquet file, read by place: to read one column moves no other reader.
//! The reader of a hostile file may fail in any way; a panic of it is a fault of the
//! file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;

use crate::ledger::fault::{Fault, FaultCode};
use crate::ledger::source::ReadError;

/// A file of a known length.
#[derive(Clone, Debug)]
pub(super) struct Input {
    file: Arc<File>,
    length: u64,
}

/// A place in it.
#[derive(Debug)]
pub(super) struct FilePlace {
    input: Input,
    at: u64,
}

impl Input {
    pub(super) fn new(file: File) -> io::Result<Input> {
        let length = file.metadata()?.len();
        let file = Arc::new(file);
        Ok(Input { file, length })
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Input {
    type T = BufReader<FilePlace>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(FilePlace {
            input: self.clone(),
            at: start,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} lie beyond the end"
            )));
        }
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, start);
        read.map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(bytes.into())
    }
}

impl Read for FilePlace {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.input.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Why a file is not read on.
#[derive(Debug)]
pub(super) enum ReadStop {
    /// It is damaged, and how.
    Damaged(String),
    /// It could not be read, of which nothing follows.
    Read(ReadError),
}

impl ReadStop {
    /// The fault of a file that is damaged.
    pub(super) fn fault(self) -> Result<Fault, ReadError> {
        match self {
            ReadStop::Damaged(detail) => Ok(Fault::of_file(FaultCode::BundleCorrupt, detail)),
            ReadStop::Read(error) => Err(error),
        }
    }
}

impl From<ParquetError> for ReadStop {
    fn from(error: ParquetError) -> ReadStop {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) if crate::ledger::lines::damage(&error).is_none() => {
                    ReadStop::Read((*error).into())
                }
                Ok(error) => damaged(&error),
                Err(inner) => damaged(&inner),
            },
            other => damaged(&other),
        }
    }
}

impl From<arrow_schema::ArrowError> for ReadStop {
    fn from(error: arrow_schema::ArrowError) -> ReadStop {
        match error {
            arrow_schema::ArrowError::ExternalError(inner) => {
                match inner.downcast::<ParquetError>() {
                    Ok(error) => (*error).into(),
                    Err(inner) => damaged(&inner),
                }
            }
            other => damaged(&other),
        }
    }
}

fn damaged(error: &impl std::fmt::Display) -> ReadStop {
    ReadStop::Damaged(format!("it is not a whole Parquet file: {error}"))
}

/// What `read` answers; a panic in it is damage.
pub(super) fn guarded<T, E>(read: impl FnOnce() -> Result<T, E>) -> Result<T, ReadStop>
where
    ReadStop: From<E>,
{
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(ReadStop::from),
        Err(_) => Err(ReadStop::Damaged(
            "it is not a whole Parquet file: its reader gave up".to_owned(),
        )),
    }
}
