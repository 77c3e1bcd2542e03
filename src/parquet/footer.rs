//! What stands in a footer beside the schema: the lines of the bundle that are no
//! entries, and which entries stand in which epoch.

use ::parquet::file::metadata::KeyValue;

use super::FRAME_BYTES;
use crate::ledger::epoch::{EpochHeader, SignedEpoch};
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::position::Seq;
use crate::ledger::statement::Statement;

pub(super) const TABLE: &str = "sealbook.table";
pub(super) const FORMAT: &str = "sealbook.format";
pub(super) const FRAME: &str = "sealbook.frame";
pub(super) const HEAD: &str = "sealbook.head";
pub(super) const DAY: &str = "sealbook.day";

/// The version of both tables.
pub(super) const VERSION: &str = "1";

pub(super) fn pair(key: &str, value: impl Into<String>) -> KeyValue {
    KeyValue::new(key.to_owned(), value.into())
}

/// The lines of a bundle that are no entries.
#[derive(Debug, Default)]
pub(super) struct BundleFrame {
    text: String,
}

impl BundleFrame {
    /// Adds a line, with its newline, that stands after so many rows. It answers
    /// whether there was room for it.
    pub(super) fn add(&mut self, rows: u64, line: &[u8]) -> bool {
        let Ok(line) = str::from_utf8(line) else {
            return false;
        };
        self.text.push_str(&rows.to_string());
        self.text.push('\t');
        self.text.push_str(line);
        self.text.len() <= FRAME_BYTES
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The lines of a frame with the rows before each; an error where the text is none.
pub(super) fn lines_of(text: &str) -> Result<Vec<(u64, &str)>, &'static str> {
    let mut lines = Vec::new();
    let mut before = 0;
    for line in text.split_inclusive('\n') {
        let (rows, line) = line.split_once('\t').ok_or("a line has no number")?;
        let number: u64 = rows.parse().map_err(|_| "a line's number is none")?;
        if number.to_string() != rows || number < before || !line.ends_with('\n') {
            return Err("the lines are not in order");
        }
        before = number;
        lines.push((number, line));
    }
    Ok(lines)
}

/// Which epoch the entries of a stretch of rows are in.
#[derive(Debug, Default)]
pub(super) struct SealedRows(Option<EpochHeader>);

impl SealedRows {
    /// Takes a line of the bundle that is not an entry.
    pub(super) fn take(&mut self, line: &[u8]) {
        if line.starts_with(b"{\"head\":") {
            self.0 = None;
        }
        if !line.starts_with(b"{\"epoch\":") {
            return;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let value = parse_with(line, &limits::embedded(2)).ok();
        let epoch: Option<SignedEpoch> = value.and_then(|value| Statement::from_value(&value).ok());
        self.0 = epoch.map(|epoch| epoch.content);
    }

    /// The epoch of an entry that stands here.
    pub(super) fn epoch_of(&self, seq: Seq) -> Option<u64> {
        let header = self.0.as_ref()?;
        let inside = (header.first_seq..=header.last_seq).contains(&seq);
        inside.then_some(header.epoch.0)
    }
}
