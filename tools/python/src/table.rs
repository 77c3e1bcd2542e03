//! Entries as a stream of Arrow batches, handed over by the C data interface.

use std::sync::Mutex;

use arrow_array::RecordBatch;
use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use sealbook::api;
use sealbook::parquet::{Row, record_batch};

use crate::errors::{detached, poisoned};
use crate::input::Input;

/// Rows of a batch, at most.
const ROWS: usize = 8_192;

/// Bytes of entries from which on a batch is full.
const BYTES: usize = 16 << 20;

/// The entries of a file as a table, to be taken once: `pyarrow.table(it)`,
/// `polars.from_arrow(it)`, or anything else that takes an Arrow stream.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Table(Mutex<Option<Batches>>);

struct Batches {
    entries: api::Entries<'static>,
    schema: SchemaRef,
    /// Of a logbook, whose places are its numbers.
    next: u64,
    ended: bool,
}

/// table(file)
/// --
///
/// The entries of a file as an Arrow table with the columns of `sealbook export
/// --format parquet`. Nothing is judged.
#[pyfunction]
pub(crate) fn table(py: Python<'_>, file: &Bound<'_, PyAny>) -> PyResult<Table> {
    let input = Input::of(file)?;
    let entries = detached(py, move || Ok(api::entries(input.open()?)?))?;
    let empty = record_batch(&[]).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Table(Mutex::new(Some(Batches {
        entries,
        schema: empty.schema(),
        next: 0,
        ended: false,
    }))))
}

#[pymethods]
impl Table {
    /// The stream, by the C data interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A consumer that wants other types casts them, as the interface allows.
        drop(requested_schema);
        let taken = self.0.lock().map_err(|_| poisoned())?.take();
        let taken = taken.ok_or_else(|| PyValueError::new_err("the table was taken already"))?;
        let stream = FFI_ArrowArrayStream::new(Box::new(taken));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < ROWS && bytes < BYTES {
            match self.entries.next() {
                None => {
                    self.ended = true;
                    break;
                }
                Some(Err(error)) => {
                    self.ended = true;
                    let error = std::io::Error::other(error.to_string());
                    return Some(Err(ArrowError::IoError(error.to_string(), error)));
                }
                Some(Ok(read)) => {
                    bytes += read.entry.record().len();
                    let place = sealbook::ledger::position::Seq(self.next);
                    self.next += 1;
                    rows.push(Row {
                        seq: read.seq.unwrap_or(place),
                        epoch: read.epoch,
                        entry: read.entry,
                        path: None,
                    });
                }
            }
        }
        (!rows.is_empty()).then(|| record_batch(&rows))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
