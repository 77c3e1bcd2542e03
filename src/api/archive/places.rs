//! Where the hidden terms of an epoch stand in the log's index, beside its bundle: who has
//! both of every epoch computes the index again.
//!
//! A term is shown with one epoch that has it, at the latest with the first. Which epochs show
//! it besides hangs on the machine that sealed or replayed them, so what another one put is
//! as good.

use std::io::{BufReader, BufWriter, Seek as _, SeekFrom, Write as _};

use super::source::unreadable;
use crate::api::Error;
use crate::bucket::Objects;
use crate::evidence::EvidenceError;
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::index::term::Placed;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::parse;
use crate::ledger::position::EpochNumber;
use crate::ledger::source::{BATCH_ENTRIES, Event, ReadError};
use crate::store::Store;
use crate::store::terms::placed;

/// The key of what shows the places.
pub(super) fn places_key(number: u64) -> String {
    format!("epoch/{number}.places")
}

/// Whether an object is one that shows places.
pub(in crate::api) fn is_of_places(key: &str) -> bool {
    let name = key.strip_prefix("epoch/");
    let number = name.and_then(|name| name.strip_suffix(".places")?.parse().ok());
    number.is_some_and(|number| places_key(number) == key)
}

/// Puts what shows the places of an epoch into the bucket, if there is any.
pub(super) fn put(objects: &Objects, store: &dyn Store, epoch: EpochNumber) -> Result<(), Error> {
    let placed = placed(store, epoch).map_err(EvidenceError::from)?;
    if placed.is_empty() {
        return Ok(());
    }
    let mut lines = BufWriter::new(tempfile::tempfile().map_err(Error::Write)?);
    for one in &placed {
        lines.write_all(&one.to_line()).map_err(Error::Write)?;
        lines.write_all(b"\n").map_err(Error::Write)?;
    }
    let written = lines
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    let mut file = written.map_err(Error::Write)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::Write)?;
    objects.upload(&places_key(epoch.0), &mut file)?;
    Ok(())
}

/// What the bucket shows of the places of an epoch.
pub(super) fn read(
    objects: &Objects,
    number: u64,
    batch: &mut Vec<Event>,
) -> Result<(), ReadError> {
    let Some(stream) = objects.stream(&places_key(number)).map_err(unreadable)? else {
        return Ok(());
    };
    let mut reader = BufReader::new(stream);
    let mut placed = Vec::new();
    while let Some(line) = read_line(&mut reader)? {
        match of_line(&line) {
            Some(one) => placed.push(one),
            None => {
                let detail = format!("{} has a line that shows no place", places_key(number));
                let fault = Fault::at(FaultCode::IndexInvalid, At::Epoch, number, detail);
                batch.push(Event::Fault(fault));
                break;
            }
        }
        if placed.len() == BATCH_ENTRIES {
            batch.push(Event::Placed(std::mem::take(&mut placed)));
        }
    }
    if !placed.is_empty() {
        batch.push(Event::Placed(placed));
    }
    Ok(())
}

fn of_line(line: &Line) -> Option<Placed> {
    match line {
        Line::Whole { bytes, ended: true } => Placed::from_value(&parse::parse(bytes).ok()?).ok(),
        _ => None,
    }
}
