//! Enrolment from a directory of record files.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::record::{WorkerRecord, WorkerRecordError};
use super::registry::Registry;
use crate::ledger::limits;
use crate::ledger::parse::{ParseError, parse};

/// A file that was not enrolled, and why. Not fatal: the others are.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct InvalidRecord {
    pub path: PathBuf,
    pub problem: InvalidRecordProblem,
}

impl InvalidRecord {
    /// Whether the record was changed after it was hashed.
    pub const fn is_tampered(&self) -> bool {
        matches!(
            self.problem,
            InvalidRecordProblem::Record(WorkerRecordError::Tampered { .. })
        )
    }
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidRecordProblem {
    #[error("cannot read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("not a file")]
    NotAFile,
    #[error("larger than {} bytes", limits::SMALL_FILE_BYTES)]
    TooLarge,
    #[error("not JSON: {0}")]
    NotJson(#[source] ParseError),
    #[error(transparent)]
    Record(#[from] WorkerRecordError),
    #[error("the worker is enrolled from {} already", earlier.display())]
    DuplicateWorker { earlier: PathBuf },
}

impl Registry {
    /// A registry of every `*.json` in a directory, in the order of their
    /// names, and the files that were not enrolled.
    pub fn from_dir(registry_dir: &Path) -> io::Result<(Registry, Vec<InvalidRecord>)> {
        let mut registry = Registry::new();
        let invalid = registry.add_dir(registry_dir)?;
        Ok((registry, invalid))
    }

    /// Enrols the workers of a directory beside those that are there.
    pub fn add_dir(&mut self, registry_dir: &Path) -> io::Result<Vec<InvalidRecord>> {
        let records = record_files(registry_dir)?;
        let (mut invalid, mut seen) = (Vec::new(), HashMap::new());
        for (path, record) in records {
            let problem = match record {
                Err(problem) => problem,
                Ok(record) => match seen.get(&record.worker_id) {
                    None => {
                        seen.insert(record.worker_id.clone(), path);
                        self.enroll_record(record);
                        continue;
                    }
                    Some(earlier) => InvalidRecordProblem::DuplicateWorker {
                        earlier: PathBuf::clone(earlier),
                    },
                },
            };
            invalid.push(InvalidRecord { path, problem });
        }
        Ok(invalid)
    }
}

/// A record's file, and what it holds.
pub type RecordFile = (PathBuf, Result<WorkerRecord, InvalidRecordProblem>);

/// Every `*.json` in a directory, in the order of their names, read.
pub fn record_files(registry_dir: &Path) -> io::Result<Vec<RecordFile>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(registry_dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    // Reading and hashing take the time; enrolment itself is in order.
    let records: Vec<_> = paths.par_iter().map(|path| read_record(path)).collect();
    Ok(paths.into_iter().zip(records).collect())
}

fn read_record(path: &Path) -> Result<WorkerRecord, InvalidRecordProblem> {
    let unreadable = InvalidRecordProblem::Unreadable;
    // Before opening, which would wait for ever on a pipe.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(InvalidRecordProblem::NotAFile);
    }
    let limit = limits::SMALL_FILE_BYTES;
    // Room for all of it and one byte more, so that its end is seen at once.
    let room = usize::try_from(found.len()).unwrap_or(limit).min(limit) + 1;
    let mut text = Vec::with_capacity(room);
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(limit as u64 + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    if text.len() > limit {
        return Err(InvalidRecordProblem::TooLarge);
    }
    let record = parse(&text).map_err(InvalidRecordProblem::NotJson)?;
    Ok(WorkerRecord::read(&record)?)
}
