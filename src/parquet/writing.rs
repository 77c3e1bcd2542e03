//! A table is written in blocks of rows, while the next ones are read.

use std::io::Write;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::ArrowWriterOptions;
use ::parquet::errors::ParquetError;

use super::TableError;
use super::footer::{FORMAT, TABLE, VERSION, pair};
use super::schema::TableKind;

/// What a footer has beside the frame.
#[derive(Clone, Debug, Default)]
pub struct Footer {
    /// A signed head of the log, as canonical JSON.
    pub head: Option<String>,
    /// The day of all entries.
    pub day: Option<String>,
}

/// The writer of one table.
pub(super) fn writer<W: Write + Send>(
    table: TableKind,
    out: W,
) -> Result<ArrowWriter<W>, TableError> {
    let options = ArrowWriterOptions::new()
        .with_properties(table.properties()?)
        .with_skip_arrow_metadata(true)
        .with_schema_root("sealbook".to_owned());
    let mut writer = ArrowWriter::try_new_with_options(out, table.schema(), options)?;
    let name = match table {
        TableKind::Epochs => "epochs",
        TableKind::Entries | TableKind::Selected => "entries",
    };
    writer.append_key_value_metadata(pair(TABLE, name));
    writer.append_key_value_metadata(pair(FORMAT, VERSION));
    Ok(writer)
}

/// What the system said of the output, where that is why a table was not written.
pub(super) fn failed(error: ParquetError) -> TableError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => TableError::Write(*error),
            Err(inner) => TableError::Parquet(ParquetError::External(inner)),
        },
        other => TableError::Parquet(other),
    }
}
