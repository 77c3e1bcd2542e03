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
use crate::logbook::request::Prepared;

use super::keyed::{self, Keyed};
use super::redacting::{self, Redacting};
use super::syslog::{self, Frames};
use super::values::Values;
use crate::cli::error::CliError;

/// Formats of other programs.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// Messages of RFC 5424, behind the number of their octets or one a line
    Syslog,
}

pub(super) type Input = BufReader<Box<dyn Read + Send>>;

/// What is read, one after the other.
pub(super) enum Lines {
    Json(Values<Box<dyn Read + Send>>),
    /// And the kind of the entries.
    Syslog(Frames<Box<dyn Read + Send>>, String),
}

impl Lines {
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        match self {
            Lines::Json(values) => values.next(),
            Lines::Syslog(frames, _) => frames.next(),
        }
    }

    pub(super) fn has_more(&self) -> bool {
        match self {
            Lines::Json(values) => values.has_more(),
            Lines::Syslog(frames, _) => frames.has_more(),
        }
    }

    /// The entry of a line, and under which key; `None` of a blank one.
    pub(super) fn prepare(
        &self,
        line: Line,
        redacting: &Redacting,
    ) -> Result<Option<(Prepared, Option<Keyed>)>, CliError> {
        let (bytes, ended) = match line {
            Line::Whole { bytes, ended } => (bytes, ended),
            Line::TooLong { .. } => return Err(CliError::LineTooLong),
        };
        match self {
            Lines::Json(_) => prepare(bytes, redacting),
            Lines::Syslog(..) if !ended => Err(CliError::Syslog {
                at: bytes.len(),
                expected: "as many octets as were said",
            }),
            Lines::Syslog(_, kind) => {
                let payload = syslog::payload(&bytes)?;
                let entry = Prepared::of_caller(kind, &payload)?;
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
    redacting: &Redacting,
) -> Result<Option<(Prepared, Option<Keyed>)>, CliError> {
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
    let entry = Prepared::of_caller(kind, payload)?;
    let entry = redacting.take(entry, &besides.unwrap_or_default())?;
    let keyed = key.map(|key| Keyed::new(key, &entry)).transpose()?;
    Ok(Some((entry, keyed)))
}
