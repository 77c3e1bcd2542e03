//! What files are given as: a path, or their bytes.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use sealbook::Error;
use sealbook::parquet::is_set;

use crate::errors::Failure;

/// A file, by its path or its content.
pub(crate) enum Input {
    Path(PathBuf),
    Bytes(Vec<u8>),
}

impl Input {
    pub(crate) fn of(given: &Bound<'_, PyAny>) -> PyResult<Input> {
        if let Ok(bytes) = given.extract::<Vec<u8>>()
            && !given.is_instance_of::<pyo3::types::PyList>()
        {
            return Ok(Input::Bytes(bytes));
        }
        match given.extract::<PathBuf>() {
            Ok(path) => Ok(Input::Path(path)),
            Err(_) => Err(PyTypeError::new_err("a path or bytes are needed")),
        }
    }

    /// Refuses a ledger's folder, which only a build with a database opens.
    pub(crate) fn is_file(&self) -> Result<(), Failure> {
        match self {
            Input::Path(path) if path.is_dir() && !is_set(path) => Err(Failure {
                place: Some(path.display().to_string()),
                ..Failure::new(
                    "needs_store",
                    format!(
                        "{}: a folder needs the store, which this package has not: run \
                         `sealbook verify`, or export a bundle or a logbook of it",
                        path.display()
                    ),
                )
            }),
            _ => Ok(()),
        }
    }

    /// Its bytes.
    pub(crate) fn open(self) -> Result<Box<dyn Read + Send>, Failure> {
        self.is_file()?;
        Ok(match self {
            Input::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Input::Path(path) => match File::open(&path) {
                Ok(file) => Box::new(file),
                Err(source) => return Err(Error::File { path, source }.into()),
            },
        })
    }
}
