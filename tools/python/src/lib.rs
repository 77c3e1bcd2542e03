//! sealbook's verification and reading, for Python: the verdicts are the command's,
//! since they are made by the same functions.

// PyO3's macros pass Python's values by value.
#![allow(clippy::needless_pass_by_value)]

mod ahead;
mod checkpoints;
mod entries;
mod errors;
mod fold;
mod heads;
mod held;
mod input;
mod keys;
mod lines;
mod members;
mod policy;
mod proof;
mod receipts;
mod records;
mod table;
mod verify;
mod witnessed;

use pyo3::prelude::*;

/// The compiled part of the package; `sealbook` has its names.
#[pymodule]
fn _sealbook(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<policy::Policy>()?;
    module.add_class::<entries::Entry>()?;
    module.add_class::<entries::Entries>()?;
    module.add_class::<records::Records>()?;
    module.add_function(wrap_pyfunction!(verify::verify, module)?)?;
    module.add_function(wrap_pyfunction!(verify::verify_all, module)?)?;
    module.add_function(wrap_pyfunction!(verify::fold, module)?)?;
    module.add_function(wrap_pyfunction!(fold::join, module)?)?;
    module.add_function(wrap_pyfunction!(keys::key, module)?)?;
    module.add_function(wrap_pyfunction!(entries::read, module)?)?;
    module.add_function(wrap_pyfunction!(entries::table, module)?)?;
    module.add_function(wrap_pyfunction!(members::members, module)?)?;
    module.add_function(wrap_pyfunction!(members::check_opening, module)?)?;
    module.add_function(wrap_pyfunction!(receipts::receipts, module)?)?;
    module.add_function(wrap_pyfunction!(checkpoints::checkpoints, module)?)?;
    module.add_function(wrap_pyfunction!(heads::statements, module)?)?;
    module.add_function(wrap_pyfunction!(proof::proof, module)?)?;
    Ok(())
}
