//! Proofs, read whole.

use std::io::Read as _;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use sealbook::Error;
use sealbook::api::ReadEntry;
use sealbook::api::stream::recognise;
use sealbook::ledger::equivocation::Equivocation;
use sealbook::ledger::fault::Format;
use sealbook::ledger::limits;
use sealbook::ledger::proof::{InclusionProof, ProofError};
use sealbook::ledger::published::Published;
use sealbook::ledger::source::ReadError;
use sealbook::ledger::tlog::proof::TlogProof;

use crate::checkpoints::{self, CHECKPOINT};
use crate::entries::Entry;
use crate::errors::Failure;
use crate::heads::{self, STATEMENT};
use crate::input::{Input, on_file};
use crate::records::{class, hex, object};

/// A proof has two entries at most, and an entry has a limit.
const PROOF_BYTES: u64 = 3 * limits::LINE_BYTES as u64;

enum Proof {
    Inclusion(Box<InclusionProof>),
    Tlog(Box<TlogProof>),
    Equivocation(Box<Equivocation>),
}

/// What a proof says, read and not judged: an `InclusionProof` (`sealbook prove`), a
/// `TlogProof` (`sealbook prove --tlog`), or an `Equivocation`, which is checked in full as
/// it is read: the key that it names signed both statements.
///
/// Raises `NotRecognised`, `Unsupported`, and `Unreadable` for what is no proof inside.
#[pyfunction]
pub(crate) fn proof<'py>(py: Python<'py>, file: Input) -> PyResult<Bound<'py, PyAny>> {
    match on_file(py, file, |file| read(&file))? {
        Proof::Inclusion(proof) => of_inclusion(py, *proof),
        Proof::Tlog(proof) => {
            let extra = proof.extra.as_ref().map(|extra| PyBytes::new(py, extra));
            let path = proof.path.iter().map(|sibling| hex(sibling.as_bytes()));
            let path = PyTuple::new(py, path.collect::<Vec<_>>())?;
            let checkpoint = checkpoints::cells(&proof.checkpoint, None);
            let checkpoint = object(py, &CHECKPOINT, checkpoint)?;
            class(py, "TlogProof")?.call1((proof.index, path, checkpoint, extra))
        }
        Proof::Equivocation(proof) => {
            let contradiction = proof.contradiction();
            class(py, "Equivocation")?.call1((
                proof.log().to_string(),
                contradiction.name(),
                contradiction.to_string(),
                proof.rollback().is_some(),
                PyBytes::new(py, &proof.to_bytes()),
            ))
        }
    }
}

fn of_inclusion(py: Python<'_>, proof: InclusionProof) -> PyResult<Bound<'_, PyAny>> {
    let header = heads::cells(&Published::Epoch(proof.epoch.clone()));
    let header = object(py, &STATEMENT, header)?;
    let epoch = Some(proof.epoch.content.epoch.0);
    let path = proof.path.iter().map(ToString::to_string);
    let path = PyTuple::new(py, path.collect::<Vec<_>>())?;
    let entry = |seq, epoch, entry| {
        Entry::from(ReadEntry {
            seq: Some(seq),
            epoch,
            line: None,
            entry,
        })
    };
    let opening = proof.opening;
    let opening = opening.map(|it| entry(sealbook::ledger::position::Seq::FIRST, None, it));
    let entry = entry(proof.seq, epoch, proof.entry);
    class(py, "InclusionProof")?.call1((proof.seq.0, entry, header, path, opening))
}

fn read(file: &Input) -> Result<Proof, Failure> {
    let (format, bytes) = bytes_of(file)?;
    let refused = |what: &dyn std::fmt::Display| file.refused("bad_input", what);
    match format {
        Some(Format::Proof) => {
            let proof = InclusionProof::from_bytes(&bytes).map_err(|error| match error {
                ProofError::Unsupported(error) => Error::from(ReadError::from(error)).into(),
                error => refused(&error),
            })?;
            Ok(Proof::Inclusion(Box::new(proof)))
        }
        Some(Format::TlogProof) => {
            let proof = TlogProof::parse(&bytes).map_err(|error| refused(&error))?;
            Ok(Proof::Tlog(Box::new(proof)))
        }
        Some(Format::Equivocation) => {
            let proof = Equivocation::parse(&bytes).map_err(|error| refused(&error))?;
            Ok(Proof::Equivocation(Box::new(proof)))
        }
        _ => Err(file.refused("not_recognised", &"its content is not a proof")),
    }
}

/// What a small file is, and its bytes, decompressed.
pub(crate) fn bytes_of(file: &Input) -> Result<(Option<Format>, Vec<u8>), Failure> {
    let failed = |error| file.failed(error);
    let recognised = recognise(file.open()?).map_err(failed)?;
    recognised.one_frame.demand();
    let mut bytes = Vec::new();
    let mut bounded = recognised.reader.take(PROOF_BYTES);
    bounded.read_to_end(&mut bytes).map_err(failed)?;
    Ok((recognised.format, bytes))
}
