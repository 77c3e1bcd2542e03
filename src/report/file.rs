//! A report, read: the frame compared, the case and the bundle taken out.

use std::io::{BufRead, Read};

use super::about::About;
use super::carried::Carried;
use super::escape::Unescape;
use super::frame::{BUNDLE_BEGINS, frame};
use crate::ledger::fault::{Fault, FaultCode};
use crate::ledger::lines::{Line, read_line};
use crate::ledger::sha256::Sha256Hasher;
use crate::ledger::source::ReadError;

/// Lines before the bundle that are read at most.
const LINES: usize = 10_000;

/// Characters of a line that a fault shows.
const SHOWN: usize = 80;

const OTHER: &str = "this is not what this release of sealbook writes into a report";

/// The frames of former releases, by the SHA-256 of all but the case and the
/// bundle: what they wrote is verified for ever.
const FORMER: [&str; 1] = ["42e6978e924a5efdb54f00aaa69b7eb1a0d0691d09c85a05634f7433c100d8c9"];

/// No frame of a former release has more bytes after the bundle.
const REST_BYTES: u64 = 1 << 20;

pub struct ReportFile<R> {
    carried: Carried<R>,
    about: Option<About>,
    frame: Option<Fault>,
    /// All of the frame so far.
    hasher: Sha256Hasher,
    lines: u64,
}

impl<R: BufRead + Send> ReportFile<R> {
    /// Reads all that stands before the bundle. `None` if there is none.
    pub fn open(mut reader: R) -> Result<Option<ReportFile<R>>, ReadError> {
        let Some(lines) = lines_before(&mut reader)? else {
            return Ok(None);
        };
        let frame = frame();
        let first = frame.before_about.lines().count();
        let marker = frame.before_about.lines().last().map(str::as_bytes);
        let marked = lines
            .iter()
            .position(|line| Some(line.as_slice()) == marker);
        let first = marked.map_or(first, |at| at + 1);
        let about = lines.get(first).map(|line| unescaped(line));
        let about = about.as_deref().and_then(About::from_line);
        let mut hasher = Sha256Hasher::new();
        for (_, line) in lines.iter().enumerate().filter(|(at, _)| *at != first) {
            hasher.update(line);
            hasher.update(b"\n");
        }
        let expected = frame.before_about.lines().map(Some);
        // The line of the case is the one that may differ.
        let expected = expected.chain([None]);
        let expected = expected.chain(frame.before_bundle.lines().map(Some));
        let mut differs = difference(expected, lines.iter().map(Vec::as_slice), 0);
        if about.is_none() && differs.is_none() {
            let detail = "the line that says which case this is cannot be read";
            differs = Some(other(first as u64, detail));
        }
        Ok(Some(ReportFile {
            carried: Carried::new(reader),
            about,
            frame: differs,
            hasher,
            lines: lines.len() as u64,
        }))
    }

    /// What it says of itself, as far as that can be read.
    pub fn about(&self) -> Option<&About> {
        self.about.as_ref()
    }

    /// The line of the file that line 1 of the bundle stands on, less one.
    pub fn lines_before(&self) -> u64 {
        self.lines
    }

    /// The bundle that it carries; `None` if it is over several logs.
    pub fn bundle(&mut self) -> Option<&mut (dyn Read + Send)> {
        let several = self
            .about
            .as_ref()
            .is_some_and(|about| about.logs.is_some());
        (!several).then_some(&mut self.carried)
    }

    /// All that it carries: one bundle, or those of several logs one after another.
    pub fn bundles(&mut self) -> &mut (dyn Read + Send) {
        &mut self.carried
    }

    /// Reads the rest, and says what of the frame is not as it must be.
    pub fn finish(mut self) -> Result<Vec<Fault>, ReadError> {
        let (reader, bundle, raw) = self.carried.finish()?;
        let before = self.lines + bundle;
        let mut rest = Vec::new();
        reader.take(REST_BYTES).read_to_end(&mut rest)?;
        self.hasher.update(&rest);
        let mut faults: Vec<Fault> = self.frame.into_iter().collect();
        if let Some(raw) = raw {
            let detail = "a `<` stands in the bundle that is not escaped";
            faults.push(other(self.lines + raw - 1, detail));
        }
        faults.extend(compare_rest(&rest, &frame().after, before));
        let former = FORMER.contains(&self.hasher.finish().to_string().as_str());
        match former && raw.is_none() && self.about.is_some() {
            true => Ok(Vec::new()),
            false => Ok(faults),
        }
    }
}

/// The lines up to the one that the bundle follows, and that one; `None` if
/// there is no such line.
fn lines_before(reader: &mut impl BufRead) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
    let mut lines = Vec::new();
    while lines.len() < LINES {
        let Some(Line::Whole { bytes, ended: true }) = read_line(reader)? else {
            break;
        };
        let last = bytes == BUNDLE_BEGINS.as_bytes();
        lines.push(bytes);
        if last {
            return Ok(Some(lines));
        }
    }
    Ok(None)
}

fn unescaped(line: &[u8]) -> Vec<u8> {
    let (mut state, mut out) = (Unescape::default(), Vec::new());
    for &byte in line {
        state.take(byte, &mut out);
    }
    state.finish(&mut out);
    out
}

/// The first line that is not the expected one, if any. `None` in `expected` is
/// any line. `before` lines of the file stand before these.
fn difference<'a, 'b>(
    mut expected: impl Iterator<Item = Option<&'a str>>,
    mut actual: impl Iterator<Item = &'b [u8]>,
    before: u64,
) -> Option<Fault> {
    for line in before.. {
        match (expected.next(), actual.next()) {
            (None, None) => return None,
            (Some(None), Some(_)) => {}
            (Some(Some(expected)), Some(actual)) if expected.as_bytes() == actual => {}
            (expected, actual) => {
                let expected = expected.flatten().unwrap_or_default().as_bytes();
                let actual = actual.unwrap_or_default();
                return Some(other(line, OTHER).compared(shown(expected), shown(actual)));
            }
        }
    }
    None
}

/// The rest of the file, byte by byte: also its last newline and what comes
/// after it.
fn compare_rest(rest: &[u8], expected: &str, before: u64) -> Option<Fault> {
    if rest == expected.as_bytes() {
        return None;
    }
    let actual = rest.split_inclusive(|byte| *byte == b'\n');
    let expected = expected.split_inclusive('\n').map(Some);
    difference(expected, actual, before)
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim_end_matches('\n').chars().take(SHOWN).collect()
}

/// `line` counts from 0.
fn other(line: u64, detail: &str) -> Fault {
    Fault::of_file(FaultCode::FormatMismatch, detail).on_line(Some(line + 1))
}
