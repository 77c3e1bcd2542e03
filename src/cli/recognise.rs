//! What a path holds: told by content, unless the caller or the name says.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::audit::stream;
use crate::ledger::fault::Format;
use crate::ledger::limits;
use crate::ledger::lines;

use super::compressed::{Opened, open};
use super::error::CliError;

/// What a file may be said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum As {
    Ledger,
    Logbook,
    Bundle,
    Proof,
    Equivocation,
    Report,
}

/// What is to be verified.
pub(super) enum Found {
    /// A ledger's directory.
    Ledger(PathBuf),
    /// A file that is read through once.
    Logbook(Opened),
    /// The same.
    Bundle(Opened),
    /// A file that is small.
    Proof(Vec<u8>),
    /// The same.
    Equivocation(Vec<u8>),
    /// A bundle in a web page.
    Report(Opened),
    /// Something else than the name or the caller says it is.
    Mismatch {
        expected: Format,
        actual: &'static str,
    },
}

impl From<As> for Format {
    fn from(given: As) -> Format {
        match given {
            As::Ledger => Format::Ledger,
            As::Logbook => Format::Logbook,
            As::Bundle => Format::Bundle,
            As::Proof => Format::Proof,
            As::Equivocation => Format::Equivocation,
            As::Report => Format::Report,
        }
    }
}

/// Finds out what `path` holds.
///
/// With a format pinned, by `--as` or by the name, content that is plainly
/// something else is a mismatch; content that is plainly nothing is read as
/// what it is said to be, so that its faults are named.
pub(super) fn recognise(path: &Path, given: Option<As>) -> Result<Found, CliError> {
    recognise_copy(path, path, given)
}

/// The same for a copy of a file, whose name is that of the original.
pub(super) fn recognise_copy(
    path: &Path,
    original: &Path,
    given: Option<As>,
) -> Result<Found, CliError> {
    let pinned = given.map(Format::from).or_else(|| by_name(original));
    let metadata = fs::metadata(path).map_err(|error| CliError::file(path, error))?;
    let sniffed = if metadata.is_dir() {
        Some(Format::Ledger)
    } else if metadata.is_file() {
        sniff(path)?
    } else {
        return Err(not_recognised(path));
    };
    match (pinned, sniffed) {
        (Some(expected), Some(actual)) if expected != actual => Ok(Found::Mismatch {
            expected,
            actual: name(actual),
        }),
        (Some(Format::Ledger), None) => Ok(Found::Mismatch {
            expected: Format::Ledger,
            actual: "a file",
        }),
        (pinned, sniffed) => match pinned.or(sniffed) {
            Some(Format::Ledger) => Ok(Found::Ledger(path.to_owned())),
            Some(Format::Logbook) => Ok(Found::Logbook(open(path)?)),
            Some(Format::Bundle) => Ok(Found::Bundle(open(path)?.one_frame())),
            Some(Format::Proof) => Ok(Found::Proof(read_small(path)?)),
            Some(Format::Equivocation) => Ok(Found::Equivocation(read_small(path)?)),
            Some(Format::Report) => Ok(Found::Report(open(path)?.one_frame())),
            None => Err(not_recognised(path)),
        },
    }
}

fn by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?;
    let packed = [".zst", ".gz"].into_iter();
    let inside = packed.filter_map(|ending| name.strip_suffix(ending)).next();
    let name = inside.unwrap_or(name);
    if name.ends_with(".bundle") {
        Some(Format::Bundle)
    } else if name.ends_with(".proof") {
        Some(Format::Proof)
    } else {
        None
    }
}

/// What the first lines say.
fn sniff(path: &Path) -> Result<Option<Format>, CliError> {
    let mut text = Vec::new();
    let read = stream::read_beginning(&mut open(path)?.reader, &mut text);
    // What does not decompress at all is not recognised.
    if read.is_err() && text.is_empty() {
        return Ok(None);
    }
    Ok(stream::sniff(&text))
}

/// A proof has two entries at most, and an entry has a limit.
fn read_small(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let limit = 3 * limits::LINE_BYTES as u64;
    let read = open(path)?
        .one_frame()
        .reader
        .take(limit)
        .read_to_end(&mut bytes);
    match read {
        // Whatever could be read of it, what does not decompress whole is no
        // proof, and will be named so.
        Err(error) if lines::damage(&error).is_some() => Ok(Vec::new()),
        read => read
            .map(|_| bytes)
            .map_err(|error| CliError::file(path, error)),
    }
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Ledger => "a ledger",
        Format::Logbook => "a logbook",
        Format::Bundle => "a bundle",
        Format::Proof => "a proof",
        Format::Equivocation => "a proof of equivocation",
        Format::Report => "a report",
    }
}

fn not_recognised(path: &Path) -> CliError {
    CliError::NotRecognised {
        path: path.to_owned(),
    }
}
