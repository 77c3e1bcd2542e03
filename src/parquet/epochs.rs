//! The table of epoch headers, written and verified.

use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;

use super::columns::of_epochs;
use super::footer::{HEAD, pair};
use super::reading::{ReadStop, guarded};
use super::schema::TableKind;
use super::statistics::Measured;
use super::structure::OpenTable;
use super::writing::{Footer, failed, writer};
use super::{NO_KEY, TableError};
use crate::evidence::EvidenceError;
use crate::ledger::epoch::{EpochFault, EpochHeader, SignedEpoch};
use crate::ledger::fault::{At, Fault, FaultCode, Format, KeySource, NotChecked, Report, Verdict};
use crate::ledger::hash::Hash;
use crate::ledger::head::SignedHead;
use crate::ledger::limits;
use crate::ledger::parse::parse_with;
use crate::ledger::policy::Policy;
use crate::ledger::position::EpochNumber;
use crate::ledger::source::ReadError;
use crate::ledger::statement::Statement;
use crate::logbook::epoch_at;
use crate::store::Store;

/// Headers that are written together.
const BLOCK: usize = 4_096;

/// Writes the table of all epoch headers, and answers how many there are.
///
/// # Errors
/// [`TableError`]; what was written by then is not a table.
pub fn export_epochs(
    store: &dyn Store,
    footer: &Footer,
    out: &mut (dyn Write + Send),
) -> Result<u64, TableError> {
    let mut writer = writer(TableKind::Epochs, out)?;
    let mut block = Vec::new();
    let mut written = 0;
    let count = store
        .last_epoch()
        .map_err(EvidenceError::from)?
        .map_or(0, |last| last.0.saturating_add(1));
    for number in 0..count {
        block.push(epoch_at(store, EpochNumber(number)).map_err(EvidenceError::from)?);
        if block.len() == BLOCK || number + 1 == count {
            writer.write(&of_epochs(&block)?).map_err(failed)?;
            written += block.len() as u64;
            block.clear();
        }
    }
    if let Some(head) = &footer.head {
        writer.append_key_value_metadata(pair(HEAD, head.as_str()));
    }
    let out = writer.into_inner().map_err(failed)?;
    out.flush()?;
    Ok(written)
}

/// Verifies the table: signatures, how each header follows the one before, and that
/// every column is what its statement says.
pub(super) fn verify_epochs(
    opened: OpenTable,
    head: Option<&SignedHead>,
    policy: &Policy,
) -> Result<Report, ReadError> {
    let mut walk = EpochWalk {
        policy,
        before: None,
        count: 0,
        faults: Vec::new(),
    };
    if policy.keys.is_empty() {
        walk.faults
            .push(Fault::of_file(FaultCode::UntrustedKey, NO_KEY));
    }
    if let Err(stopped) = walk.read(Arc::new(opened)) {
        walk.fault(stopped.fault()?);
    }
    walk.contains(head);
    let last = walk.before.as_ref();
    Ok(Report {
        verdict: match walk.faults.is_empty() {
            true => Verdict::Pass,
            false => Verdict::Fail,
        },
        format: Format::Parquet,
        entries: 0,
        epochs: walk.count,
        head: last.map_or(Hash::ZERO, |header| header.head),
        log: last
            .map(|header| header.log)
            .or(policy.keys.first().copied()),
        genesis: last.map(|header| header.genesis),
        key_source: match policy.keys.is_empty() {
            true => KeySource::None,
            false => KeySource::Given,
        },
        faults: walk.faults,
        not_checked: vec![
            NotChecked::Truncation,
            NotChecked::Signatures,
            NotChecked::Chain,
        ],
        warnings: Vec::new(),
        complete: None,
        redacted: None,
        logs: None,
    })
}

struct EpochWalk<'a> {
    policy: &'a Policy,
    before: Option<EpochHeader>,
    count: u64,
    faults: Vec<Fault>,
}

impl EpochWalk<'_> {
    fn read(&mut self, opened: Arc<OpenTable>) -> Result<(), ReadStop> {
        for group in 0..opened.metadata.metadata().num_row_groups() {
            let mut measured = Measured::default();
            let mut reader = guarded(|| {
                ParquetRecordBatchReaderBuilder::new_with_metadata(
                    opened.input.clone(),
                    opened.metadata.clone(),
                )
                .with_row_groups(vec![group])
                .with_batch_size(BLOCK)
                .build()
            })?;
            while let Some(batch) = guarded(|| reader.next().transpose())? {
                measured.take(&batch);
                self.batch(&batch)?;
            }
            let groups = opened.metadata.metadata().row_groups();
            let columns = groups.get(group).map_or(&[][..], |group| group.columns());
            for column in columns {
                if let Some(detail) = measured.difference(column) {
                    self.fault(Fault::of_file(FaultCode::TableMismatch, detail));
                }
            }
        }
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), ReadStop> {
        let statements = batch.column_by_name("statement");
        let Some(statements) = statements.and_then(|column| column.as_string_view_opt()) else {
            return Err(ReadStop::Damaged("it has no statements".to_owned()));
        };
        let mut epochs = Vec::new();
        for text in statements.iter().flatten() {
            match statement(text) {
                Some(epoch) => {
                    self.header(&epoch);
                    epochs.push(epoch);
                }
                None => {
                    let detail = "the statement is not a signed epoch header";
                    self.fault(self.at(FaultCode::SchemaViolation, detail));
                    return Ok(());
                }
            }
        }
        let expected = of_epochs(&epochs)?;
        for (field, (expected, actual)) in expected
            .schema()
            .fields()
            .iter()
            .zip(expected.columns().iter().zip(batch.columns()))
        {
            // Text is the statement itself, which was read and is canonical.
            if field.data_type() != &DataType::Utf8 && expected.to_data() != actual.to_data() {
                let name = field.name();
                let detail = format!("the column {name} is not what its statements say");
                self.fault(self.at(FaultCode::TableMismatch, &detail));
            }
        }
        Ok(())
    }

    fn header(&mut self, epoch: &SignedEpoch) {
        let header = &epoch.content;
        self.count += 1;
        if !epoch.verify() {
            let detail = "the header's signature is not the log key's";
            self.fault(self.of(FaultCode::EpochSignatureInvalid, header, detail));
        }
        let first = self.before.as_ref().unwrap_or(header);
        let other = (header.log, header.genesis) != (first.log, first.genesis);
        if !self.policy.keys.is_empty() && !self.policy.keys.contains(&header.log) {
            let detail = "the log's key is none of those given";
            self.fault(self.of(FaultCode::UntrustedKey, header, detail));
        }
        if other {
            let detail = "it is of another log than the headers before";
            self.fault(self.of(FaultCode::GenesisMismatch, header, detail));
        }
        let mut faults = header.faults_alone();
        faults.extend(header.faults_after(self.before.as_ref()));
        for fault in faults {
            let code = match fault {
                EpochFault::Prev { .. } => FaultCode::EpochChainBroken,
                _ => FaultCode::EpochInvariant,
            };
            self.fault(self.of(code, header, &fault.to_string()));
        }
        self.before = Some(header.clone());
    }

    /// A head of the footer must be of the same log, and not before its epochs.
    fn contains(&mut self, head: Option<&SignedHead>) {
        let (Some(head), Some(last)) = (head, self.before.as_ref()) else {
            return;
        };
        let said = &head.content;
        let same = (said.log, said.genesis) == (last.log, last.genesis) && head.verify();
        if !same
            || said.seq < last.last_seq
            || (said.seq == last.last_seq && said.hash != last.head)
        {
            let detail = "the head in the footer is not one of this log at or after these epochs";
            self.fault(Fault::of_file(FaultCode::HeadMismatch, detail));
        }
    }

    fn at(&self, code: FaultCode, detail: &str) -> Fault {
        Fault::at(code, At::Epoch, self.count, detail)
    }

    fn of(&self, code: FaultCode, header: &EpochHeader, detail: &str) -> Fault {
        Fault::at(code, At::Epoch, header.epoch.0, detail)
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < limits::REPORTED {
            self.faults.push(fault);
        }
    }
}

/// A statement in its one spelling.
fn statement(text: &str) -> Option<SignedEpoch> {
    use crate::ledger::json::Form;
    let value = parse_with(text.as_bytes(), &limits::embedded(2)).ok()?;
    (value.canonical(Form::Utf8) == text).then_some(())?;
    Statement::from_value(&value).ok()
}
