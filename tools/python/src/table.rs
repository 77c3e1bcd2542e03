//! Rows as a stream of Arrow batches, handed over by the C data interface.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::ahead::Rows;
use crate::errors::{AT_FAULT, Failure};

/// Rows of a batch, at most.
const ROWS: usize = 8_192;

/// Bytes from which on a batch is full.
const BYTES: usize = 16 << 20;

/// What makes a batch of rows.
type Make<T> = dyn Fn(&[T]) -> Result<RecordBatch, ArrowError> + Send;

/// How rows of one sort become a batch.
pub(crate) struct Layout<T> {
    /// The columns.
    pub(crate) schema: SchemaRef,
    /// Bytes of a row, about.
    pub(crate) weigh: fn(&T) -> usize,
    /// Makes a batch.
    pub(crate) make: Box<Make<T>>,
}

/// The rows as a capsule of the C data interface; none if they were taken before.
pub(crate) fn stream<T: Send + 'static>(
    py: Python<'_>,
    rows: Option<Rows<T>>,
    layout: Layout<T>,
) -> PyResult<Bound<'_, PyCapsule>> {
    let rows = rows.ok_or_else(|| PyValueError::new_err("the table was taken already"))?;
    let batches = Batches {
        rows: Some(rows),
        layout,
    };
    let stream = FFI_ArrowArrayStream::new(Box::new(batches));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

struct Batches<T> {
    /// None after the last, or an error.
    rows: Option<Rows<T>>,
    layout: Layout<T>,
}

impl<T> Batches<T> {
    fn read_on(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let (mut ready, mut bytes) = (Vec::new(), 0_usize);
        let Some(mut rows) = self.rows.take() else {
            return Ok(None);
        };
        while ready.len() < ROWS && bytes < BYTES {
            match rows.next() {
                None => {
                    return (!ready.is_empty())
                        .then(|| (self.layout.make)(&ready))
                        .transpose();
                }
                Some(Err(Failure { code, message, .. })) => {
                    return Err(failed(&format!("{code}: {message}")));
                }
                Some(Ok(row)) => {
                    bytes = bytes.saturating_add((self.layout.weigh)(&row));
                    ready.push(row);
                }
            }
        }
        self.rows = Some(rows);
        (self.layout.make)(&ready).map(Some)
    }
}

impl<T> Iterator for Batches<T> {
    type Item = Result<RecordBatch, ArrowError>;

    /// Neither a panic nor a text with a NUL must leave for C: Arrow ends the program at
    /// both.
    fn next(&mut self) -> Option<Self::Item> {
        let read = catch_unwind(AssertUnwindSafe(|| self.read_on()));
        match read {
            Ok(Ok(batch)) => batch.map(Ok),
            Ok(Err(ArrowError::IoError(text, _))) => Some(Err(failed(&text))),
            Ok(Err(error)) => Some(Err(failed(&error.to_string()))),
            Err(_) => Some(Err(failed(AT_FAULT))),
        }
    }
}

fn failed(text: &str) -> ArrowError {
    let text = text.replace('\0', "\\0");
    ArrowError::IoError(text.clone(), std::io::Error::other(text))
}

impl<T> RecordBatchReader for Batches<T> {
    fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }
}
