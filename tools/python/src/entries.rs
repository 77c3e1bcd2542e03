//! Entries, one after the other.

use std::collections::VecDeque;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use sealbook::api::{self, ReadEntry};

use crate::errors::{Failure, detached, poisoned};
use crate::input::Input;

/// Entries that are read without the interpreter's lock, at most.
const AHEAD: usize = 4_096;

/// An entry as it stands in a file. It is read, and not judged: `verify` says whether
/// it may be believed.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Entry {
    read: ReadEntry,
    payload: PyOnceLock<Py<PyDict>>,
}

/// The entries of a file, in its order.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Entries {
    state: Mutex<State>,
    /// What the file is.
    #[pyo3(get)]
    format: String,
}

struct State {
    entries: api::Entries<'static>,
    ready: VecDeque<ReadEntry>,
    failed: Option<Failure>,
}

/// read(file)
/// --
///
/// The entries of a logbook, a bundle, a proof, a report or a table, one after the
/// other; `file` is a path or bytes, compressed or not. Nothing is judged.
///
/// Raises `NeedsStore`, `NotRecognised`, and `SealbookError` at the first line that is
/// no entry.
#[pyfunction]
pub(crate) fn read(py: Python<'_>, file: &Bound<'_, PyAny>) -> PyResult<Entries> {
    let input = Input::of(file)?;
    let entries = detached(py, move || Ok(api::entries(input.open()?)?))?;
    Ok(Entries {
        format: entries.format.to_string(),
        state: Mutex::new(State {
            entries,
            ready: VecDeque::new(),
            failed: None,
        }),
    })
}

impl State {
    fn read_on(&mut self) {
        for entry in self.entries.by_ref().take(AHEAD) {
            match entry {
                Ok(entry) => self.ready.push_back(entry),
                Err(error) => {
                    self.failed = Some(error.into());
                    return;
                }
            }
        }
    }
}

#[pymethods]
impl Entries {
    fn __iter__(entries: PyRef<'_, Self>) -> PyRef<'_, Self> {
        entries
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Entry>> {
        let pop = || -> PyResult<Option<ReadEntry>> {
            let mut state = self.state.lock().map_err(|_| poisoned())?;
            Ok(state.ready.pop_front())
        };
        let mut next = pop()?;
        if next.is_none() {
            detached(py, || {
                let lock = self.state.lock();
                let mut state =
                    lock.map_err(|_| Failure::new("internal", "another thread failed"))?;
                if state.ready.is_empty() && state.failed.is_none() {
                    state.read_on();
                }
                Ok(())
            })?;
            next = pop()?;
        }
        match next {
            Some(read) => Ok(Some(Entry {
                read,
                payload: PyOnceLock::new(),
            })),
            None => {
                let mut state = self.state.lock().map_err(|_| poisoned())?;
                state
                    .failed
                    .take()
                    .map_or(Ok(None), |failure| Err(failure.raise(py)))
            }
        }
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
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let payload = self.payload.get_or_try_init(py, || {
            let loads = LOADS.get_or_try_init(py, || {
                Ok::<_, PyErr>(py.import("json")?.getattr("loads")?.unbind())
            })?;
            let read = loads.bind(py).call1((self.payload_json(py),))?;
            Ok::<_, PyErr>(read.cast_into::<PyDict>()?.unbind())
        })?;
        Ok(payload.bind(py).clone())
    }
    /// A member of the payload.
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let value = self.payload(py)?.get_item(name)?;
        value.ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))
    }
    /// get(name, default=None)
    /// --
    ///
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
