//! Errors as exceptions, which carry the code and the place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use sealbook::Error;

/// What went wrong, before it is an exception.
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) place: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure {
            code: error.code(),
            message: error.to_string(),
            place: error.place().map(|place| place.to_string()),
        }
    }
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            code,
            message: message.into(),
            place: None,
        }
    }

    /// The exception of `sealbook.errors` for the code.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        let made = || -> PyResult<PyErr> {
            let errors = py.import("sealbook.errors")?;
            let class = errors.getattr("of_code")?.call1((self.code,))?;
            let class = class.cast_into::<PyType>()?;
            let arguments = (&self.message, self.code, self.place.as_deref());
            Ok(PyErr::from_value(class.call1(arguments)?))
        };
        made().unwrap_or_else(|error| error)
    }
}

/// What is said of a panic.
pub(crate) const AT_FAULT: &str = "the library was at fault: tell its authors";

/// Runs `work` without the interpreter's lock. A panic in it is an exception as any
/// other, and not the end of the program.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(failure.raise(py)),
        Err(_) => {
            let failure = Failure::new("internal", AT_FAULT);
            Err(failure.raise(py))
        }
    }
}

/// A lock that another thread's panic left behind.
pub(crate) fn poisoned() -> PyErr {
    PyRuntimeError::new_err("another thread failed while it held this")
}
