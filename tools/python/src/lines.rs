//! The lines of files of one statement or receipt a line.

use std::io::{BufReader, Read};

use sealbook::ledger::lines::{Line, read_line};

use crate::errors::Failure;
use crate::input::Input;

/// A line: its number, its bytes, and whether a newline ends it.
pub(crate) type Numbered = (u64, Vec<u8>, bool);

/// The lines of a file that are not blank.
pub(crate) fn lines(
    file: &Input,
) -> Result<impl Iterator<Item = Result<Numbered, Failure>> + Send + use<>, Failure> {
    let opened: Box<dyn Read + Send> = file.open()?;
    let mut reader = BufReader::with_capacity(1 << 20, opened);
    let (file, mut number, mut ended) = (file.clone(), 0_u64, false);
    Ok(std::iter::from_fn(move || {
        while !ended {
            number = number.saturating_add(1);
            match read_line(&mut reader) {
                Ok(None) => ended = true,
                Ok(Some(Line::Whole { bytes, .. })) if bytes.trim_ascii().is_empty() => {}
                Ok(Some(Line::Whole { bytes, ended })) => return Some(Ok((number, bytes, ended))),
                Ok(Some(Line::TooLong { bytes })) => {
                    ended = true;
                    let what = format!("the line has {bytes} bytes");
                    return Some(Err(refused(&file, number, "bad_input", &what)));
                }
                Err(error) => {
                    ended = true;
                    return Some(Err(file.failed(error)));
                }
            }
        }
        None
    }))
}

/// What is wrong with a line.
pub(crate) fn refused(
    file: &Input,
    line: u64,
    code: &'static str,
    what: &dyn std::fmt::Display,
) -> Failure {
    let failure = file.refused(code, &format!("line {line}: {what}"));
    let place = match failure.place {
        Some(name) => format!("{name}, line {line}"),
        None => format!("line {line}"),
    };
    Failure {
        place: Some(place),
        ..failure
    }
}
