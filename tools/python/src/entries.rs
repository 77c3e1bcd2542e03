//! Entries, one after the other.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyCapsule, PyDict, PyString};
use sealbook::api::{self, ReadEntry};
use sealbook::ledger::position::Seq;
use sealbook::parquet::{Row, record_batch};

use crate::ahead::{Ahead, Rows};
use crate::errors::Failure;
use crate::input::{Input, on_file};
use crate::records::from_json;
use crate::table::{Layout, stream};

/// An entry as it stands in a file. It is read, and not judged: `verify` says whether
/// it may be believed.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Entry {
    read: ReadEntry,
    payload: PyOnceLock<Py<PyDict>>,
}

impl From<ReadEntry> for Entry {
    fn from(read: ReadEntry) -> Entry {
        let payload = PyOnceLock::new();
        Entry { read, payload }
    }
}

/// The entries of a file, in its order. They are given once: what was not iterated over is
/// what Arrow takes (`pyarrow.table(entries)`), by `__arrow_c_stream__`.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Entries {
    /// Each with its place, which is its number in a logbook.
    entries: Ahead<(u64, ReadEntry)>,
    /// What the file is.
    #[pyo3(get)]
    format: String,
}

/// The entries of a logbook, a bundle, a proof, a report or a table, one after the
/// other; `file` is a path or bytes, compressed or not. Nothing is judged.
///
/// Raises `NeedsStore`, `NotRecognised`, and `SealbookError` at the first line that is
/// no entry.
#[pyfunction]
pub(crate) fn read(py: Python<'_>, file: Input) -> PyResult<Entries> {
    on_file(py, file, |file| {
        let found = api::entries(file.open()?);
        let found = found.map_err(|error| Failure::in_file(&file, error))?;
        let format = found.format.to_string();
        let entries = (0..).zip(found).map(move |(place, entry)| {
            let entry = entry.map_err(|error| Failure::in_file(&file, error))?;
            Ok((place, entry))
        });
        Ok(Entries {
            format,
            entries: Ahead::new(Box::new(entries)),
        })
    })
}

/// The entries of a file as an Arrow table with the columns of `sealbook export
/// --format parquet`: `pyarrow.table(it)`, `polars.DataFrame(it)`, or anything else that
/// takes an Arrow stream. Nothing is judged.
#[pyfunction]
pub(crate) fn table(py: Python<'_>, file: Input) -> PyResult<Entries> {
    read(py, file)
}

#[pymethods]
impl Entries {
    fn __iter__(entries: PyRef<'_, Self>) -> PyRef<'_, Self> {
        entries
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Entry>> {
        Ok(self.entries.next(py)?.map(|(_, entry)| entry.into()))
    }

    /// The entries that were not given yet, by the C data interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A consumer that wants other types casts them, as the interface allows.
        drop(requested_schema);
        let empty = record_batch(&[]).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let layout = Layout {
            schema: empty.schema(),
            weigh: |row: &Row| row.entry.record().len(),
            make: Box::new(record_batch),
        };
        let entries = self.entries.take()?;
        let rows = entries.map(|entries| -> Rows<Row> {
            Box::new(entries.map(|read| {
                let (place, read) = read?;
                Ok(Row {
                    seq: read.seq.unwrap_or(Seq(place)),
                    epoch: read.epoch,
                    entry: read.entry,
                    path: None,
                })
            }))
        });
        stream(py, rows, layout)
    }

    fn __repr__(&self) -> String {
        format!("<Entries of a {}>", self.format)
    }
}

#[pymethods]
impl Entry {
    /// Its number; none in a logbook, where the place is the number.
    #[getter]
    fn seq(&self) -> Option<u64> {
        self.read.seq.map(|seq| seq.0)
    }
    /// The epoch whose header stands before it.
    #[getter]
    fn epoch(&self) -> Option<u64> {
        self.read.epoch
    }
    /// Its line in the file, from 1.
    #[getter]
    fn line(&self) -> Option<u64> {
        self.read.line
    }
    #[getter]
    fn kind(&self) -> &str {
        self.read.entry.kind()
    }
    /// The time as it is signed.
    #[getter]
    fn ts(&self) -> String {
        self.read.entry.ts().to_string()
    }
    /// Microseconds since 1970, UTC.
    #[getter]
    fn micros(&self) -> i64 {
        self.read.entry.ts().unix_micros()
    }
    /// The time, as a `datetime` in UTC.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static READ: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let read = READ.get_or_try_init(py, || {
            let class = py.import("datetime")?.getattr("datetime")?;
            class.getattr("fromisoformat").map(Bound::unbind)
        })?;
        read.bind(py).call1((self.ts(),))
    }
    #[getter]
    fn hash(&self) -> String {
        self.read.entry.hash().to_string()
    }
    #[getter]
    fn prev_hash(&self) -> String {
        self.read.entry.prev_hash().to_string()
    }
    #[getter]
    fn signature(&self) -> String {
        self.read.entry.signature().to_string()
    }
    /// The canonical JSON of the payload.
    #[getter]
    fn payload_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let text = std::str::from_utf8(self.read.entry.payload_bytes());
        PyString::new(py, text.unwrap_or_default())
    }
    /// The payload; read once.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let payload = self.payload.get_or_try_init(py, || {
            let text = std::str::from_utf8(self.read.entry.payload_bytes());
            let read = from_json(py, text.unwrap_or_default())?;
            Ok::<_, PyErr>(read.cast_into::<PyDict>()?.unbind())
        })?;
        Ok(payload.bind(py).clone())
    }
    /// A member of the payload.
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let value = self.payload(py)?.get_item(name)?;
        value.ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))
    }
    /// A member of the payload, or `default`.
    #[pyo3(signature = (name, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let value = self.payload(py)?.get_item(name)?;
        Ok(value
            .or(default)
            .unwrap_or_else(|| py.None().into_bound(py)))
    }
    fn __repr__(&self) -> String {
        let seq = self.seq().map_or(String::new(), |seq| format!(" {seq}"));
        format!("<Entry{seq} {} {}>", self.kind(), self.ts())
    }
}
