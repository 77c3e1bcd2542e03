//! The verdict, by the library's own engine.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use sealbook::api::{examine, verify_as};
use sealbook::ledger::fault::Format;
use sealbook::ledger::hash::Hash;
use sealbook::ledger::key::PublicKey;
use sealbook::ledger::pem::parse_public_key;
use sealbook::ledger::published::Published;
use sealbook::ledger::receipts::Receipts;
use sealbook::{Error, Options, Policy};

use crate::errors::{Failure, detached};
use crate::input::Input;
use crate::report::Report;

/// verify(file, keys, *, format=None, signatures=True, expect_head=None, contains=(),
///        receipts=None, allow_unsigned=False, ledger_rules=False, correlation=None,
///        tenant=None, worker=None)
/// --
///
/// The verdict on a logbook, a bundle, a proof, a report or a table: what the command
/// `sealbook verify` says of it.
///
/// `file` is a path or bytes, compressed or not; `keys` are the log's keys that are
/// trusted, each as 64 hex digits or in PEM. Without one nothing passes.
/// `contains` names files of signed heads or headers that the log must hold,
/// `receipts` a file of receipts. The answer is a `Report`, true where it passed.
///
/// Raises `NeedsStore` for a ledger's folder, `NotRecognised`, `Unsupported` for a
/// version that this package does not know, and `SealbookError` where the file cannot
/// be read. What can be read and is wrong is a fault in the report.
#[pyfunction]
#[pyo3(signature = (file, keys = Vec::new(), *, format = None, signatures = true,
    expect_head = None, contains = Vec::new(), receipts = None, allow_unsigned = false,
    ledger_rules = false, correlation = None, tenant = None, worker = None))]
#[allow(clippy::too_many_arguments, reason = "they are Python's keywords")]
pub(crate) fn verify(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    keys: Vec<String>,
    format: Option<String>,
    signatures: bool,
    expect_head: Option<String>,
    contains: Vec<PathBuf>,
    receipts: Option<PathBuf>,
    allow_unsigned: bool,
    ledger_rules: bool,
    correlation: Option<String>,
    tenant: Option<String>,
    worker: Option<String>,
) -> PyResult<Report> {
    let input = Input::of(file)?;
    detached(py, move || {
        input.is_file()?;
        let format = format.as_deref().map(format_of).transpose()?;
        let expect_head = expect_head.map(|text| hash(&text)).transpose()?;
        let mut policy = Policy {
            signatures,
            expect_head,
            allow_unsigned,
            ledger_rules,
            ..Policy::keys(
                keys.iter()
                    .map(|key| key_of(key))
                    .collect::<Result<Vec<_>, _>>()?,
            )
        };
        let asked = [
            ("correlation", correlation),
            ("tenant", tenant),
            ("worker", worker),
        ];
        let asked = asked.into_iter();
        policy.selection = asked
            .filter_map(|(name, id)| Some((name.to_owned(), id?)))
            .collect();
        for path in &contains {
            policy.contains.extend(anchors(path)?);
        }
        if let Some(path) = receipts {
            let read = Receipts::read(&mut open(&path)?);
            let refused = |error| Failure::new("bad_input", format!("{}: {error}", path.display()));
            policy.receipts = Some(read.map_err(refused)?);
        }
        match input {
            Input::Path(path) => {
                let examined = examine(&path, format, &policy, &Options::default(), &mut |_| ())?;
                Ok(Report(examined.report))
            }
            Input::Bytes(bytes) => Ok(Report(verify_as(&bytes[..], format, u64::MAX, &policy)?)),
        }
    })
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let file = File::open(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    });
    Ok(BufReader::new(file?))
}

fn anchors(path: &Path) -> Result<Vec<sealbook::ledger::verify::Anchor>, Failure> {
    let refused = |line: usize, error: &dyn std::fmt::Display| {
        Failure::new(
            "bad_input",
            format!("{}, line {}: {error}", path.display(), line + 1),
        )
    };
    let mut found = Vec::new();
    for (number, line) in open(path)?.split(b'\n').enumerate() {
        let line = line.map_err(|error| refused(number, &error))?;
        if !line.trim_ascii().is_empty() {
            let read = Published::from_line(&line).map_err(|error| refused(number, &error))?;
            found.push(read.to_anchor());
        }
    }
    Ok(found)
}

/// A key as people have it: hex digits, or PEM.
fn key_of(text: &str) -> Result<PublicKey, Failure> {
    let trimmed = text.trim();
    let key = match trimmed.starts_with("-----BEGIN") {
        true => parse_public_key(trimmed).ok(),
        false => PublicKey::from_hex(&trimmed.to_ascii_lowercase()).ok(),
    };
    key.ok_or_else(|| Failure::new("usage", "a key is 64 hex digits or a public key in PEM"))
}

fn hash(text: &str) -> Result<Hash, Failure> {
    let read = Hash::from_hex(&text.to_ascii_lowercase());
    read.map_err(|_| Failure::new("usage", "a hash is 64 hex digits"))
}

fn format_of(name: &str) -> Result<Format, Failure> {
    Ok(match name {
        "logbook" => Format::Logbook,
        "bundle" => Format::Bundle,
        "proof" => Format::Proof,
        "equivocation" => Format::Equivocation,
        "report" => Format::Report,
        "parquet" => Format::Parquet,
        _ => {
            let message =
                "format: logbook, bundle, proof, equivocation, report or parquet is needed";
            return Err(Failure::new("usage", message));
        }
    })
}
