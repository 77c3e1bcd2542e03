//! What a file is made of: exactly our columns, our footer, and nothing that one
//! reader sees and another does not.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::column::page::PageReader as _;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use ::parquet::file::properties::ReaderProperties;
use ::parquet::file::reader::{ChunkReader as _, Length as _};
use ::parquet::file::serialized_reader::SerializedPageReader;
use rayon::prelude::*;

use super::MAGIC;
use super::footer::{DAY, FORMAT, FRAME, HEAD, TABLE, VERSION};
use super::reading::{Input, ReadStop, guarded};
use super::schema::TableKind;
use crate::ledger::version::Unsupported;

/// A file whose structure is that of a table.
#[derive(Debug)]
pub(super) struct OpenTable {
    pub(super) input: Input,
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) table: TableKind,
    /// Of [`super::footer`].
    pub(super) pairs: BTreeMap<String, String>,
}

/// Magic bytes and the length of the footer.
const ENDING: u64 = 8;

/// Bytes of a footer, at most: of the frame, escaped, and some hundred thousand groups.
const FOOTER_BYTES: u64 = 256 << 20;

/// Opens a file and refuses what is not a table of ours.
pub(super) fn open(file: File) -> Result<OpenTable, ReadStop> {
    let input = Input::new(file).map_err(|error| ReadStop::Read(error.into()))?;
    check_footer(&input)?;
    let metadata = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&input))?;
    let pairs = pairs(&metadata)?;
    let table = table(&metadata, &pairs)?;
    covered(&input, &metadata)?;
    for group in metadata.row_groups() {
        check_group(group)?;
    }
    check_pages(&input, &metadata)?;
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_schema(table.shared());
    let metadata = guarded(|| ArrowReaderMetadata::try_new(Arc::new(metadata), options))?;
    Ok(OpenTable {
        input,
        metadata,
        table,
        pairs,
    })
}

/// Before it is read, since its length is the file's own word.
fn check_footer(input: &Input) -> Result<(), ReadStop> {
    let end = input.len().saturating_sub(ENDING);
    let ending = guarded(|| input.get_bytes(end, ENDING as usize))?;
    let length = ending
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    match u64::from(length) > FOOTER_BYTES {
        true => refused(format!("its footer of {length} bytes is longer than any")),
        false => Ok(()),
    }
}

fn refused<T>(detail: impl Into<String>) -> Result<T, ReadStop> {
    Err(ReadStop::Damaged(detail.into()))
}

fn pairs(metadata: &ParquetMetaData) -> Result<BTreeMap<String, String>, ReadStop> {
    let mut pairs = BTreeMap::new();
    let listed = metadata.file_metadata().key_value_metadata();
    for pair in listed.into_iter().flatten() {
        let value = pair.value.clone().unwrap_or_default();
        if pairs.insert(pair.key.clone(), value).is_some() {
            return refused(format!("the footer has the key \"{}\" twice", pair.key));
        }
    }
    match pairs.get(FORMAT).map(String::as_str) {
        None => return refused("it is a Parquet file, but none of sealbook"),
        Some(VERSION) => {}
        Some(other) if other.parse().is_ok_and(|number: u64| number > 1) => {
            let what = format!("table format {other}");
            return Err(ReadStop::Read(Unsupported { what }.into()));
        }
        Some(_) => return refused("the version in the footer is none"),
    }
    let known = [TABLE, FORMAT, FRAME, HEAD, DAY];
    match pairs.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => refused(format!(
            "the footer has the key \"{key}\", which no table has"
        )),
        None => Ok(pairs),
    }
}

fn table(
    metadata: &ParquetMetaData,
    pairs: &BTreeMap<String, String>,
) -> Result<TableKind, ReadStop> {
    let tables: &[TableKind] = match pairs.get(TABLE).map(String::as_str) {
        Some("entries") => &[TableKind::Entries, TableKind::Selected],
        Some("epochs") => &[TableKind::Epochs],
        _ => return refused("the footer names no table"),
    };
    for table in tables {
        let described = guarded(|| table.described())?;
        if described.root_schema() == metadata.file_metadata().schema() {
            return Ok(*table);
        }
    }
    refused("its columns are not those of the table that the footer names")
}

/// The column chunks follow each other from the first byte to the footer.
fn covered(input: &Input, metadata: &ParquetMetaData) -> Result<(), ReadStop> {
    let end = input.len().checked_sub(ENDING);
    let Some(end) = end else {
        return refused("it is too short");
    };
    let ending = guarded(|| input.get_bytes(end, ENDING as usize))?;
    let begin = guarded(|| input.get_bytes(0, MAGIC.len()))?;
    let length = ending.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let footer = length.and_then(|length| end.checked_sub(u64::from(length)));
    if *begin != *MAGIC || !ending.ends_with(MAGIC) {
        return refused("it does not begin and end as a Parquet file");
    }
    let mut at = MAGIC.len() as u64;
    for column in metadata
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
    {
        let (start, length) = guarded(|| Ok::<_, ParquetError>(column.byte_range()))?;
        if start != at {
            return refused(format!("bytes from {at} to {start} belong to no column"));
        }
        at = start.saturating_add(length);
    }
    match footer == Some(at) {
        true => Ok(()),
        false => refused(format!("bytes from {at} on belong to no column")),
    }
}

fn check_group(group: &RowGroupMetaData) -> Result<(), ReadStop> {
    if group.num_rows() <= 0 || group.sorting_columns().is_some() {
        return refused("a row group has no rows, or names an order");
    }
    let indexed = |column: &ColumnChunkMetaData| {
        column.bloom_filter_offset().is_some()
            || column.column_index_offset().is_some()
            || column.offset_index_offset().is_some()
            || column.index_page_offset().is_some()
            || column.geo_statistics().is_some()
    };
    for column in group.columns() {
        let name = column.column_path().string();
        if indexed(column) {
            return refused(format!(
                "the column {name} has an index, which no table has"
            ));
        }
        if column.file_path().is_some() {
            return refused(format!("the column {name} lies in another file"));
        }
    }
    Ok(())
}

/// No page says a minimum or maximum of its own.
fn check_pages(input: &Input, metadata: &ParquetMetaData) -> Result<(), ReadStop> {
    let properties = ReaderProperties::builder()
        .set_read_page_statistics(true)
        .build();
    let properties = Arc::new(properties);
    let input = Arc::new(input.clone());
    let check = |group: &RowGroupMetaData, column: &ColumnChunkMetaData| {
        guarded(|| {
            let mut pages = SerializedPageReader::new_with_properties(
                Arc::clone(&input),
                column,
                usize::try_from(group.num_rows()).unwrap_or(usize::MAX),
                None,
                Arc::clone(&properties),
            )?;
            while let Some(page) = pages.get_next_page()? {
                if page.statistics().is_some() {
                    let name = column.column_path().string();
                    return Err(ParquetError::General(format!(
                        "a page of the column {name} has statistics, which none has"
                    )));
                }
            }
            Ok(())
        })
    };
    for group in metadata.row_groups() {
        let columns = group.columns().par_iter();
        columns.try_for_each(|column| check(group, column))?;
    }
    Ok(())
}
