//! A set of tables: a file for each day, all epochs, and a manifest under the log's
//! signature.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::epochs::export_epochs;
use super::sink::write_rows;
use super::writing::Footer;
use super::{RowSink, TableError};
use crate::ledger::envelope::{Envelope, Purpose};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::json::{Form, Value};
use crate::ledger::key::{PublicKey, Signer};
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::logbook::entry_at;
use crate::store::Store;
use crate::store::query::{Filter, select};

/// The name of a set's manifest.
pub const MANIFEST: &str = "manifest.json";

/// The name of its table of epochs.
pub(super) const EPOCHS: &str = "epochs.parquet";

/// What a manifest states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Its version, 1.
    pub(super) format: u64,
    /// The log's key.
    pub(super) log: PublicKey,
    /// The hash of the log's entry 0.
    pub(super) genesis: Hash,
    /// The selection that it answers; `null` for a range.
    pub(super) filter: Value,
    /// The files with entries, by day.
    pub(super) parts: Vec<SetPart>,
    /// The table of epochs.
    pub(super) epochs: SetPart,
}

/// A file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPart {
    /// Its path in the folder.
    pub(super) file: String,
    /// How long it is.
    pub(super) bytes: u64,
    /// BLAKE2b-256 of it.
    pub(super) hash: Hash,
    /// How many rows it has.
    pub(super) rows: u64,
}

/// What to put into a set.
pub struct SetExport<'a> {
    /// Which entries, without a limit.
    pub filter: &'a Filter,
    /// A signed head of the log, as canonical JSON.
    pub head: Option<String>,
    /// Who signs the manifest.
    pub signer: &'a dyn Signer,
    /// The key and the genesis of the log.
    pub log: (PublicKey, Hash),
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetWritten {
    /// Entries in it.
    pub entries: u64,
    /// Days with entries.
    pub days: u64,
}

/// Writes a set into a new folder. `bundle` writes the bundle of a filter into a
/// sink, and answers how many entries it has; none where nothing of it is sealed.
///
/// # Errors
/// [`TableError`]; without a manifest the folder is not a set.
pub fn export_set<E: From<TableError>>(
    store: &dyn Store,
    folder: &Path,
    what: SetExport<'_>,
    mut bundle: impl FnMut(&Filter, RowSink) -> Result<u64, E>,
    is_empty: impl Fn(&E) -> bool,
) -> Result<SetWritten, E> {
    if what.filter.limit.is_some() || what.filter.reverse {
        return Err(TableError::Limited.into());
    }
    let selection = what.filter.range().is_none();
    fs::create_dir(folder).map_err(|error| occupied(folder, error))?;
    let (mut parts, mut written) = (Vec::new(), SetWritten::default());
    let days = Days::of(store, what.filter).map_err(TableError::Evidence)?;
    for day in days {
        let (day, filter) = day.map_err(TableError::Evidence)?;
        let name = format!("entries/day={day}/entries.parquet");
        let path = folder.join(&name);
        let footer = Footer {
            head: what.head.clone(),
            day: Some(day),
        };
        let mut entries = 0;
        let write = |out: &mut (dyn Write + Send)| {
            write_rows(selection, &footer, out, |rows| {
                entries = bundle(&filter, rows)?;
                Ok(entries)
            })
        };
        match part(&path, &name, write) {
            Ok(part) => parts.push(part),
            // What no epoch seals yet is left out.
            Err(error) if is_empty(&error) => {
                fs::remove_file(&path).map_err(TableError::Write)?;
                if let Some(parent) = path.parent() {
                    fs::remove_dir(parent).map_err(TableError::Write)?;
                }
                continue;
            }
            Err(error) => return Err(error),
        }
        written.entries += entries;
        written.days += 1;
    }
    let footer = Footer {
        head: what.head,
        day: None,
    };
    let epochs = part(&folder.join(EPOCHS), EPOCHS, |out| {
        export_epochs(store, &footer, out)
    })?;
    let manifest = Manifest {
        format: 1,
        log: what.log.0,
        genesis: what.log.1,
        filter: match selection {
            true => Value::Object(what.filter.to_object()),
            false => Value::Null,
        },
        parts,
        epochs,
    };
    sign(folder, &manifest, what.signer)?;
    Ok(written)
}

/// Writes the manifest, which makes the folder a set.
fn sign(folder: &Path, manifest: &Manifest, signer: &dyn Signer) -> Result<(), TableError> {
    let object = shape::write_object(manifest);
    let envelope = Envelope::sign(Purpose::Set, object, signer);
    let envelope = envelope.map_err(crate::ledger::bundle::BundleError::Sign)?;
    let mut line = envelope.to_value().canonical(Form::Utf8);
    line.push('\n');
    let mut file = File::create_new(folder.join(MANIFEST))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn occupied(path: &Path, error: std::io::Error) -> TableError {
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => TableError::Exists {
            path: path.to_owned(),
        },
        _ => TableError::Write(error),
    }
}

/// Writes a file of the set, and says what it is.
fn part<E: From<TableError>>(
    path: &Path,
    name: &str,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<u64, E>,
) -> Result<SetPart, E> {
    let failed = |error| E::from(TableError::Write(error));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let file = File::create_new(path).map_err(failed)?;
    let mut out = Hashed {
        out: BufWriter::with_capacity(1 << 20, file),
        hasher: Hasher::new(),
        bytes: 0,
    };
    let rows = write(&mut out)?;
    let file = out
        .out
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(SetPart {
        file: name.to_owned(),
        bytes: out.bytes,
        hash: out.hasher.so_far(),
        rows,
    })
}

/// An output that knows what was written.
struct Hashed<W> {
    out: W,
    hasher: Hasher,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

const DAY: i64 = 86_400_000_000;

/// The UTC days that have entries, each with the filter for it.
struct Days<'s> {
    store: &'s dyn Store,
    filter: Filter,
    next: Option<Seq>,
}

impl<'s> Days<'s> {
    fn of(
        store: &'s dyn Store,
        filter: &Filter,
    ) -> Result<Days<'s>, crate::evidence::EvidenceError> {
        let first = first(store, filter)?;
        Ok(Days {
            store,
            filter: filter.clone(),
            next: first,
        })
    }

    /// The day of an entry, its filter, and the first wanted entry of a later one.
    fn day(
        &self,
        seq: Seq,
    ) -> Result<(String, Filter, Option<Seq>), crate::evidence::EvidenceError> {
        let ts = entry_at(self.store, seq)?.ts();
        let start = ts.unix_micros() - ts.unix_micros().rem_euclid(DAY);
        let text = ts.to_string();
        let day = text.split('T').next().unwrap_or_default().to_owned();
        let after = Timestamp::from_unix_micros(start + DAY);
        let later = |since| Filter {
            since: Some(since),
            ..self.filter.clone()
        };
        let next = match after {
            Some(after) => first(self.store, &later(after))?,
            None => None,
        };
        let mut filter = self.filter.clone();
        match filter.range() {
            // Of a range a day is a range: time never goes back.
            Some(_) => {
                filter.from_seq = Some(seq);
                if let Some(next) = next {
                    filter.until_seq = next.before();
                }
            }
            None => {
                let end = Timestamp::from_unix_micros(start + DAY - 1);
                let start = Timestamp::from_unix_micros(start);
                filter.since = filter.since.max(start);
                filter.until = match (filter.until, end) {
                    (Some(until), Some(end)) => Some(until.min(end)),
                    (until, end) => until.or(end),
                };
            }
        }
        Ok((day, filter, next))
    }
}

impl Iterator for Days<'_> {
    type Item = Result<(String, Filter), crate::evidence::EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let seq = self.next.take()?;
        match self.day(seq) {
            Ok((day, filter, next)) => {
                self.next = next;
                Some(Ok((day, filter)))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

fn first(
    store: &dyn Store,
    filter: &Filter,
) -> Result<Option<Seq>, crate::evidence::EvidenceError> {
    let wanted = Filter {
        limit: Some(1),
        ..filter.clone()
    };
    let found = select(store, &wanted)?.next().transpose()?;
    Ok(found.map(|(seq, _)| seq))
}

/// The path of a part below the folder, if it is one that a set has.
pub(super) fn place(folder: &Path, part: &SetPart) -> Option<PathBuf> {
    if part.file == EPOCHS {
        return Some(folder.join(EPOCHS));
    }
    let day = part
        .file
        .strip_prefix("entries/day=")?
        .strip_suffix("/entries.parquet")?;
    let digits = day.len() == 10
        && day
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    digits.then(|| folder.join(&part.file))
}
