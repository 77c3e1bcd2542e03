//! Verdicts as objects.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sealbook::ledger::fault::{self, Verdict};
use sealbook::ledger::json::Form;
use sealbook::ledger::shape;
use serde::Serialize;

/// One fault: what is wrong, where, and what had to stand there.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Fault(fault::Fault);

/// Something to know that is not a fault.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Warning(fault::Warning);

/// The verdict on a file. It is true where it passed.
#[pyclass(frozen, module = "sealbook")]
pub(crate) struct Report(pub(crate) fault::Report);

/// The word under which something is written in a report.
fn word(value: &impl Serialize) -> String {
    let word = shape::write(value);
    word.as_str().unwrap_or_default().to_owned()
}

#[pymethods]
impl Fault {
    #[getter]
    fn code(&self) -> String {
        word(&self.0.code)
    }
    #[getter]
    fn class_(&self) -> Option<String> {
        self.0.class.as_ref().map(word)
    }
    #[getter]
    fn at(&self) -> String {
        word(&self.0.at)
    }
    #[getter]
    fn index(&self) -> Option<u64> {
        self.0.index
    }
    #[getter]
    fn seq(&self) -> Option<u64> {
        self.0.seq
    }
    #[getter]
    fn line(&self) -> Option<u64> {
        self.0.line
    }
    #[getter]
    fn expected(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }
    #[getter]
    fn actual(&self) -> Option<&str> {
        self.0.actual.as_deref()
    }
    #[getter]
    fn detail(&self) -> &str {
        &self.0.detail
    }
    fn __repr__(&self) -> String {
        let index = self.0.index.map_or(String::new(), |at| format!(" {at}"));
        format!(
            "<Fault {} at {}{index}: {}>",
            self.code(),
            self.at(),
            self.0.detail
        )
    }
}

#[pymethods]
impl Warning {
    #[getter]
    fn code(&self) -> String {
        word(&self.0.code)
    }
    #[getter]
    fn detail(&self) -> &str {
        &self.0.detail
    }
    fn __repr__(&self) -> String {
        format!("<Warning {}: {}>", self.code(), self.0.detail)
    }
}

#[pymethods]
impl Report {
    #[getter]
    fn passed(&self) -> bool {
        self.0.verdict == Verdict::Pass
    }
    #[getter]
    fn verdict(&self) -> &'static str {
        match self.0.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
        }
    }
    #[getter]
    fn format(&self) -> String {
        self.0.format.to_string()
    }
    #[getter]
    fn entries(&self) -> u64 {
        self.0.entries
    }
    #[getter]
    fn epochs(&self) -> u64 {
        self.0.epochs
    }
    #[getter]
    fn head(&self) -> String {
        self.0.head.to_string()
    }
    #[getter]
    fn log(&self) -> Option<String> {
        self.0.log.map(|key| key.to_string())
    }
    #[getter]
    fn genesis(&self) -> Option<String> {
        self.0.genesis.map(|hash| hash.to_string())
    }
    #[getter]
    fn key_source(&self) -> String {
        word(&self.0.key_source)
    }
    #[getter]
    fn faults(&self) -> Vec<Fault> {
        self.0.faults.iter().cloned().map(Fault).collect()
    }
    #[getter]
    fn warnings(&self) -> Vec<Warning> {
        self.0.warnings.iter().cloned().map(Warning).collect()
    }
    #[getter]
    fn not_checked(&self) -> Vec<String> {
        self.0.not_checked.iter().map(word).collect()
    }
    /// The report as `sealbook --json verify` prints it, but for `elapsed_ms`.
    fn to_json(&self) -> String {
        shape::write(&self.0).canonical(Form::Utf8)
    }
    /// The same as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let loads = py.import("json")?.getattr("loads")?;
        Ok(loads.call1((self.to_json(),))?.cast_into::<PyDict>()?)
    }
    fn __bool__(&self) -> bool {
        self.passed()
    }
    fn __repr__(&self) -> String {
        format!(
            "<Report {} {} {} entries {} epochs {} faults>",
            self.verdict(),
            self.0.format,
            self.0.entries,
            self.0.epochs,
            self.0.faults.len()
        )
    }
}
