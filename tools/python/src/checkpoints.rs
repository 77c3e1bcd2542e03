//! Checkpoints of public logs: in a file of their own, in a proof, or kept in the log.

use std::io::Read as _;
use std::path::Path;

use pyo3::prelude::*;
use sealbook::api::{self, ReadEntry};
use sealbook::ledger::fault::Format;
use sealbook::ledger::kind;
use sealbook::ledger::limits;
use sealbook::ledger::tlog::checkpoint::SignedCheckpoint;
use sealbook::ledger::tlog::proof::TlogProof;
use sealbook::ledger::witnessed::Witnessed;

use crate::errors::Failure;
use crate::held::is_note;
use crate::input::{Input, on_file};
use crate::proof::bytes_of;
use crate::records::{Cell, Cells, Holds, Records, Sort};

pub(crate) static CHECKPOINT: Sort = Sort {
    class: "Checkpoint",
    columns: &[
        ("seq", Holds::Number),
        ("origin", Holds::Text),
        ("size", Holds::Number),
        ("root", Holds::Bytes(32)),
        ("extensions", Holds::Texts),
        ("signers", Holds::Texts),
        ("note", Holds::Text),
    ],
};

/// The checkpoints in a file: the one that a signed note is, the one that a tlog-proof leads
/// to, or those that entries of a logbook, a bundle, a report or a table keep as witnesses
/// cosigned them. `file` may also be the folder of a public log. No signature is judged:
/// `verify(…, policy=file)` does that.
///
/// Raises `Unreadable` at what should be one and is none.
#[pyfunction]
pub(crate) fn checkpoints(py: Python<'_>, file: Input) -> PyResult<Records> {
    on_file(py, file, |file| {
        let file = match &file {
            Input::Path(path) if is_log(path) => Input::Path(path.join("checkpoint")),
            _ => file,
        };
        let alone = |checkpoint: &SignedCheckpoint| {
            let cells = cells(checkpoint, None);
            Ok(Records::new(
                &CHECKPOINT,
                Box::new(std::iter::once(Ok(cells))),
            ))
        };
        let mut beginning = Vec::new();
        let mut opened = file.open()?.take(limits::SMALL_FILE_BYTES as u64 + 1);
        let read = opened.read_to_end(&mut beginning);
        read.map_err(|error| file.failed(error))?;
        if beginning.starts_with(b"c2sp.org/tlog-proof@") {
            let (_, bytes) = bytes_of(&file)?;
            let proof = TlogProof::parse(&bytes);
            let proof = proof.map_err(|error| file.refused("bad_input", &error))?;
            return alone(&proof.checkpoint);
        }
        if is_note(&beginning) && std::str::from_utf8(&beginning).is_ok() {
            let read = SignedCheckpoint::parse(&beginning);
            let read = read.map_err(|error| file.refused("bad_checkpoint", &error))?;
            return alone(&read);
        }
        let found = api::entries(file.open()?);
        let found = found.map_err(|error| Failure::in_file(&file, error))?;
        let logbook = found.format == Format::Logbook;
        let rows = (0..)
            .zip(found)
            .filter_map(move |(place, entry)| match entry {
                Err(error) => Some(Err(Failure::in_file(&file, error))),
                Ok(entry) => kept(&file, &entry, logbook.then_some(place)),
            });
        Ok(Records::new(&CHECKPOINT, Box::new(rows)))
    })
}

/// Whether a folder is that of a public log, and no ledger.
fn is_log(path: &Path) -> bool {
    !path.join("db").is_dir() && path.join("checkpoint").is_file() && path.join("tile").is_dir()
}

/// The checkpoint that an entry keeps.
fn kept(file: &Input, entry: &ReadEntry, place: Option<u64>) -> Option<Result<Cells, Failure>> {
    if entry.entry.kind() != kind::WITNESSED {
        return None;
    }
    let seq = entry.seq.map(|seq| seq.0).or(place);
    let refused = |what: &dyn std::fmt::Display| {
        let at = seq.map_or_else(String::new, |seq| format!("entry {seq}: "));
        file.refused("bad_checkpoint", &format!("{at}{what}"))
    };
    let payload = entry.entry.check_payload();
    let read = payload
        .map_err(|error| refused(&error))
        .and_then(|payload| Witnessed::from_object(&payload).map_err(|error| refused(&error)))
        .and_then(|it| {
            let read = SignedCheckpoint::parse(it.checkpoint.as_bytes());
            read.map_err(|error| refused(&error))
        });
    Some(read.map(|checkpoint| cells(&checkpoint, seq)))
}

/// A checkpoint as its cells.
pub(crate) fn cells(checkpoint: &SignedCheckpoint, seq: Option<u64>) -> Cells {
    let content = checkpoint.content();
    let signers = checkpoint.note().signatures().iter();
    let signers = signers.map(|line| format!("{}+{}", line.name, line.id));
    vec![
        seq.map_or(Cell::Nothing, Cell::Number),
        Cell::Text(content.origin.clone()),
        Cell::Number(content.size),
        Cell::Bytes(content.root.as_bytes().to_vec()),
        Cell::Texts(content.extensions.clone()),
        Cell::Texts(signers.collect()),
        Cell::Text(checkpoint.to_string()),
    ]
}
