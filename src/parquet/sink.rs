//! A bundle on its way into a table: its entries become rows, its other lines the
//! frame in the footer.

use std::io::{self, Write};
use std::thread;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::metadata::KeyValue;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::TableError;
use super::columns::{Row, of_entries};
use super::footer::{BundleFrame, DAY, FRAME, HEAD, SealedRows, pair};
use super::schema::TableKind;
use super::writing::{Footer, failed, writer};
use crate::ledger::bundle::BundleSink;
use crate::ledger::entry::Entry;
use crate::ledger::hash::Hash;
use crate::ledger::position::Seq;

/// Rows that are handed over together, at most.
const BLOCK_ROWS: usize = 8_192;

/// Bytes of entries from which on a block is full.
const BLOCK_BYTES: usize = 4 << 20;

/// Blocks that may wait for the one who writes.
const AHEAD: usize = 2;

/// Takes a bundle and gives rows to the thread that writes them.
#[derive(Debug)]
pub struct RowSink {
    blocks: Sender<RowBlock>,
    rows: Vec<Row>,
    bytes: usize,
    given: u64,
    sealed: SealedRows,
    frame: BundleFrame,
    full: bool,
}

#[derive(Debug)]
enum RowBlock {
    Rows(Vec<Row>),
    /// The bundle is whole.
    End(BundleFrame),
}

/// Writes a table of what `bundle` writes into a sink.
///
/// # Errors
/// [`TableError`]; what was written by then is not a table.
pub fn write_rows<T, E: From<TableError>>(
    selection: bool,
    footer: &Footer,
    out: &mut (dyn Write + Send),
    bundle: impl FnOnce(RowSink) -> Result<T, E>,
) -> Result<T, E> {
    let table = if selection {
        TableKind::Selected
    } else {
        TableKind::Entries
    };
    let (blocks, waiting) = bounded(AHEAD);
    let rows = RowSink {
        blocks,
        rows: Vec::new(),
        bytes: 0,
        given: 0,
        sealed: SealedRows::default(),
        frame: BundleFrame::default(),
        full: false,
    };
    let (made, written) = thread::scope(|scope| {
        let writing = scope.spawn(move || write(table, footer, out, &waiting));
        let made = bundle(rows);
        let written = writing
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (made, written)
    });
    // Why nothing more was taken is more than that it was not.
    match written {
        Ok(true) => made,
        Ok(false) => made.and_then(|_| Err(TableError::Write(ended()).into())),
        Err(error) => Err(error.into()),
    }
}

/// Whether the table is whole.
fn write(
    table: TableKind,
    footer: &Footer,
    out: &mut (dyn Write + Send),
    blocks: &Receiver<RowBlock>,
) -> Result<bool, TableError> {
    let mut writer = writer(table, out)?;
    for block in blocks {
        match block {
            RowBlock::Rows(rows) => writer.write(&of_entries(table, &rows)?).map_err(failed)?,
            RowBlock::End(frame) => {
                let text = frame.into_text();
                if text.len() > super::FRAME_BYTES {
                    return Err(TableError::Frame);
                }
                finish(writer, footer, pair(FRAME, text))?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn finish(
    mut writer: ArrowWriter<&mut (dyn Write + Send)>,
    footer: &Footer,
    frame: KeyValue,
) -> Result<(), TableError> {
    writer.append_key_value_metadata(frame);
    for (key, value) in [(HEAD, &footer.head), (DAY, &footer.day)] {
        if let Some(value) = value {
            writer.append_key_value_metadata(pair(key, value.as_str()));
        }
    }
    let out = writer.into_inner().map_err(failed)?;
    out.flush().map_err(TableError::Write)
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the table could not be written on",
    )
}

impl RowSink {
    fn hand_over(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        self.blocks.send(RowBlock::Rows(rows)).map_err(|_| ended())
    }
}

impl BundleSink for RowSink {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.sealed.take(line);
        self.full |= !self.frame.add(self.given, line);
        match self.full {
            true => {
                // It is the writer that says why.
                self.blocks
                    .send(RowBlock::End(std::mem::take(&mut self.frame)))
                    .map_err(|_| ended())?;
                Err(ended())
            }
            false => Ok(()),
        }
    }

    fn entry(
        &mut self,
        _: &[u8],
        seq: Seq,
        entry: &Entry,
        path: Option<&[Hash]>,
    ) -> io::Result<()> {
        let siblings = |path: &[Hash]| path.iter().flat_map(|hash| *hash.as_bytes()).collect();
        self.given += 1;
        self.bytes += entry.record().len();
        self.rows.push(Row {
            seq,
            epoch: self.sealed.epoch_of(seq),
            entry: entry.clone(),
            path: path.map(siblings),
        });
        match self.rows.len() >= BLOCK_ROWS || self.bytes >= BLOCK_BYTES {
            true => self.hand_over(),
            false => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.hand_over()?;
        let frame = std::mem::take(&mut self.frame);
        self.blocks.send(RowBlock::End(frame)).map_err(|_| ended())
    }
}
