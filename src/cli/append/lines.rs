//! What `append` reads, one after the other, in whichever format.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::api::Cause;
use crate::ledger::limits;
use crate::ledger::lines::Line;
use crate::ledger::parse;
use crate::ledger::redact::Redactable;
use crate::ledger::shape;
use crate::logbook::request::PreparedEntry;

use super::keyed::{self, Keyed};
use super::redacting::{self, RedactFlags};
use super::syslog::{self, SyslogFrames};
use super::values::Values;
use crate::cli::error::CliError;
use crate::cli::input_place::InputPlace;

/// Formats of other programs.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum LineFormat {
    /// Messages of RFC 5424, behind the number of their octets or one a line
    Syslog,
}

pub(super) type Input = BufReader<Box<dyn Read + Send>>;

/// What is read, one after the other.
pub(super) enum InputLines {
    Json(Values<Box<dyn Read + Send>>),
    /// And the kind of the entries.
    Syslog(SyslogFrames<Box<dyn Read + Send>>, String),
}

impl InputLines {
    pub(super) fn next(&mut self) -> io::Result<Option<(InputPlace, Line)>> {
        match self {
            InputLines::Json(values) => values.next(),
            InputLines::Syslog(frames, _) => {
                let next = frames.next()?;
                Ok(next.map(|(line, frame)| (InputPlace::line(line), frame)))
            }
        }
    }

    /// Where what follows begins.
    pub(super) fn next_place(&self) -> InputPlace {
        match self {
            InputLines::Json(values) => values.next_place(),
            InputLines::Syslog(frames, _) => InputPlace::line(frames.count() + 1),
        }
    }

    pub(super) fn has_more(&self) -> bool {
        match self {
            InputLines::Json(values) => values.has_more(),
            InputLines::Syslog(frames, _) => frames.has_more(),
        }
    }

    /// The entry of a line, and under which key; `None` of a blank one.
    pub(super) fn prepare(
        &self,
        line: Line,
        redacting: &RedactFlags,
    ) -> Result<Option<(PreparedEntry, Option<Keyed>)>, CliError> {
        let (bytes, ended) = match line {
            Line::Whole { bytes, ended } => (bytes, ended),
            Line::TooLong { .. } => return Err(CliError::LineTooLong),
        };
        match self {
            InputLines::Json(_) => prepare(bytes, redacting),
            InputLines::Syslog(..) if !ended => Err(CliError::Syslog {
                at: bytes.len(),
                expected: "as many octets as were said",
            }),
            InputLines::Syslog(_, kind) => {
                let payload = syslog::payload(&bytes)?;
                let entry = PreparedEntry::of_caller(kind, &payload)?;
                Ok(Some((redacting.take(entry, &[])?, None)))
            }
        }
    }
}

pub(super) fn open(path: &Path) -> Result<Input, CliError> {
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| CliError::file(path, error))?)
    };
    Ok(BufReader::with_capacity(1 << 18, reader))
}

fn prepare(
    bytes: Vec<u8>,
    redacting: &RedactFlags,
) -> Result<Option<(PreparedEntry, Option<Keyed>)>, CliError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    if let Some(cause) = Cause::of_encoding(&bytes) {
        return Err(CliError::Rewritten { cause });
    }
    let value = parse::parse_with(&bytes, &limits::embedded(1))?;
    let members = shape::members(&value)?;
    let kind = shape::member(members, "kind")?;
    let payload = shape::member_object(members, "payload")?;
    shape::only(
        members,
        &["kind", "payload", keyed::MEMBER, redacting::MEMBER],
    )?;
    let besides: Option<Vec<Redactable>> = shape::member_or_none(members, redacting::MEMBER)?;
    let key: Option<&str> = shape::member_or_none(members, keyed::MEMBER)?;
    let entry = PreparedEntry::of_caller(kind, payload)?;
    let entry = redacting.take(entry, &besides.unwrap_or_default())?;
    let keyed = key.map(|key| Keyed::new(key, &entry)).transpose()?;
    Ok(Some((entry, keyed)))
}
