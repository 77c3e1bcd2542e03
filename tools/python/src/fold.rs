//! Parts that were verified apart, joined to one verdict.

use pyo3::prelude::*;
use sealbook::ledger::fold::FoldPart;
use sealbook::ledger::{limits, parse, shape};

use crate::errors::{Failure, detached};
use crate::verify::text_of;

/// Bytes of one part, with all the digests of its documents.
const PART_BYTES: usize = 256 << 20;

/// The verdict over parts in the order of the log, as JSON. `whole` says that nothing may
/// be missing before, between and after them.
#[pyfunction]
pub(crate) fn join(py: Python<'_>, parts: Vec<String>, whole: bool) -> PyResult<String> {
    detached(py, move || {
        let mut part = FoldPart::default();
        for (number, text) in (1..).zip(&parts) {
            part = part.join(read(number, text)?);
        }
        Ok(text_of(&part.verdict(whole)))
    })
}

fn read(number: usize, text: &str) -> Result<FoldPart, Failure> {
    let refused = |code: &'static str, error: &dyn std::fmt::Display| Failure {
        place: Some(format!("part {number}")),
        ..Failure::new(code, format!("part {number}: {error}"))
    };
    let most = parse::ParseLimits {
        bytes: PART_BYTES,
        ..limits::embedded(1)
    };
    let value = parse::parse_with(text.trim_ascii().as_bytes(), &most);
    let value = value.map_err(|error| refused("bad_json", &error))?;
    let part = value.get("part");
    let part = part.ok_or_else(|| refused("bad_input", &"it has no member `part`"))?;
    shape::read(part, "part").map_err(|error| refused("bad_input", &error))
}
