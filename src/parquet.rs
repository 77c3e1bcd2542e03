//! Entries and epochs as Parquet: tables that DuckDB, pandas, Polars and Spark read
//! as they are, and that are evidence all the same.
//!
//! # The table of entries
//! One row an entry, in the order of the log:
//!
//! | column | type | what |
//! |---|---|---|
//! | `seq` | INT64 | the sequence number |
//! | `epoch` | INT64, null | the epoch that seals it; null under a head |
//! | `ts` | TIMESTAMP(MICROS, UTC) | the time |
//! | `ts_text` | STRING | the time as it is signed |
//! | `kind` | STRING | the kind |
//! | `tenant` | STRING, null | the first of `tenants` |
//! | `tenants` | LIST of STRING | every tenant that the entry names, sorted |
//! | `tenant_json` | STRING, null | a `tenant_id` that is not a string, as JSON |
//! | `correlation` | STRING, null | the first correlation id that it names |
//! | `worker` | STRING, null | the worker's id |
//! | `species` | STRING, null | the worker's species |
//! | `decision` | STRING, null | the first decision id that it names |
//! | `denied` | BOOLEAN, null | whether it says that it denied |
//! | `deny_code` | STRING, null | why it denied |
//! | `hash` | 32 bytes | the hash of the entry |
//! | `prev_hash` | 32 bytes | the hash of the entry before |
//! | `signature` | 64 bytes | the signature |
//! | `payload` | STRING | the canonical JSON of the payload |
//! | `path` | BINARY | in selections only: the siblings up to the epoch's root, 32 bytes each |
//!
//! Signed are `kind`, `ts_text`, `payload` and `prev_hash` ([`ledger::entry`](crate::ledger::entry)).
//! All other columns follow from those and from the footer, and are there for queries.
//!
//! # The footer
//! Keys and values beside the schema:
//!
//! * `sealbook.table`: `entries` or `epochs`; `sealbook.format`: `1`.
//! * `sealbook.frame`: the lines of the bundle of the same entries
//!   ([`ledger::format`](crate::ledger::format)) that are not entries, each as the number of rows before it, a tab,
//!   the line and a newline.
//! * `sealbook.head`: a signed head of the log, where the key was at hand.
//! * `sealbook.day`: in a part of a set, the UTC day of all of its entries.
//!
//! There is nothing else in a file: no index of pages, no Bloom filter, no schema of
//! another system, no byte that no column chunk covers.
//!
//! # What is verified
//! Rows and frame together give back the bundle, byte by byte, and its verdict is the
//! file's: signatures, links, epochs, the signed closing record. Beyond that every
//! other column is computed from the signed ones, and every minimum, maximum and
//! count in the footer from the rows, since engines skip rows on their word. A
//! difference is `table_mismatch`.
//!
//! # A set
//! A folder with one file a day, `entries/day=2026-03-01/entries.parquet`, a table
//! of all `epochs.parquet` and `manifest.json`, a statement of the log's key as
//! `{"set": …}` with name, size and hash of each. It is verified as one: each file,
//! the link from each day to the next, and that the folder holds no other table.
//!
//! # The table of epochs
//! `epoch, first_seq, last_seq, tree_size` (INT64), `hour, sealed_at` (TIMESTAMP),
//! `root, head, prev, log, genesis` (32 bytes), `statement` (STRING: the signed
//! header). All but the last follow from it.
#![doc = include_str!("parquet/questions.md")]

mod columns;
mod epochs;
mod footer;
mod reading;
mod schema;
mod set;
mod set_verify;
mod sink;
mod statistics;
mod structure;
mod text;
mod verify;
mod writing;

use thiserror::Error;

pub use self::columns::{Row, record_batch};
pub use self::epochs::export_epochs;
pub use self::set::{MANIFEST, SetExport, SetWritten, export_set};
pub use self::set_verify::{is_set, verify_set};
pub use self::sink::{RowSink, write_rows};
pub use self::verify::{text_of_table, verify_table};
pub use self::writing::Footer;

use crate::evidence::EvidenceError;
use crate::ledger::bundle::BundleError;

/// The first and the last bytes of a Parquet file.
pub const MAGIC: &[u8] = b"PAR1";

/// Bytes of a bundle's other lines that a footer may hold, before it is compressed
/// by nobody: every reader of the file reads all of it.
pub const FRAME_BYTES: usize = 64 << 20;

/// What is said where nobody told which key to trust.
const NO_KEY: &str = "no trusted key was given: pass --key";

/// Why there is no table.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// There is no evidence to give.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The table could not be written.
    #[error("the table could not be written: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// Rows are no batch.
    #[error("the table could not be written: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// The output could not be written.
    #[error("could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// More epochs and documents than a footer may hold.
    #[error(
        "the epochs and documents of these entries have more than {} MiB, which no footer \
         holds: write a set by day, or fewer entries",
        FRAME_BYTES >> 20
    )]
    Frame,
    /// A file of a set is there already.
    #[error("{}: it exists already", path.display())]
    Exists {
        /// The file or folder.
        path: std::path::PathBuf,
    },
    /// A limit or an order, which a set by day has no place for.
    #[error("a set by day takes no limit and no reverse order")]
    Limited,
}

impl From<BundleError> for TableError {
    fn from(error: BundleError) -> TableError {
        TableError::Evidence(error.into())
    }
}
