//! What evidence says of its log, before it is verified: entry 0, or the opening line
//! that a bundle ends with. Nothing is judged.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::kind;
use crate::ledger::limits;
use crate::ledger::lines::{Line, read_line};
use crate::ledger::opening::Opening;
use crate::ledger::parse::parse;
use crate::ledger::position::Seq;
use crate::ledger::proof::InclusionProof;
use crate::logbook::entry_at;
use crate::report::{ReportFile, looks_like};

use super::Options;
use super::books::is_ledger;
use super::file::open;

/// Bytes of a file by which a report is known.
const BEGINNING: u64 = 8 << 10;

/// Lines, but for blank ones, among which entry 0 must be where no opening line is.
const FIRST_LINES: usize = 4;

/// What entry 0 says, if it is there and says something.
pub(super) fn opening_of(path: &Path, options: &Options) -> Option<Opening> {
    let entry = opening_entry(path, options)?;
    if entry.kind() != kind::OPEN || entry.prev_hash() != Hash::ZERO {
        return None;
    }
    Opening::from_object(&entry.check_payload().ok()?).ok()
}

/// Entry 0, or what stands in its place.
pub(super) fn opening_entry(path: &Path, options: &Options) -> Option<Entry> {
    if is_ledger(path) {
        let reader = options.reader(path).ok()?;
        entry_at(&reader.store, Seq::FIRST).ok()
    } else {
        first_entry(path)
    }
}

fn first_entry(path: &Path) -> Option<Entry> {
    let mut reader = open(path).ok()?.reader;
    let mut beginning = Vec::new();
    // What can be read of it is enough.
    let _read = reader.by_ref().take(BEGINNING).read_to_end(&mut beginning);
    let is_report = looks_like(&beginning);
    let mut reader = std::io::Cursor::new(beginning).chain(reader);
    match is_report {
        true => {
            let mut report = ReportFile::open(reader).ok()??;
            in_lines(&mut BufReader::new(report.bundle()?))
        }
        false => in_lines(&mut reader),
    }
}

fn in_lines(reader: &mut dyn BufRead) -> Option<Entry> {
    let (mut number, mut is_bundle) = (0, false);
    loop {
        let bytes = match read_line(reader).ok()?? {
            Line::Whole { bytes, .. } => bytes,
            Line::TooLong { bytes } if bytes < limits::PASSED_OVER_BYTES => continue,
            Line::TooLong { .. } => return None,
        };
        let line = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        if line.trim_ascii().is_empty() {
            continue;
        }
        number += 1;
        if number == 1 {
            is_bundle = line.starts_with(b"{\"sealbook\":");
            let whole = [line, b"\n"].concat();
            if let Ok(proof) = InclusionProof::from_bytes(&whole) {
                return proof.opening;
            }
        }
        let inside = |name: &[u8]| line.strip_prefix(name)?.strip_suffix(b"}");
        if let Some(opening) = inside(b"{\"opening\":") {
            return Entry::from_logbook_line(opening).ok();
        }
        if number <= FIRST_LINES {
            let found = match inside(b"{\"entry\":") {
                Some(entry) => {
                    let value = parse(entry).ok();
                    value.and_then(|value| Some(Entry::from_value(&value, "").ok()?.1))
                }
                None => Entry::from_logbook_line(line).ok(),
            };
            if found.is_some() {
                return found;
            }
        } else if !is_bundle {
            return None;
        }
    }
}
