//! A table read back as the bundle of its entries, while every column that is not
//! signed is held against those that are.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::footer::{DAY, FRAME, SealedRows, lines_of};
use super::reading::{ReadStop, guarded};
use super::statistics::Measured;
use super::structure::OpenTable;
use crate::ledger::fault::{At, Fault, FaultCode};
use crate::ledger::hash::Hash;
use crate::ledger::limits;
use crate::ledger::source::ReadError;
use crate::ledger::time::Timestamp;

mod row;

use row::Columns;

/// Rows that are read at once.
const BATCH: usize = 1_024;

/// Bytes of payload that are looked at together, about.
const PIECE: usize = 4 << 20;

/// The bundle in a table.
pub(super) struct TableText {
    opened: Arc<OpenTable>,
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
    batch: Option<(RecordBatch, usize)>,
    measured: Measured,
    frame: VecDeque<(u64, String)>,
    sealed: SealedRows,
    /// The first and last moment of the day that all rows are of.
    day: Option<(i64, i64)>,
    row: u64,
    made: Vec<u8>,
    taken: usize,
    ended: bool,
    /// What was found wrong.
    pub(super) faults: Vec<Fault>,
    /// Why nothing more can be read, where that is not a fault of the file.
    pub(super) error: Option<ReadError>,
    /// What the first row names as the entry before.
    pub(super) first_prev: Option<Hash>,
}

impl TableText {
    pub(super) fn new(opened: OpenTable) -> TableText {
        let mut faults = Vec::new();
        let mut refuse = |detail: String| {
            faults.push(Fault::of_file(FaultCode::BundleCorrupt, detail));
        };
        let frame = opened.pairs.get(FRAME).map_or("", String::as_str);
        let frame = lines_of(frame).unwrap_or_else(|detail| {
            refuse(format!("the frame in the footer is none: {detail}"));
            Vec::new()
        });
        let frame = frame
            .into_iter()
            .map(|(rows, line)| (rows, line.to_owned()));
        let frame = frame.collect();
        let day = opened.pairs.get(DAY).map(|day| day_of(day));
        if day == Some(None) {
            refuse("the day in the footer is none".to_owned());
        }
        TableText {
            group: 0,
            reader: None,
            batch: None,
            measured: Measured::default(),
            frame,
            sealed: SealedRows::default(),
            day: day.flatten(),
            row: 0,
            made: Vec::new(),
            taken: 0,
            ended: false,
            faults,
            error: None,
            first_prev: None,
            opened: Arc::new(opened),
        }
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < limits::REPORTED {
            self.faults.push(fault);
        }
    }

    /// Makes the next piece of the text; none at the end.
    fn make(&mut self) -> Result<(), ReadStop> {
        self.made.clear();
        self.taken = 0;
        while self.made.is_empty() && !self.ended {
            while let Some((_, line)) = self.frame.front().filter(|(rows, _)| *rows <= self.row) {
                self.sealed.take(line.as_bytes());
                self.made.extend_from_slice(line.as_bytes());
                self.frame.pop_front();
            }
            match self.batch.take() {
                Some((batch, from)) => self.rows(batch, from)?,
                None => self.next_batch()?,
            }
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<(), ReadStop> {
        if let Some(reader) = &mut self.reader {
            match guarded(|| reader.next().transpose())? {
                Some(batch) => {
                    self.measured.take(&batch);
                    self.batch = Some((batch, 0));
                    return Ok(());
                }
                None => self.end_group(),
            }
        }
        let groups = self.opened.metadata.metadata().num_row_groups();
        if self.group < groups {
            let opened = Arc::clone(&self.opened);
            let group = self.group;
            let reader = guarded(|| {
                ParquetRecordBatchReaderBuilder::new_with_metadata(
                    opened.input.clone(),
                    opened.metadata.clone(),
                )
                .with_row_groups(vec![group])
                .with_batch_size(BATCH)
                .build()
            })?;
            self.reader = Some(reader);
            return Ok(());
        }
        self.ended = true;
        if let Some((rows, _)) = self.frame.front() {
            let detail =
                format!("a line of the frame stands after {rows} rows, which there are not");
            self.fault(Fault::of_file(FaultCode::BundleCorrupt, detail));
        }
        Ok(())
    }

    /// Holds the statistics of the group against its rows.
    fn end_group(&mut self) {
        self.reader = None;
        let measured = std::mem::take(&mut self.measured);
        let opened = Arc::clone(&self.opened);
        let groups = opened.metadata.metadata().row_groups();
        let columns = groups
            .get(self.group)
            .map_or(&[][..], |group| group.columns());
        for column in columns {
            if let Some(detail) = measured.difference(column) {
                let detail = format!("row group {}: {detail}", self.group);
                self.fault(Fault::of_file(FaultCode::TableMismatch, detail));
            }
        }
        self.group += 1;
    }

    /// Makes the lines of some rows of a batch, from one on.
    fn rows(&mut self, batch: RecordBatch, from: usize) -> Result<(), ReadStop> {
        let columns = Columns::of(&batch).ok_or_else(|| {
            ReadStop::Damaged("its columns are not those of the table".to_owned())
        })?;
        // A line of the frame may stand between two rows.
        let next = self.frame.front().map_or(u64::MAX, |(rows, _)| *rows);
        let most = usize::try_from(next - self.row).unwrap_or(usize::MAX);
        let (mut to, mut bytes) = (from, 0);
        while to < batch.num_rows() && to - from < most && bytes < PIECE {
            bytes += columns.weight(to);
            to += 1;
        }
        let (first, sealed, day) = (self.row, &self.sealed, self.day);
        let read = |row: usize| {
            let index = first + (row - from) as u64;
            columns.read(row, index, sealed, day)
        };
        let read: Vec<_> = (from..to).into_par_iter().map(read).collect();
        if self.row == 0 {
            self.first_prev = columns.prev_hash(from);
        }
        for row in read {
            self.made.extend_from_slice(&row.line);
            for fault in row.faults {
                self.fault(fault);
            }
        }
        self.row += (to - from) as u64;
        if to < batch.num_rows() {
            self.batch = Some((batch, to));
        }
        Ok(())
    }
}

impl Read for TableText {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let made = self.fill_buf()?;
        let length = made.len().min(bytes.len());
        let (Some(from), Some(to)) = (made.get(..length), bytes.get_mut(..length)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for TableText {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken >= self.made.len() && !self.ended {
            match self.make().map_err(ReadStop::fault) {
                Ok(()) => {}
                Err(Ok(fault)) => {
                    self.ended = true;
                    let row = self.row;
                    let at = Fault::at(fault.code, At::Entry, row, fault.detail);
                    self.fault(at);
                }
                Err(Err(error)) => {
                    self.ended = true;
                    self.error = Some(error);
                }
            }
        }
        Ok(self.made.get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.made.len());
    }
}

/// The moments of a UTC day such as `2026-03-01`.
fn day_of(day: &str) -> Option<(i64, i64)> {
    const DAY: i64 = 86_400_000_000;
    let start = Timestamp::parse_canonical(&format!("{day}T00:00:00+00:00")).ok()?;
    let start = start.unix_micros();
    Some((start, start + DAY - 1))
}
