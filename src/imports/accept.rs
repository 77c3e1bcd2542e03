//! Taking a file in: verified, compared, kept, recorded (see [`super`]).

use std::io::{self, Read};

use serde::Serialize;
use thiserror::Error;

use crate::ledger::bundle_line;
use crate::ledger::entry::{Entry, EntryError};
use crate::ledger::epoch::SignedEpoch;
use crate::ledger::fault::{Format, Report};
use crate::ledger::hash::Hash;
use crate::ledger::json::Form;
use crate::ledger::key::PublicKey;
use crate::ledger::kind;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::source::{Event, Raw, ReadError, Source};
use crate::ledger::verify::{Policy, verify};
use crate::logbook::Logbook;
use crate::logbook::error::LogbookError;
use crate::logbook::request::PreparedEntry;
use crate::store::query::{Filter, QueryError, select};
use crate::store::{ImportedRow, Store, StoreError};

use super::conflict::{Checker, Conflict};
use super::{LogId, rows};

/// Bytes of rows that are written together.
const STEP_BYTES: usize = 4 << 20;

/// A file that is to be imported. It is read several times and must give the
/// same bytes each time: a copy that nobody else knows of.
pub struct Offered<'a> {
    pub digest: Hash,
    pub bytes: u64,
    pub content: &'a dyn Fn() -> io::Result<Box<dyn Read>>,
    pub events: &'a dyn Fn() -> Result<Box<dyn Source>, ReadError>,
}

#[derive(Clone, Debug)]
pub enum ImportOutcome {
    Imported(Imported),
    /// It was kept before; nothing was done.
    Known(Imported),
    /// It does not pass verification; nothing of it was kept.
    Refused(Report),
    /// It passes, and contradicts an earlier import. Both files are kept, and
    /// nothing else of this one.
    Equivocation(Report, Conflict),
}

#[derive(Clone, Debug)]
pub struct Imported {
    pub digest: Hash,
    pub log: LogId,
    pub seq: Seq,
    pub report: Report,
}

#[derive(Debug, Error)]
pub enum ImportError {
    #[error("it is signed with this ledger's own key: it is no other log")]
    OwnKey,
    #[error("it has no entries")]
    Empty,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("it changed while it was read")]
    Changed,
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The import could not be recorded. It is not visible; the same import
    /// again completes it.
    #[error(transparent)]
    Append(#[from] LogbookError),
}

/// Imports a file into the ledger that `logbook` writes.
pub fn import(
    logbook: &Logbook,
    offered: &Offered<'_>,
    policy: &Policy,
    progress: &mut dyn FnMut(u64),
) -> Result<ImportOutcome, ImportError> {
    let verified = verify(&mut *(offered.events)()?, policy, progress)?;
    let report = verified.report;
    let (Some(_), Some(key)) = (verified.verified, report.log) else {
        return Ok(ImportOutcome::Refused(report));
    };
    let genesis = report.genesis.filter(|_| report.entries > 0);
    let log = LogId {
        key,
        genesis: genesis.ok_or(ImportError::Empty)?,
    };
    let store = &**logbook.store();
    if key == logbook.identity().log && !holds_what_was_lost(logbook, offered, log)? {
        return Err(ImportError::OwnKey);
    }
    let imported = |seq, report| Imported {
        digest: offered.digest,
        log,
        seq,
        report,
    };
    if let Some(seq) = store.imported(&rows::complete(&offered.digest))? {
        let seq = Seq(rows::a_number(&seq)?);
        return Ok(ImportOutcome::Known(imported(seq, report)));
    }
    let mut found = RecordedImport::default();
    let compared = each(offered, log, store, |checker, statement| {
        found.note(statement);
        statement.check(checker)
    })?;
    keep_bytes(store, offered)?;
    if let Some(conflict) = compared {
        return refuse(store, report, conflict);
    }
    let mut batch = RowBatch::new(store, log, offered.digest);
    let compared = each(offered, log, store, |checker, statement| {
        let conflict = statement.check(checker)?;
        if conflict.is_none() && batch.add(statement)? {
            checker.written();
        }
        Ok(conflict)
    })?;
    if let Some(conflict) = compared {
        return refuse(store, report, conflict);
    }
    batch.write()?;
    let seq = record(logbook, offered, log, &report, &found)?;
    let number = seq.0.to_be_bytes().to_vec();
    store.put_imported(&[
        (rows::complete(&offered.digest), number.clone()),
        (rows::import(&log, &offered.digest), number),
    ])?;
    Ok(ImportOutcome::Imported(imported(seq, report)))
}

/// Whether a file of this very log holds what the log itself does not any more:
/// entries that a rollback took, which was accepted. Then it is evidence of
/// another history than the log now has, and is kept as that.
fn holds_what_was_lost(
    logbook: &Logbook,
    offered: &Offered<'_>,
    log: LogId,
) -> Result<bool, ImportError> {
    let store = &**logbook.store();
    let accepted = Filter {
        kinds: vec![kind::ROLLBACK.to_owned()],
        ..Filter::default()
    };
    let accepted = select(store, &accepted)?.next().transpose()?.is_some();
    if log.genesis != logbook.identity().genesis || !accepted {
        return Ok(false);
    }
    let mut lost = false;
    each(offered, log, store, |_, said| {
        if let Said::Entry(seq, entry) = said {
            lost |= store.entry(*seq)?.as_deref() != Some(entry.record());
        }
        Ok(None)
    })?;
    Ok(lost)
}

/// Keeps that two files contradict each other.
fn refuse(
    store: &dyn Store,
    mut report: Report,
    conflict: Conflict,
) -> Result<ImportOutcome, ImportError> {
    let earlier = conflict.earlier.0.as_bytes().to_vec();
    store.put_imported(&[(rows::conflict(&conflict.later.0), earlier)])?;
    report.verdict = crate::ledger::fault::Verdict::Fail;
    report.faults.push(conflict.to_fault());
    Ok(ImportOutcome::Equivocation(report, conflict))
}

enum Said {
    Entry(Seq, Entry),
    Epoch(Box<SignedEpoch>),
}

impl Said {
    fn check(&self, checker: &mut Checker<'_>) -> Result<Option<Conflict>, StoreError> {
        match self {
            Said::Entry(seq, entry) => checker.entry(*seq, entry),
            Said::Epoch(epoch) => checker.epoch(epoch),
        }
    }
}

/// Reads a verified file once more, until something contradicts.
fn each(
    offered: &Offered<'_>,
    log: LogId,
    store: &dyn Store,
    mut take: impl FnMut(&mut Checker<'_>, &Said) -> Result<Option<Conflict>, StoreError>,
) -> Result<Option<Conflict>, ImportError> {
    let mut checker = Checker::new(store, log, offered.digest);
    let mut source = (offered.events)()?;
    let mut batch = Vec::new();
    let mut entries = 0;
    loop {
        source.next_batch(&mut batch)?;
        if batch.is_empty() {
            return Ok(None);
        }
        for event in batch.drain(..) {
            let said = match event {
                Event::Entry(raw, _) => {
                    let (seq, entry) = read(raw, entries)?;
                    entries += 1;
                    Said::Entry(seq, entry)
                }
                Event::Epoch(epoch, _) => Said::Epoch(epoch),
                _ => continue,
            };
            if let Some(conflict) = take(&mut checker, &said)? {
                return Ok(Some(conflict));
            }
        }
        // One file has one chain; what it says twice was verified within it.
        if checker_is_full(entries) {
            checker.written();
        }
    }
}

/// Links of the file itself are remembered for a while only.
const fn checker_is_full(entries: u64) -> bool {
    entries.is_multiple_of(1 << 16)
}

fn read(raw: Raw, index: u64) -> Result<(Seq, Entry), ImportError> {
    match raw {
        Raw::LogbookLine(line) => Ok((Seq(index), Entry::from_logbook_line(&line)?)),
        Raw::Record(seq, record) => Ok((seq, Entry::from_record(record)?)),
        Raw::BundleLine(line) => {
            let line = bundle_line::parse_entry(&line)?;
            Ok((line.seq, line.entry))
        }
        Raw::Read(Some(seq), entry, _) => Ok((seq, *entry)),
        Raw::Read(None, ..) | Raw::DocumentLine(_) | Raw::OpeningLine(_) | Raw::TooLong { .. } => {
            Err(ImportError::Changed)
        }
    }
}

#[derive(Default)]
struct RecordedImport {
    first: Option<Seq>,
    last: Option<Seq>,
}

impl RecordedImport {
    fn note(&mut self, said: &Said) {
        if let Said::Entry(seq, _) = said {
            self.first = self.first.or(Some(*seq));
            self.last = Some(*seq);
        }
    }
}

struct RowBatch<'s> {
    store: &'s dyn Store,
    log: LogId,
    file: Hash,
    rows: Vec<ImportedRow>,
    weight: usize,
}

impl<'s> RowBatch<'s> {
    fn new(store: &'s dyn Store, log: LogId, file: Hash) -> RowBatch<'s> {
        RowBatch {
            store,
            log,
            file,
            rows: Vec::new(),
            weight: 0,
        }
    }

    /// Adds the rows of a statement. True if all rows so far are written.
    fn add(&mut self, said: &Said) -> Result<bool, StoreError> {
        match said {
            Said::Entry(seq, entry) => {
                self.put(rows::entry(&self.log, *seq), entry.record())?;
                let prev = entry.prev_hash();
                if prev != Hash::ZERO {
                    let link = rows::link(&self.log.key, &prev);
                    self.put(link, entry.hash().as_bytes())?;
                }
                let hash = rows::hash(&self.log, &entry.hash());
                self.rows.push((hash, seq.0.to_be_bytes().to_vec()));
            }
            Said::Epoch(epoch) => {
                let header = epoch.to_value().canonical(Form::Utf8);
                let number = epoch.content.epoch;
                self.put(rows::epoch(&self.log, number), header.as_bytes())?;
            }
        }
        let full = self.weight >= STEP_BYTES;
        if full {
            self.write()?;
        }
        Ok(full)
    }

    /// A row that names its file. One that a complete import has says the same
    /// and stays its own.
    fn put(&mut self, key: Vec<u8>, value: &[u8]) -> Result<(), StoreError> {
        if let Some(row) = self.store.imported(&key)? {
            let (file, _) = rows::with_hash(&row)?;
            if self.store.imported(&rows::complete(&file))?.is_some() {
                return Ok(());
            }
        }
        let value = [self.file.as_bytes().as_slice(), value].concat();
        self.weight += key.len() + value.len();
        self.rows.push((key, value));
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.store.put_imported(&self.rows)?;
        self.rows.clear();
        self.weight = 0;
        Ok(())
    }
}

/// Keeps the file itself, which is what can be verified again.
fn keep_bytes(store: &dyn Store, offered: &Offered<'_>) -> Result<(), ImportError> {
    let mut content = (offered.content)().map_err(ReadError::Io)?;
    let mut hasher = crate::ledger::hash::Hasher::new();
    for number in 0.. {
        let mut piece = Vec::new();
        let limit = rows::PIECE_BYTES as u64;
        let read = content.by_ref().take(limit).read_to_end(&mut piece);
        if read.map_err(ReadError::Io)? == 0 {
            break;
        }
        hasher.update(&piece);
        store.put_imported(&[(rows::piece(&offered.digest, number), piece)])?;
    }
    if hasher.finish() == offered.digest {
        Ok(())
    } else {
        Err(ImportError::Changed)
    }
}

/// Appends the entry on an import, unless it was appended before a crash.
fn record(
    logbook: &Logbook,
    offered: &Offered<'_>,
    log: LogId,
    report: &Report,
    found: &RecordedImport,
) -> Result<Seq, ImportError> {
    let digest = format!("blake2b-256:{}", offered.digest);
    if let Some(seq) = recorded(&**logbook.store(), &digest)? {
        return Ok(seq);
    }
    let payload = shape::write_object(&ImportPayload {
        bytes: offered.bytes,
        digest,
        entries: report.entries,
        epochs: report.epochs,
        first_seq: found.first.unwrap_or_default(),
        format: report.format,
        genesis: log.genesis,
        last_seq: found.last.unwrap_or_default(),
        log: log.key,
    });
    let prepared = PreparedEntry::new(kind::IMPORT, &payload)?;
    let mut receipts = logbook.submit(vec![prepared])?.wait()?;
    let receipt = receipts.pop().ok_or(LogbookError::Stopped)?;
    Ok(receipt.seq)
}

fn recorded(store: &dyn Store, digest: &str) -> Result<Option<Seq>, QueryError> {
    let filter = Filter {
        kinds: vec![kind::IMPORT.to_owned()],
        ..Filter::default()
    };
    for item in select(store, &filter)? {
        let (seq, entry) = item?;
        let payload = entry.check_payload().ok();
        let named = payload
            .as_ref()
            .and_then(|payload| payload.get("digest")?.as_str());
        if named == Some(digest) {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

#[derive(Serialize)]
struct ImportPayload {
    bytes: u64,
    digest: String,
    entries: u64,
    epochs: u64,
    first_seq: Seq,
    format: Format,
    genesis: Hash,
    last_seq: Seq,
    log: PublicKey,
}
