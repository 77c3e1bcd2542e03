//! What a path holds: told by content, unless the caller or the name says.

use std::path::{Path, PathBuf};

use crate::ledger::fault::Format;

use super::Error;
use super::file::{OpenedInput, open};
use super::pipes::{is_pipe, metadata};
use super::stream;

/// What is at a path.
pub(crate) enum Recognised {
    /// A ledger's directory.
    Ledger(PathBuf),
    /// The folder of a public log.
    Log(PathBuf),
    /// A folder of tables.
    #[cfg(feature = "parquet")]
    Set(PathBuf),
    /// A file.
    File(Format, OpenedInput),
    /// Something else than the name or the caller says it is.
    Mismatch {
        /// What it was to be.
        expected: Format,
        /// What it is: a ledger, a file, …
        actual: &'static str,
    },
}

/// Finds out what `path` holds.
///
/// With a format pinned, by the caller or by the name, content that is plainly
/// something else is a mismatch; content that is plainly nothing is read as
/// what it is said to be, so that its faults are named.
pub(crate) fn recognise(path: &Path, given: Option<Format>) -> Result<Recognised, Error> {
    recognise_copy(path, path, given)
}

/// The same for a copy of a file, whose name is that of the original.
pub(super) fn recognise_copy(
    path: &Path,
    original: &Path,
    given: Option<Format>,
) -> Result<Recognised, Error> {
    let not_recognised = || Error::NotRecognised {
        path: Some(original.to_owned()),
    };
    let metadata = metadata(path).map_err(|error| Error::file(path, error))?;
    let found = if metadata.is_dir() && is_set(path) {
        Some(Format::Parquet)
    } else if metadata.is_dir() && is_log(path) {
        Some(Format::TlogTiles)
    } else if metadata.is_dir() {
        Some(Format::Ledger)
    } else if metadata.is_file() || is_pipe(&metadata) {
        sniff(path)?
    } else {
        return Err(not_recognised());
    };
    // The usual name of both sorts of proofs; what is not told apart by it is by its content.
    let by_name = by_name(original)
        .filter(|named| (*named, found) != (Format::Proof, Some(Format::TlogProof)));
    let pinned = given.or(by_name);
    match (pinned, found) {
        (Some(expected), Some(actual)) if expected != actual => Ok(Recognised::Mismatch {
            expected,
            actual: name(actual),
        }),
        (Some(Format::Ledger), None) => Ok(Recognised::Mismatch {
            expected: Format::Ledger,
            actual: "a file",
        }),
        (pinned, found) => match pinned.or(found).ok_or_else(not_recognised)? {
            Format::Ledger => Ok(Recognised::Ledger(path.to_owned())),
            Format::TlogTiles if metadata.is_dir() => Ok(Recognised::Log(path.to_owned())),
            #[cfg(feature = "parquet")]
            Format::Parquet if metadata.is_dir() => Ok(Recognised::Set(path.to_owned())),
            Format::Logbook => Ok(Recognised::File(Format::Logbook, open(path)?)),
            format => Ok(Recognised::File(format, open(path)?.one_frame())),
        },
    }
}

/// Whether a folder is that of a public log, and no ledger.
pub(super) fn is_log(path: &Path) -> bool {
    !path.join("db").is_dir() && path.join("checkpoint").is_file() && path.join("tile").is_dir()
}

/// Whether a folder is a set of tables, and no ledger.
pub(super) fn is_set(path: &Path) -> bool {
    #[cfg(feature = "parquet")]
    let found = !path.join("db").is_dir() && crate::parquet::is_set(path);
    #[cfg(not(feature = "parquet"))]
    let found = false;
    found && path.is_dir()
}

pub(crate) fn by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy();
    let name = name.as_ref();
    let packed = [".zst", ".gz"].into_iter();
    let inside = packed.filter_map(|ending| name.strip_suffix(ending)).next();
    let name = inside.unwrap_or(name);
    if name.ends_with(".bundle") {
        Some(Format::Bundle)
    } else if name.ends_with(".proof") {
        Some(Format::Proof)
    } else if name.ends_with(".tlog-proof") {
        Some(Format::TlogProof)
    } else if name.ends_with(".parquet") {
        Some(Format::Parquet)
    } else {
        None
    }
}

/// What the first lines say.
fn sniff(path: &Path) -> Result<Option<Format>, Error> {
    let mut text = Vec::new();
    let read = stream::read_beginning(&mut open(path)?.reader, &mut text);
    // What does not decompress at all is not recognised.
    if read.is_err() && text.is_empty() {
        return Ok(None);
    }
    Ok(stream::sniff(&text))
}

/// A format with its article, for sentences.
pub(super) const fn name(format: Format) -> &'static str {
    match format {
        Format::Ledger => "a ledger",
        Format::Logbook => "a logbook",
        Format::Bundle => "a bundle",
        Format::Proof => "a proof",
        Format::Equivocation => "a proof of equivocation",
        Format::Report => "a report",
        Format::Parquet => "a Parquet table",
        Format::TlogProof => "a tlog-proof",
        Format::TlogTiles => "the folder of a public log",
    }
}
