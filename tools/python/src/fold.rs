//! Parts that were verified apart, joined to one verdict.

use pyo3::prelude::*;
use sealbook::ledger::fold::{FoldPart, PartFault, TakenAgain};
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::{limits, parse, shape};
use serde::Serialize;

use crate::errors::{Failure, detached};
use crate::verify::text_of;

/// Bytes of one part, with all the digests of its documents.
const PART_BYTES: usize = 256 << 20;

/// The verdict over what was joined, as `sealbook fold --json` prints it.
#[derive(Serialize)]
struct Folded<'a> {
    verdict: &'static str,
    entries: u64,
    epochs: u64,
    head: Option<Hash>,
    log: Option<PublicKey>,
    genesis: Option<Hash>,
    decisions: Option<TakenAgain>,
    faults: &'a [PartFault],
    part: &'a FoldPart,
}

/// The verdict over parts in the order of the log, as JSON. `whole` says that nothing may
/// be missing before, between and after them.
#[pyfunction]
pub(crate) fn join(py: Python<'_>, parts: Vec<String>, whole: bool) -> PyResult<String> {
    detached(py, move || {
        let mut part = FoldPart::default();
        for (number, text) in (1..).zip(&parts) {
            part = part.join(read(number, text)?);
        }
        let faults = match whole {
            true => part.judge(),
            false => part.faults.clone(),
        };
        Ok(text_of(&Folded {
            verdict: if faults.is_empty() { "pass" } else { "fail" },
            entries: part.entries(),
            epochs: part.epochs(),
            head: part.runs.last().map(|run| run.head),
            log: part.runs.first().map(|run| run.log),
            genesis: part.runs.first().map(|run| run.genesis),
            decisions: part.decisions(),
            faults: &faults,
            part: &part,
        }))
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
