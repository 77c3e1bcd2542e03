//! sealbook's verification and reading, for Python: the verdicts are the command's,
//! since they are made by the same functions.

// PyO3's macros pass Python's values by value.
#![allow(clippy::needless_pass_by_value)]

mod entries;
mod errors;
mod heads;
mod input;
mod report;
mod table;
mod verify;

use pyo3::prelude::*;

/// The compiled part of the package; `sealbook` has its names.
#[pymodule]
fn _sealbook(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<report::Report>()?;
    module.add_class::<report::Fault>()?;
    module.add_class::<report::Warning>()?;
    module.add_class::<entries::Entry>()?;
    module.add_class::<entries::Entries>()?;
    module.add_class::<heads::Statement>()?;
    module.add_class::<table::Table>()?;
    module.add_function(wrap_pyfunction!(verify::verify, module)?)?;
    module.add_function(wrap_pyfunction!(entries::read, module)?)?;
    module.add_function(wrap_pyfunction!(table::table, module)?)?;
    module.add_function(wrap_pyfunction!(heads::statements, module)?)?;
    Ok(())
}
