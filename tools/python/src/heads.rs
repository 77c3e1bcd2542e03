//! What a log published of itself: signed heads and epoch headers.

use std::io::Read as _;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sealbook::ledger::json::Form;
use sealbook::ledger::published::Published;
use sealbook::ledger::{limits, parse::parse_with};

use crate::errors::{Failure, detached};
use crate::input::Input;

/// A signed head or a signed epoch header.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Statement {
    published: Published,
    text: String,
    signed: bool,
}

/// Bytes of a file of statements, at most.
const BYTES: u64 = 1 << 30;

/// statements(file)
/// --
///
/// The signed heads and epoch headers in a file, one a line, as `sealbook head` and
/// `--publish` write them. `Statement.signed` says whether the log that one names
/// signed it; whether that log's key is to be trusted is yours to say.
#[pyfunction]
pub(crate) fn statements(py: Python<'_>, file: &Bound<'_, PyAny>) -> PyResult<Vec<Statement>> {
    let input = Input::of(file)?;
    detached(py, move || {
        let mut text = Vec::new();
        let read = input.open()?.take(BYTES).read_to_end(&mut text);
        read.map_err(|error| Failure::new("io", error.to_string()))?;
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        lines
            .map(|(number, line)| statement(number + 1, line))
            .collect()
    })
}

fn statement(number: usize, line: &[u8]) -> Result<Statement, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure {
        place: Some(format!("line {number}")),
        ..Failure::new("bad_input", format!("line {number}: {error}"))
    };
    let published = Published::from_line(line).map_err(|error| refused(&error))?;
    let value = parse_with(line, &limits::embedded(2)).map_err(|error| refused(&error))?;
    Ok(Statement {
        signed: published.to_anchor().signed,
        text: value.canonical(Form::Utf8),
        published,
    })
}

#[pymethods]
impl Statement {
    /// The number of the last entry that it speaks of.
    #[getter]
    fn seq(&self) -> u64 {
        self.published.seq().0
    }
    /// The hash of that entry.
    #[getter]
    fn hash(&self) -> String {
        self.published.to_anchor().hash.to_string()
    }
    /// The log's key.
    #[getter]
    fn log(&self) -> String {
        self.published.log().0.to_string()
    }
    /// The hash of the log's entry 0.
    #[getter]
    fn genesis(&self) -> String {
        self.published.log().1.to_string()
    }
    /// Whether the log that it names signed it.
    #[getter]
    fn signed(&self) -> bool {
        self.signed
    }
    /// The statement as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let loads = py.import("json")?.getattr("loads")?;
        Ok(loads.call1((&self.text,))?.cast_into::<PyDict>()?)
    }
    fn __repr__(&self) -> String {
        format!("<Statement of entry {} of {}>", self.seq(), self.log())
    }
}
