//! The one table of errors: every word by which the program tells another what
//! went wrong, with its exit status, its HTTP status, its cause and its remedy.
//!
//! The modules keep small enums and say which word each of their errors is; what
//! the word means stands here alone. The command line takes its exit status and
//! its hints from here, the server its status, `sealbook help codes` and the
//! README their table.

use std::fmt::Write as _;

use serde::Serialize;

mod faults;
mod table;

pub use faults::FAULTS;
pub use table::CODES;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Code {
    pub code: &'static str,
    /// The exit status of a command that ends with it: 1 where the answer is no,
    /// 2 where there is none. Without one, only the server gives it.
    pub exit_status: Option<u8>,
    /// The status of the answer over HTTP. Without one, only commands give it.
    pub http_status: Option<u16>,
    pub cause: &'static str,
    pub remedy: &'static str,
}

/// What a fault of verification means; `verify` ends with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FaultMeaning {
    pub code: crate::ledger::fault::FaultCode,
    pub cause: &'static str,
    /// What to do. Whatever it is: the file is evidence, and to be kept.
    pub remedy: &'static str,
}

/// The row of a word; that of `internal` for a word that the table lacks, which a
/// test keeps from happening.
pub fn find(code: &str) -> &'static Code {
    const UNKNOWN: Code = Code {
        code: "internal",
        exit_status: Some(2),
        http_status: Some(500),
        cause: "the program was at fault",
        remedy: "tell its authors what you did",
    };
    let mut rows = CODES.iter();
    rows.find(|row| row.code == code).unwrap_or(&UNKNOWN)
}

pub const EXIT_STATUS: &str = "Exit status: 0 the answer is yes; 1 the command worked and the \
     answer is no; 2 there is no answer.";

pub fn markdown() -> String {
    let mut text = format!(
        "{EXIT_STATUS}\n\n| code | exit | HTTP | cause | remedy |\n|---|---|---|---|---|\n"
    );
    for row in CODES {
        let exit = row.exit_status.map_or(String::new(), |it| it.to_string());
        let http = row.http_status.map_or(String::new(), |it| it.to_string());
        let (code, cause, remedy) = (row.code, row.cause, row.remedy);
        // Writing to memory does not fail; so below.
        let _ = writeln!(text, "| `{code}` | {exit} | {http} | {cause} | {remedy} |");
    }
    text.push_str("\nFaults of verification (exit status 1):\n\n");
    text.push_str("| code | cause | remedy |\n|---|---|---|\n");
    for row in FAULTS {
        let (code, cause, remedy) = (row.name(), row.cause, row.remedy);
        let _ = writeln!(text, "| `{code}` | {cause} | {remedy} |");
    }
    text
}

pub fn text() -> String {
    let mut text = format!("{EXIT_STATUS}\n");
    for row in CODES {
        let exit = row.exit_status.map(|it| format!("exit {it}"));
        let http = row.http_status.map(|it| format!("HTTP {it}"));
        let both: Vec<String> = exit.into_iter().chain(http).collect();
        let (code, cause, remedy) = (row.code, row.cause, row.remedy);
        let both = both.join(", ");
        let _ = write!(text, "\n{code} ({both})\n    {cause}\n    {remedy}\n");
    }
    text.push_str("\nFaults of verification (exit 1)\n");
    for row in FAULTS {
        let (code, cause, remedy) = (row.name(), row.cause, row.remedy);
        let _ = write!(text, "\n{code}\n    {cause}\n    {remedy}\n");
    }
    text
}

impl FaultMeaning {
    pub fn name(&self) -> String {
        let word = crate::ledger::shape::write(&self.code);
        word.as_str().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_order_and_is_given_by_someone() {
        let names: Vec<&str> = CODES.iter().map(|row| row.code).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for row in CODES {
            assert_eq!(find(row.code), row);
            assert!(
                row.exit_status.is_some() || row.http_status.is_some(),
                "{row:?}"
            );
            assert!(!row.cause.is_empty() && !row.remedy.is_empty(), "{row:?}");
        }
        assert_eq!(find("no such code").code, "internal");
        assert_eq!(
            Some(find("no such code")),
            CODES.iter().find(|row| row.code == "internal")
        );
    }

    #[test]
    fn the_chapter_on_codes_has_this_table() {
        let chapter = include_str!("guide/codes.md");
        let (_, rest) = chapter.split_once("<!-- codes -->\n").unwrap_or_default();
        let (table, _) = rest.split_once("<!-- /codes -->").unwrap_or_default();
        assert_eq!(table, markdown());
    }

    #[test]
    fn every_fault_stands_once_in_order() {
        let names: Vec<String> = FAULTS.iter().map(FaultMeaning::name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }
}
