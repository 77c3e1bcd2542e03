//! Reading what was imported.

use std::io::Write;

use thiserror::Error;

use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::hash::{Hash, Hasher};
use crate::ledger::json::{Form, Value};
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;
use crate::store::query::Filter;
use crate::store::{ReadOrder, Store, StoreError};

use super::{LogId, rows};

#[derive(Debug, Error)]
pub enum ImportReadError {
    #[error("nothing of the log {key} was imported")]
    NoSuchLog { key: PublicKey },
    #[error("{logs} logs of the key {key} were imported")]
    SeveralLogs { key: PublicKey, logs: usize },
    #[error("no file {digest} is kept")]
    NoSuchFile { digest: Hash },
    #[error("the file {digest} that is kept is damaged")]
    Damaged { digest: Hash },
    #[error("imported entry {seq}: {error}")]
    Entry { seq: Seq, error: EntryError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("could not be written: {0}")]
    Write(std::io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportFile {
    pub log: LogId,
    pub digest: Hash,
    pub seq: Seq,
}

/// All complete imports, or those of one key, by log.
pub fn imports<'s>(
    store: &'s dyn Store,
    of: Option<&PublicKey>,
) -> impl Iterator<Item = Result<ImportFile, StoreError>> + use<'s> {
    let found = store.imported_rows(rows::imports(of), ReadOrder::Ascending);
    found.map(|row| {
        let (key, value) = row?;
        let [owner, genesis, digest] = rows::parts(&key)?;
        Ok(ImportFile {
            log: LogId {
                key: PublicKey::from_bytes(owner),
                genesis: Hash::from_bytes(genesis),
            },
            digest: Hash::from_bytes(digest),
            seq: Seq(rows::a_number(&value)?),
        })
    })
}

pub fn conflicts(store: &dyn Store) -> impl Iterator<Item = Result<(Hash, Hash), StoreError>> {
    let found = store.imported_rows(rows::conflicts(), ReadOrder::Ascending);
    found.map(|row| {
        let (key, earlier) = row?;
        let [refused] = rows::parts(&key)?;
        Ok((Hash::from_bytes(refused), rows::a_hash(&earlier)?))
    })
}

/// Writes a kept file as it was.
///
/// # Errors
/// [`ImportReadError`]; what was written by then is not the file.
pub fn give_file(
    store: &dyn Store,
    digest: Hash,
    out: &mut dyn Write,
) -> Result<u64, ImportReadError> {
    let mut hasher = Hasher::new();
    let mut bytes = 0;
    for number in 0.. {
        let Some(piece) = store.imported(&rows::piece(&digest, number))? else {
            break;
        };
        hasher.update(&piece);
        bytes += piece.len() as u64;
        out.write_all(&piece).map_err(ImportReadError::Write)?;
    }
    if bytes == 0 {
        return Err(ImportReadError::NoSuchFile { digest });
    }
    if hasher.finish() == digest {
        Ok(bytes)
    } else {
        Err(ImportReadError::Damaged { digest })
    }
}

pub struct ImportedLog<'s> {
    store: &'s dyn Store,
    id: LogId,
}

impl<'s> ImportedLog<'s> {
    /// The log of `key`, and of `genesis` if the key has several.
    pub fn find(
        store: &'s dyn Store,
        key: PublicKey,
        genesis: Option<Hash>,
    ) -> Result<ImportedLog<'s>, ImportReadError> {
        let mut found: Vec<LogId> = Vec::new();
        for kept in imports(store, Some(&key)) {
            let id = kept?.log;
            if genesis.is_none_or(|genesis| genesis == id.genesis) && !found.contains(&id) {
                found.push(id);
            }
        }
        match found.as_slice() {
            [] => Err(ImportReadError::NoSuchLog { key }),
            [id] => Ok(ImportedLog { store, id: *id }),
            several => Err(ImportReadError::SeveralLogs {
                key,
                logs: several.len(),
            }),
        }
    }

    pub const fn id(&self) -> LogId {
        self.id
    }

    pub fn files(&self) -> impl Iterator<Item = Result<ImportFile, StoreError>> {
        let id = self.id;
        imports(self.store, Some(&id.key))
            .filter(move |kept| kept.as_ref().map_or(true, |kept| kept.log == id))
    }

    pub fn entry(&self, seq: Seq) -> Result<Option<Entry>, ImportReadError> {
        match self.store.imported(&rows::entry(&self.id, seq))? {
            Some(row) => self.visible(seq, &row),
            None => Ok(None),
        }
    }

    /// The number of the entry with this hash, if it was imported.
    pub fn seq_of(&self, hash: &Hash) -> Result<Option<Seq>, ImportReadError> {
        let Some(seq) = self.store.imported(&rows::hash(&self.id, hash))? else {
            return Ok(None);
        };
        let seq = Seq(rows::a_number(&seq)?);
        let entry = self.entry(seq)?;
        Ok(entry.filter(|entry| entry.hash() == *hash).map(|_| seq))
    }

    /// The imported entries that `filter` wants, in its order. Reads all that
    /// lie in its range of sequence numbers.
    pub fn select<'f>(
        &'f self,
        filter: &'f Filter,
    ) -> impl Iterator<Item = Result<(Seq, Entry), ImportReadError>> + 'f {
        let first = filter.from_seq.unwrap_or(Seq::FIRST);
        let start = rows::entry(&self.id, first);
        // The least key behind the last wanted.
        let mut end = rows::entry(&self.id, filter.until_seq.unwrap_or(Seq(u64::MAX)));
        end.push(0);
        let order = if filter.reverse {
            ReadOrder::Descending
        } else {
            ReadOrder::Ascending
        };
        let found = self.store.imported_rows(start..end, order);
        let read = |row: Result<(Vec<u8>, Vec<u8>), StoreError>| {
            let (key, row) = row?;
            let seq = Seq(rows::last_number(&key)?);
            Ok(self.visible(seq, &row)?.map(|entry| (seq, entry)))
        };
        let limit = usize::try_from(filter.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        found
            .filter_map(move |row| read(row).transpose())
            .filter(|item| {
                item.as_ref()
                    .map_or(true, |(seq, entry)| filter.matches(*seq, entry))
            })
            .take(limit)
    }

    pub fn write_json(&self, seq: Seq, entry: &Entry, out: &mut Vec<u8>) {
        let mut kind = Vec::new();
        Value::from(entry.kind()).write_canonical(Form::Utf8, &mut kind);
        let mut json = Vec::new();
        entry.write_json(Some(seq), &mut json);
        // Sorted by name, as all of it: genesis, kind, log, payload …
        let rest = json.get(b"{\"kind\":".len() + kind.len()..);
        out.extend_from_slice(b"{\"genesis\":\"");
        out.extend_from_slice(self.id.genesis.to_string().as_bytes());
        out.extend_from_slice(b"\",\"kind\":");
        out.extend_from_slice(&kind);
        out.extend_from_slice(b",\"log\":\"");
        out.extend_from_slice(self.id.key.to_string().as_bytes());
        out.push(b'"');
        out.extend_from_slice(rest.unwrap_or_default());
    }

    /// An entry of a row, if the import that wrote it is complete.
    fn visible(&self, seq: Seq, row: &[u8]) -> Result<Option<Entry>, ImportReadError> {
        let (file, record) = rows::with_hash(row)?;
        if self.store.imported(&rows::complete(&file))?.is_none() {
            return Ok(None);
        }
        let entry = Entry::from_record(record.to_vec());
        entry
            .map(Some)
            .map_err(|error| ImportReadError::Entry { seq, error })
    }
}
