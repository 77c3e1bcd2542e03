//! What someone kept of a log and gives back: heads, headers, receipts.

use std::io::{BufReader, Read};
use std::path::Path;

use rayon::prelude::*;

use crate::api::open_file;
use crate::files::read_within;
use crate::ledger::fault::{Warning, WarningCode};
use crate::ledger::limits;
use crate::ledger::lines::Lines;
use crate::ledger::parse;
use crate::ledger::published::{Published, PublishedError};
use crate::ledger::receipts::Receipts;
use crate::ledger::revocation::SignedRevocation;
use crate::ledger::tlog::checkpoint::SignedCheckpoint;
use crate::ledger::verify::Anchor;
use crate::logbook::mark::Mark;

use super::document::in_file;
use super::error::{CliError, LogError};
use super::input_place::InputPlace;

/// A file of published heads has at most 2^20 lines of some 700 bytes.
const PUBLISHED_BYTES: u64 = 1 << 30;

/// Reads the checkpoint of a public log; none if the file is none, and no note.
pub(super) fn checkpoint(path: &Path) -> Result<Option<SignedCheckpoint>, CliError> {
    let file = open_file(path).map_err(|error| CliError::file(path, error))?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(limits::SMALL_FILE_BYTES as u64 + 1);
    let read = bounded.read_to_end(&mut bytes);
    read.map_err(|error| CliError::file(path, error))?;
    // Whatever else is kept of a log is JSON.
    let is_json = bytes.trim_ascii_start().starts_with(b"{");
    let has = |what: &str| memchr::memmem::find(&bytes, what.as_bytes()).is_some();
    if is_json || !(has("\n\n") || has("\u{2014} ")) {
        return Ok(None);
    }
    let checkpoint = SignedCheckpoint::parse(&bytes);
    let checkpoint = checkpoint.map_err(|error| in_file(path)(LogError::from(error)));
    checkpoint.map(Some)
}

/// Reads a signed head, a sealed header or a mark, or a published file (format
/// §12.2) with one of the first two on each line: a last line without newline
/// was not finished, and nothing of it counts.
pub(super) fn anchors(
    path: &Path,
    anchors: &mut Vec<Anchor>,
    warnings: &mut Vec<Warning>,
) -> Result<(), CliError> {
    let failed = |error| CliError::file(path, error);
    let file = open_file(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut bounded = Lines::new(file.take(PUBLISHED_BYTES + 1));
    bounded.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > PUBLISHED_BYTES {
        return Err(too_many(path));
    }
    let ended = bytes.ends_with(b"\n");
    let mut lines: Vec<(u64, &[u8])> = (1..)
        .zip(bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .collect();
    if lines.len() > limits::ANCHORS {
        return Err(too_many(path));
    }
    // One statement may be spelt over several lines.
    if let Some(anchor) = alone(&bytes, lines.len(), path)? {
        anchors.push(anchor);
        return Ok(());
    }
    if !ended {
        lines.pop();
        warnings.push(torn(path));
    }
    let read: Result<Vec<_>, _> = lines.par_iter().map(|line| read_line(path, line)).collect();
    anchors.extend(read?);
    Ok(())
}

/// With which flag to give a file that is no evidence itself, if evidence is held
/// against it.
pub(super) fn flag_for(path: &Path) -> Option<&'static str> {
    let bytes = read_within(path, limits::SMALL_FILE_BYTES).ok()?;
    if SignedRevocation::from_file(&bytes).is_ok() {
        return Some("it is a revocation: give it with --revoked");
    }
    let value = parse::parse(&bytes).ok()?;
    let is_head = Published::from_value(&value).is_ok();
    is_head.then_some("it is a signed head or header: hold a log against it with --contains")
}

/// A whole file as one statement in any spelling, if it is one or can be nothing
/// else.
fn alone(bytes: &[u8], lines: usize, path: &Path) -> Result<Option<Anchor>, CliError> {
    // A mark is a head too.
    if let Some(mark) = Mark::parse(bytes) {
        return Ok(Some(Anchor::of_head(&mark.head)));
    }
    if lines > 1 && bytes.len() > limits::SMALL_FILE_BYTES {
        return Ok(None);
    }
    let limits = parse::ParseLimits {
        bytes: limits::SMALL_FILE_BYTES,
        ..parse::ParseLimits::default()
    };
    match parse::parse_with(bytes, &limits) {
        Ok(value) => match Published::from_value(&value) {
            Ok(published) => Ok(Some(published.to_anchor())),
            Err(_) => Err(not_recognised(path)),
        },
        Err(error) if lines <= 1 => Err(in_file(path)(error)),
        Err(_) => Ok(None),
    }
}

fn read_line(path: &Path, (line, bytes): &(u64, &[u8])) -> Result<Anchor, CliError> {
    match Published::from_line(bytes) {
        Ok(published) => {
            let line = Some(*line);
            Ok(Anchor {
                line,
                ..published.to_anchor()
            })
        }
        Err(error) => {
            let source = match error {
                PublishedError::Json(error) => CliError::from(error),
                PublishedError::Spelling => CliError::NotCanonical {
                    path: path.to_owned(),
                },
                _ => not_recognised(path),
            };
            let source = Box::new(source);
            let place = InputPlace::line(*line);
            Err(CliError::Line { place, source })
        }
    }
}

pub(super) fn receipts(path: &Path, warnings: &mut Vec<Warning>) -> Result<Receipts, CliError> {
    let file = open_file(path).map_err(|error| CliError::file(path, error))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let receipts = Receipts::read(&mut reader).map_err(|error| CliError::Receipts {
        path: path.to_owned(),
        error,
    })?;
    if receipts.is_torn() {
        warnings.push(torn(path));
    }
    Ok(receipts)
}

fn torn(path: &Path) -> Warning {
    Warning {
        code: WarningCode::TornLastLine,
        detail: format!(
            "{} ends within a line, which was not looked at",
            path.display()
        ),
    }
}

fn too_many(path: &Path) -> CliError {
    CliError::TooManyHeads {
        path: path.to_owned(),
    }
}

fn not_recognised(path: &Path) -> CliError {
    CliError::NotAHead {
        path: path.to_owned(),
    }
}
