//! Where in its input a command is.

use std::fmt;

use serde_json::{Value, json};

use super::error::CliError;

/// A line, or an element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InputPlace {
    /// From 1: the line that it begins on.
    pub(super) line: u64,
    /// From 1, in an array.
    pub(super) element: Option<u64>,
}

impl InputPlace {
    pub(super) const fn line(line: u64) -> InputPlace {
        InputPlace {
            line,
            element: None,
        }
    }

    /// What is wrong there. Where in a text it is is said once.
    pub(super) fn of(self, source: &CliError) -> String {
        let CliError::Json(error) = source else {
            return format!("{self}: {source}");
        };
        let (at, text) = (error.place(), error.to_string());
        let Some(what) = text.strip_suffix(&format!(" at {at}")) else {
            return format!("{self}: {text}");
        };
        let more = at.line.saturating_sub(1);
        let place = InputPlace {
            line: self.line.saturating_add(more as u64),
            ..self
        };
        let (column, byte) = (at.column, at.offset);
        match self.element.filter(|_| more == 0) {
            None => format!("{place}: {what} at column {column} (byte {byte})"),
            Some(_) => format!("{place}: {what} at its column {column} (byte {byte})"),
        }
    }

    pub(super) fn to_json(self) -> Value {
        match self.element {
            None => json!({"line": self.line}),
            Some(element) => json!({"line": self.line, "element": element}),
        }
    }
}

impl fmt::Display for InputPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            None => write!(f, "line {}", self.line),
            Some(element) => write!(f, "element {element} of the array, line {}", self.line),
        }
    }
}
