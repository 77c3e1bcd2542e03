//! Receipts, as whoever recorded has them.

use pyo3::prelude::*;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::{PublicKey, Signature};
use sealbook::ledger::parse::parse_with;
use sealbook::ledger::position::Seq;
use sealbook::ledger::time::Timestamp;
use sealbook::ledger::{limits, shape};
use serde::Deserialize;

use crate::input::{Input, on_file};
use crate::lines::{lines, refused};
use crate::records::{Cell, Cells, Holds, Records, Sort};

static RECEIPT: Sort = Sort {
    class: "Receipt",
    columns: &[
        ("seq", Holds::Number),
        ("hash", Holds::Bytes(32)),
        ("prev_hash", Holds::Bytes(32)),
        ("ts", Holds::Time),
        ("kind", Holds::Text),
        ("signature", Holds::Bytes(64)),
        ("log", Holds::Bytes(32)),
        ("genesis", Holds::Bytes(32)),
    ],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receipt<'l> {
    seq: Seq,
    hash: Hash,
    prev_hash: Hash,
    ts: Timestamp,
    kind: &'l str,
    signature: Signature,
    log: PublicKey,
    genesis: Hash,
}

/// The receipts in a file, JSON Lines as `sealbook append` prints them. They are read and
/// not judged: `verify(…, receipts=file)` says whether the log holds them. A last line that
/// its writer did not finish is passed over.
///
/// Raises `Unreadable` at the first line that is none.
#[pyfunction]
pub(crate) fn receipts(py: Python<'_>, file: Input) -> PyResult<Records> {
    on_file(py, file, |file| {
        let rows = lines(&file)?.filter_map(move |line| match line {
            Err(failure) => Some(Err(failure)),
            Ok((number, line, ended)) => match read(&line) {
                Err(_) if !ended => None,
                Ok(cells) => Some(Ok(cells)),
                Err((code, what)) => Some(Err(refused(&file, number, code, &what))),
            },
        });
        Ok(Records::new(&RECEIPT, Box::new(rows)))
    })
}

fn read(line: &[u8]) -> Result<Cells, (&'static str, String)> {
    let value = parse_with(line, &limits::embedded(1));
    let value = value.map_err(|error| ("bad_json", error.to_string()))?;
    let it: Receipt<'_> =
        shape::read(&value, "").map_err(|error| ("bad_input", error.to_string()))?;
    Ok(vec![
        Cell::Number(it.seq.0),
        Cell::Bytes(it.hash.as_bytes().to_vec()),
        Cell::Bytes(it.prev_hash.as_bytes().to_vec()),
        Cell::Time(it.ts),
        Cell::Text(it.kind.to_owned()),
        Cell::Bytes(it.signature.as_bytes().to_vec()),
        Cell::Bytes(it.log.as_bytes().to_vec()),
        Cell::Bytes(it.genesis.as_bytes().to_vec()),
    ])
}
