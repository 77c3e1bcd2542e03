//! One row: the line of its entry, and the columns that do not follow from it.

use std::fmt::Display;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array as _, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray,
    RecordBatch, StringViewArray, TimestampMicrosecondArray,
};

use super::super::columns::signed;
use super::super::footer::SealedRows;
use crate::ledger::bundle_line::entry_line;
use crate::ledger::entry::{Draft, Entry, EntryError};
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::key::Signature;
use crate::ledger::position::Seq;
use crate::ledger::time::Timestamp;
use crate::producers::derived::{Derived, TEXTS};

/// Characters of a value that a fault repeats.
const SHOWN: usize = 200;

/// The columns of a batch.
pub(super) struct Columns<'b> {
    seq: &'b Int64Array,
    epoch: &'b Int64Array,
    ts: &'b TimestampMicrosecondArray,
    ts_text: &'b StringViewArray,
    kind: &'b StringViewArray,
    tenants: &'b ListArray,
    texts: Vec<&'b StringViewArray>,
    denied: &'b BooleanArray,
    hash: &'b FixedSizeBinaryArray,
    prev_hash: &'b FixedSizeBinaryArray,
    signature: &'b FixedSizeBinaryArray,
    payload: &'b StringViewArray,
    path: Option<&'b BinaryViewArray>,
}

/// What a row came to.
pub(super) struct RowText {
    /// Its line in the bundle; nothing if it is not an entry.
    pub(super) line: Vec<u8>,
    pub(super) faults: Vec<Fault>,
}

impl<'b> Columns<'b> {
    /// The columns of the table of entries; none if they are not those.
    pub(super) fn of(batch: &'b RecordBatch) -> Option<Columns<'b>> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_view_opt();
        let number = |name| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let fixed = |name| batch.column_by_name(name)?.as_fixed_size_binary_opt();
        let texts: Option<Vec<_>> = TEXTS.iter().map(|name| text(name)).collect();
        Some(Columns {
            seq: number("seq")?,
            epoch: number("epoch")?,
            ts: batch
                .column_by_name("ts")?
                .as_primitive_opt::<TimestampMicrosecondType>()?,
            ts_text: text("ts_text")?,
            kind: text("kind")?,
            tenants: batch.column_by_name("tenants")?.as_list_opt::<i32>()?,
            texts: texts?,
            denied: batch.column_by_name("denied")?.as_boolean_opt()?,
            hash: fixed("hash")?,
            prev_hash: fixed("prev_hash")?,
            signature: fixed("signature")?,
            payload: text("payload")?,
            path: match batch.column_by_name("path") {
                Some(path) => Some(path.as_binary_view_opt()?),
                None => None,
            },
        })
    }

    /// Bytes of a row that its line is made of, about.
    pub(super) fn weight(&self, row: usize) -> usize {
        self.payload.value(row).len() + self.path.map_or(0, |path| path.value(row).len())
    }

    pub(super) fn prev_hash(&self, row: usize) -> Option<Hash> {
        self.prev_hash
            .value(row)
            .try_into()
            .ok()
            .map(Hash::from_bytes)
    }

    fn entry(&self, row: usize) -> Result<Entry, EntryError> {
        let ts = Timestamp::parse_canonical(self.ts_text.value(row))?;
        let prev = self.prev_hash(row).ok_or(EntryError::Record)?;
        let signature = self.signature.value(row).try_into();
        let signature = Signature::from_bytes(signature.map_err(|_| EntryError::Record)?);
        let payload = self.payload.value(row).as_bytes();
        let draft = Draft::new(self.kind.value(row), ts, payload, &prev)?;
        let entry = draft.with_signature(&signature);
        // What is not an object in its one spelling could pass for more than one member.
        entry.check_payload_text()?;
        Ok(entry)
    }

    /// Reads the row that is `index` in the file.
    pub(super) fn read(
        &self,
        row: usize,
        index: u64,
        sealed: &SealedRows,
        day: Option<(i64, i64)>,
    ) -> RowText {
        let mut faults = Faults {
            index,
            seq: u64::try_from(self.seq.value(row)).ok(),
            found: Vec::new(),
        };
        let mut line = Vec::new();
        match (self.entry(row), faults.seq) {
            (Ok(entry), Some(seq)) => {
                self.compare(row, &entry, Seq(seq), sealed, &mut faults);
                line = self.line(row, Seq(seq), &entry, &mut faults);
                let micros = entry.ts().unix_micros();
                if let Some((first, last)) = day.filter(|(a, b)| !(*a..=*b).contains(&micros)) {
                    let days = [first, last].map(Timestamp::from_unix_micros);
                    let detail = "the entry is not of the day that the footer names";
                    let text =
                        |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.to_string());
                    let expected = format!("{} to {}", text(days[0]), text(days[1]));
                    let fault = faults.of(FaultCode::TableMismatch, detail.to_owned());
                    faults.found.push(fault.compared(expected, entry.ts()));
                }
            }
            (Err(error), _) => {
                let fault = faults.of(FaultCode::SchemaViolation, error.to_string());
                faults.found.push(fault);
            }
            (Ok(_), None) => {
                let detail = "the sequence number is negative".to_owned();
                let fault = faults.of(FaultCode::SchemaViolation, detail);
                faults.found.push(fault);
            }
        }
        RowText {
            line,
            faults: faults.found,
        }
    }

    fn line(&self, row: usize, seq: Seq, entry: &Entry, faults: &mut Faults) -> Vec<u8> {
        let path = self.path.map(|path| {
            let (hashes, rest) = path.value(row).as_chunks::<{ Hash::BYTES }>();
            if !rest.is_empty() {
                let detail = "the path is not made of hashes".to_owned();
                let fault = faults.of(FaultCode::SchemaViolation, detail);
                faults.found.push(fault);
            }
            let hashes = hashes.iter().map(|bytes| Hash::from_bytes(*bytes));
            hashes.collect::<Vec<_>>()
        });
        let mut line = entry_line(seq, entry, path.as_deref());
        line.push(b'\n');
        line
    }

    /// Names every column that does not follow from the entry.
    fn compare(
        &self,
        row: usize,
        entry: &Entry,
        seq: Seq,
        sealed: &SealedRows,
        faults: &mut Faults,
    ) {
        let derived = Derived::of(self.kind.value(row), self.payload.value(row));
        faults.differ("ts", &entry.ts().unix_micros(), &self.ts.value(row));
        let epoch = (!self.epoch.is_null(row)).then(|| self.epoch.value(row));
        faults.maybe("epoch", sealed.epoch_of(seq).map(signed), epoch);
        if self.hash.value(row) != entry.hash().as_bytes() {
            let hash = hex::encode(self.hash.value(row));
            faults.differ("hash", &entry.hash().to_string(), &hash);
        }
        let denied = (!self.denied.is_null(row)).then(|| self.denied.value(row));
        faults.maybe("denied", derived.denied, denied);
        for ((name, expected), column) in TEXTS.iter().zip(&derived.texts).zip(&self.texts) {
            let actual = (!column.is_null(row)).then(|| column.value(row));
            faults.maybe(name, expected.as_deref(), actual);
        }
        let tenants = self.tenants.value(row);
        let tenants = tenants.as_string_view_opt();
        let actual = tenants.map(|tenants| tenants.iter().flatten().collect::<Vec<_>>());
        let expected: Vec<&str> = derived.tenants.iter().map(AsRef::as_ref).collect();
        if actual.as_ref() != Some(&expected) {
            let joined = |tenants: &[&str]| tenants.join(", ");
            let actual = actual.as_deref().map(joined);
            faults.differ("tenants", &joined(&expected), &actual.unwrap_or_default());
        }
    }
}

/// What was found in one row.
struct Faults {
    index: u64,
    seq: Option<u64>,
    found: Vec<Fault>,
}

impl Faults {
    fn of(&self, code: FaultCode, detail: String) -> Fault {
        Fault::at(code, At::Entry, self.index, detail).with_seq(self.seq)
    }

    fn differ<T: PartialEq + Display>(&mut self, column: &str, expected: &T, actual: &T) {
        if expected != actual {
            let detail = format!("the column {column} is not what the entry says");
            let fault = self.of(FaultCode::TableMismatch, detail);
            let shown = |value: &T| value.to_string().chars().take(SHOWN).collect::<String>();
            self.found
                .push(fault.compared(shown(expected), shown(actual)));
        }
    }

    fn maybe<T: PartialEq + Display>(
        &mut self,
        column: &str,
        expected: Option<T>,
        actual: Option<T>,
    ) {
        if expected != actual {
            let text = |value: Option<T>| value.map_or("null".to_owned(), |it| it.to_string());
            let detail = format!("the column {column} is not what the entry says");
            let fault = self.of(FaultCode::TableMismatch, detail);
            let shown = |value| text(value).chars().take(SHOWN).collect::<String>();
            self.found
                .push(fault.compared(shown(expected), shown(actual)));
        }
    }
}
