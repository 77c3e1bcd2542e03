//! What a log published of itself: signed heads and epoch headers.

use pyo3::prelude::*;
use sealbook::ledger::published::{Published, PublishedError};

use crate::errors::Failure;
use crate::input::{Input, on_file};
use crate::lines::{lines, refused};
use crate::records::{Cell, Cells, Holds, Records, Sort};

/// A signed head or a signed epoch header.
pub(crate) static STATEMENT: Sort = Sort {
    class: "Statement",
    columns: &[
        ("what", Holds::Text),
        ("seq", Holds::Number),
        ("hash", Holds::Bytes(32)),
        ("epoch", Holds::Number),
        ("ts", Holds::Time),
        ("log", Holds::Bytes(32)),
        ("genesis", Holds::Bytes(32)),
        ("signed", Holds::Truth),
        ("text", Holds::Text),
    ],
};

/// The signed heads and epoch headers in a file, one a line, as `sealbook head`, `sealbook
/// seal` and `--publish` write them. `Statement.signed` says whether the log that one names
/// signed it; whether that log's key is to be trusted is yours to say.
///
/// Raises `Unreadable` at the first line that is none.
#[pyfunction]
pub(crate) fn statements(py: Python<'_>, file: Input) -> PyResult<Records> {
    on_file(py, file, |file| {
        let lines = lines(&file)?;
        let rows = lines.map(move |line| {
            let (number, line, _) = line?;
            let published = Published::from_line(&line).map_err(|error| {
                let code = match error {
                    PublishedError::Json(_) => "bad_json",
                    _ => "bad_input",
                };
                refused(&file, number, code, &error)
            })?;
            Ok::<_, Failure>(cells(&published))
        });
        Ok(Records::new(&STATEMENT, Box::new(rows)))
    })
}

/// A statement as its cells.
pub(crate) fn cells(published: &Published) -> Cells {
    let anchor = published.to_anchor();
    let (log, genesis) = published.log();
    let (what, epoch, ts) = match published {
        Published::Epoch(epoch) => {
            let header = &epoch.content;
            ("epoch", Cell::Number(header.epoch.0), header.sealed_at)
        }
        Published::Head(head) => ("head", Cell::Nothing, head.content.ts),
    };
    let line = published.to_line();
    let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    vec![
        Cell::Text(what.to_owned()),
        Cell::Number(published.seq().0),
        Cell::Bytes(anchor.hash.as_bytes().to_vec()),
        epoch,
        Cell::Time(ts),
        Cell::Bytes(log.as_bytes().to_vec()),
        Cell::Bytes(genesis.as_bytes().to_vec()),
        Cell::Truth(anchor.signed),
        Cell::Text(text),
    ]
}
