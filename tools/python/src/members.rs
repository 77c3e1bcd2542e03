//! Redacted members, and what opens them.

use pyo3::prelude::*;
use sealbook::api;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::json::{Form, Value};
use sealbook::ledger::limits;
use sealbook::ledger::parse::parse_with;
use sealbook::ledger::redact::pointer::Pointer;
use sealbook::ledger::redact::{Opening, Salt};

use crate::errors::{Failure, detached};
use crate::input::{Input, on_file};
use crate::policy::hash;
use crate::records::{Cell, Cells, Holds, Records, Sort};

static MEMBER: Sort = Sort {
    class: "Member",
    columns: &[
        ("seq", Holds::Number),
        ("line", Holds::Number),
        ("pointer", Holds::Text),
        ("commitment", Holds::Bytes(32)),
        ("genesis", Holds::Bytes(32)),
        ("salt", Holds::Bytes(32)),
        ("value", Holds::Text),
    ],
};

/// The redacted members of a file's entries, each with the value and the salt that open it,
/// where the file has them: of a logbook, a bundle, a proof, a report or a table. An opening
/// is held against its commitment; the entries are read and not judged.
///
/// Raises `NeedsStore`, `NotRecognised`, and `Unreadable` at the first entry that is none
/// and at an opening that opens nothing.
#[pyfunction]
pub(crate) fn members(py: Python<'_>, file: Input) -> PyResult<Records> {
    on_file(py, file, |file| {
        let found = api::members(file.open()?);
        let mut found = found.map_err(|error| Failure::in_file(&file, error))?;
        let rows = std::iter::from_fn(move || {
            let member = found.next()?;
            let genesis = found.genesis();
            let cells = member.map(|member| cells(member, genesis));
            Some(cells.map_err(|error| Failure::in_file(&file, error)))
        });
        Ok(Records::new(&MEMBER, Box::new(rows)))
    })
}

fn cells(member: api::ReadMember, genesis: Option<Hash>) -> Cells {
    let number = |number: Option<u64>| number.map_or(Cell::Nothing, Cell::Number);
    let bytes = |bytes: Option<&[u8]>| bytes.map_or(Cell::Nothing, |it| Cell::Bytes(it.to_vec()));
    let opening = member.opening.as_ref();
    let value = opening.map(|opening| opening.value.canonical(Form::Utf8));
    vec![
        number(member.seq.map(|seq| seq.0)),
        number(member.line),
        Cell::Text(member.pointer.as_str().to_owned()),
        Cell::Bytes(member.commitment.as_bytes().to_vec()),
        bytes(genesis.as_ref().map(|genesis| &genesis.as_bytes()[..])),
        bytes(opening.map(|opening| &opening.salt.as_bytes()[..])),
        value.map_or(Cell::Nothing, Cell::Json),
    ]
}

/// Whether a value, as JSON, and its salt open a commitment.
#[pyfunction]
pub(crate) fn check_opening(
    py: Python<'_>,
    commitment: String,
    genesis: String,
    pointer: String,
    salt: String,
    value_json: String,
) -> PyResult<bool> {
    detached(py, move || {
        let refused = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new("usage", format!("{what}: {error}"))
        };
        let pointer = Pointer::parse(&pointer).map_err(|error| refused("pointer", &error))?;
        let value: Value = parse_with(value_json.as_bytes(), &limits::embedded(0))
            .map_err(|error| refused("value", &error))?;
        let opening = Opening {
            pointer,
            // As many bytes as a hash has, and spelled as one.
            salt: Salt::from_bytes(*hash(&salt)?.as_bytes()),
            value,
        };
        Ok(opening.commitment(&hash(&genesis)?) == hash(&commitment)?)
    })
}
