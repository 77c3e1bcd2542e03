//! The columns of both tables, and how they are stored.

use std::sync::Arc;

use ::parquet::arrow::ArrowSchemaConverter;
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use ::parquet::schema::types::{ColumnPath, SchemaDescriptor};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::ledger::hash::Hash;
use crate::ledger::key::Signature;

/// Rows of a row group, at most.
const GROUP_ROWS: usize = 1 << 17;

/// Bytes of a row group, about.
const GROUP_BYTES: usize = 32 << 20;

/// Which table a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableKind {
    /// The entries of a range.
    Entries,
    /// The entries of a selection, each with its path.
    Selected,
    /// The epoch headers.
    Epochs,
}

/// Columns whose minimum and maximum stand in the footer. The others are as good
/// as random, or long.
pub(super) const MEASURED: [&str; 15] = [
    "seq",
    "epoch",
    "ts",
    "kind",
    "tenant",
    "correlation",
    "worker",
    "species",
    "decision",
    "denied",
    "deny_code",
    "first_seq",
    "last_seq",
    "hour",
    "sealed_at",
];

impl TableKind {
    /// The table as it is written.
    pub(super) fn schema(self) -> SchemaRef {
        self.with(&DataType::Utf8, &DataType::Binary)
    }

    /// The same as it is read: what many rows share lies in memory once, so that
    /// little cannot become much.
    pub(super) fn shared(self) -> SchemaRef {
        self.with(&DataType::Utf8View, &DataType::BinaryView)
    }

    fn with(self, text: &DataType, bytes: &DataType) -> SchemaRef {
        let number = |name, null| Field::new(name, DataType::Int64, null);
        let string = |name, null| Field::new(name, text.clone(), null);
        let fields = match self {
            TableKind::Epochs => vec![
                number("epoch", false),
                number("first_seq", false),
                number("last_seq", false),
                number("tree_size", false),
                time("hour"),
                time("sealed_at"),
                fixed("root", Hash::BYTES),
                fixed("head", Hash::BYTES),
                fixed("prev", Hash::BYTES),
                fixed("log", Hash::BYTES),
                fixed("genesis", Hash::BYTES),
                string("statement", false),
            ],
            TableKind::Entries | TableKind::Selected => {
                let element = Field::new("element", text.clone(), false);
                let mut fields = vec![
                    number("seq", false),
                    number("epoch", true),
                    time("ts"),
                    string("ts_text", false),
                    string("kind", false),
                    string("tenant", true),
                    Field::new("tenants", DataType::List(Arc::new(element)), false),
                    string("tenant_json", true),
                    string("correlation", true),
                    string("worker", true),
                    string("species", true),
                    string("decision", true),
                    Field::new("denied", DataType::Boolean, true),
                    string("deny_code", true),
                    fixed("hash", Hash::BYTES),
                    fixed("prev_hash", Hash::BYTES),
                    fixed("signature", Signature::BYTES),
                    string("payload", false),
                ];
                if self == TableKind::Selected {
                    fields.push(Field::new("path", bytes.clone(), false));
                }
                fields
            }
        };
        Arc::new(Schema::new(fields))
    }

    /// The table in Parquet's own terms.
    pub(super) fn described(self) -> Result<SchemaDescriptor, ParquetError> {
        ArrowSchemaConverter::new()
            .schema_root("sealbook")
            .convert(&self.schema())
    }

    /// How it is stored.
    pub(super) fn properties(self) -> Result<WriterProperties, ParquetError> {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("sealbook ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES));
        for column in self.described()?.columns() {
            properties = stored(properties, column.path());
        }
        Ok(properties.build())
    }
}

fn stored(properties: WriterPropertiesBuilder, path: &ColumnPath) -> WriterPropertiesBuilder {
    let name = path.string();
    let path = path.clone();
    let properties = match name.as_str() {
        "seq" | "ts" | "first_seq" | "last_seq" => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED),
        // Nothing makes them shorter.
        "hash" | "prev_hash" | "signature" | "root" | "head" | "prev" | "path" => properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_compression(path.clone(), Compression::UNCOMPRESSED),
        "payload" | "ts_text" | "statement" => {
            properties.set_column_dictionary_enabled(path.clone(), false)
        }
        _ => properties,
    };
    match MEASURED.contains(&name.as_str()) {
        true => properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk),
        false => properties,
    }
}

fn time(name: &str) -> Field {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Field::new(name, kind, false)
}

fn fixed(name: &str, bytes: usize) -> Field {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    Field::new(name, DataType::FixedSizeBinary(bytes), false)
}
