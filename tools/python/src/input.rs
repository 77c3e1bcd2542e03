//! What files are given as: a path, or their bytes.

use std::fs::File;
use std::io::{Cursor, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};
use sealbook::Error;
use sealbook::parquet::is_set;
use sealbook::record::hall_files::read_from;

use crate::errors::{Failure, detached};

/// The most that a pipe may give.
const PIPE_BYTES: u64 = 4 << 30;

/// A file, by its path or its content.
#[derive(Clone)]
pub(crate) enum Input {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

impl<'py> FromPyObject<'_, 'py> for Input {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Input> {
        if let Ok(bytes) = given.cast::<PyBytes>() {
            return Ok(Input::Bytes(bytes.as_bytes().into()));
        }
        if let Ok(bytes) = given.cast::<PyByteArray>() {
            return Ok(Input::Bytes(bytes.to_vec().into()));
        }
        if given.cast::<PyMemoryView>().is_ok() {
            let bytes = given.call_method0("tobytes")?;
            return Ok(Input::Bytes(bytes.cast::<PyBytes>()?.as_bytes().into()));
        }
        let path = given.extract::<PathBuf>();
        path.map(Input::Path)
            .map_err(|_| PyTypeError::new_err("a path or bytes are needed"))
    }
}

impl Input {
    /// What it is called in errors.
    pub(crate) fn name(&self) -> &Path {
        match self {
            Input::Path(path) => path,
            Input::Bytes(_) => Path::new("the bytes that were given"),
        }
    }

    /// What is wrong with it, as an error.
    pub(crate) fn refused(&self, code: &'static str, what: &dyn std::fmt::Display) -> Failure {
        let name = self.name().display();
        Failure {
            place: matches!(self, Input::Path(_)).then(|| name.to_string()),
            ..Failure::new(code, format!("{name}: {what}"))
        }
    }

    /// Refuses a ledger's folder, which only a build with a database opens.
    pub(crate) fn is_no_ledger(&self) -> Result<(), Failure> {
        match self {
            Input::Path(path) if path.join("db").is_dir() => Err(self.needs_store()),
            _ => Ok(()),
        }
    }

    fn needs_store(&self) -> Failure {
        let what = "a folder needs the store, which this package has not: run `sealbook verify`, \
                    or export a bundle or a logbook of it";
        self.refused("needs_store", &what)
    }

    /// Its bytes.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Failure> {
        Ok(match self {
            Input::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Input::Path(path) if is_set(path) => {
                return Err(self.refused("not_recognised", &"it is a folder: name a file in it"));
            }
            Input::Path(path) if path.is_dir() => return Err(self.needs_store()),
            Input::Path(path) => Box::new(File::open(path).map_err(|error| self.failed(error))?),
        })
    }

    /// What the system said of it.
    pub(crate) fn failed(&self, source: std::io::Error) -> Failure {
        let path = self.name().to_owned();
        Error::File { path, source }.into()
    }

    /// The same, which can be read again: a pipe is read here, and `-` is a file's name.
    pub(crate) fn settled(self) -> Result<Input, Failure> {
        let Input::Path(path) = &self else {
            return Ok(self);
        };
        let kind = std::fs::metadata(path).map(|found| found.file_type());
        if kind.is_ok_and(|kind| kind.is_fifo()) {
            let (mut bytes, mut pipe) = (Vec::new(), self.open()?.take(PIPE_BYTES + 1));
            let read = pipe.read_to_end(&mut bytes);
            read.map_err(|error| self.failed(error))?;
            if bytes.len() as u64 > PIPE_BYTES {
                let what = "it is a pipe of more than 4 GiB: save it to a file first";
                return Err(self.refused("too_large", &what));
            }
            return Ok(Input::Bytes(bytes.into()));
        }
        Ok(match path.as_path() == Path::new("-") {
            true => Input::Path(Path::new(".").join(path)),
            false => self,
        })
    }

    /// All of its bytes, which are no more than `limit`.
    pub(crate) fn read(&self, limit: usize) -> Result<Vec<u8>, Failure> {
        let read = read_from(self.open()?, self.name(), limit);
        Ok(read.map_err(Error::from)?)
    }
}

/// Works on a file without the interpreter's lock.
pub(crate) fn on_file<T: Send>(
    py: Python<'_>,
    file: Input,
    work: impl FnOnce(Input) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    detached(py, move || work(file.settled()?))
}

/// Files that can be read again.
pub(crate) fn settled(files: impl IntoIterator<Item = Input>) -> Result<Vec<Input>, Failure> {
    files.into_iter().map(Input::settled).collect()
}
