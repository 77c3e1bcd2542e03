//! Entries and other findings as rows of tables.

use crate::ledger::entry::Entry;
use crate::ledger::position::Seq;

use super::Answer;
use super::error::CliError;
use super::output::Output;

/// Rows printed together as one table.
const TABLE: usize = 1_000;

/// Characters of a payload in a table.
const PAYLOAD: usize = 80;

pub(super) struct EntryRows<'h> {
    head: &'h [&'h str],
    rows: Vec<Vec<String>>,
    pub(super) found: bool,
}

impl<'h> EntryRows<'h> {
    pub(super) fn new(head: &'h [&'h str]) -> EntryRows<'h> {
        EntryRows {
            head,
            rows: Vec::new(),
            found: false,
        }
    }

    pub(super) fn add(&mut self, row: Vec<String>, output: &mut Output) -> Result<(), CliError> {
        self.found = true;
        self.rows.push(row);
        if self.rows.len() == TABLE {
            output.table(self.head, std::mem::take(&mut self.rows))?;
        }
        Ok(())
    }

    pub(super) fn finish(self, output: &mut Output) -> Result<Answer, CliError> {
        if !self.rows.is_empty() {
            output.table(self.head, self.rows)?;
        }
        if self.found {
            Ok(Answer::Yes)
        } else {
            Err(CliError::NothingFound)
        }
    }
}

pub(super) fn cells(seq: Seq, entry: &Entry) -> Vec<String> {
    let payload = String::from_utf8_lossy(entry.payload_bytes());
    vec![
        seq.to_string(),
        entry.ts().to_string(),
        entry.kind().to_owned(),
        shortened(&payload),
    ]
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(PAYLOAD) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
