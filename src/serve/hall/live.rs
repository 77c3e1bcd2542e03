//! The Hall: under what it decides, whom it knows, what it has decided.
//!
//! Rules, configuration, policy and the folder of workers come from files that
//! are read again when told. Workers that are enrolled here, packages that are
//! attested and hashes that are reported are entries of the ledger: what the
//! Hall knows of them is read from there when it begins, and is added to only
//! when the entry is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::approved::Approved;
use super::tally::Tally;
use crate::ledger::json::Object;
use crate::ledger::time::Timestamp;
use crate::logbook::request::Receipt;
use crate::record::decided_under::since_last_reload;
use crate::record::worker_index::WorkerIndex;
use crate::record::{Hall, Outcome, RecordError, Recorder};
use crate::serve::config::HallFiles;
use crate::serve::error::ServeError;
use crate::store::Store;
use crate::wcp::registry_dir::InvalidRecord;

/// The Hall that is served. Files and ledger change it; one decision sees one
/// state of it.
pub(in crate::serve) struct LiveHall {
    pub(in crate::serve) name: String,
    files: HallFiles,
    of_files: RwLock<Arc<Hall>>,
    current: RwLock<Arc<Hall>>,
    index: RwLock<WorkerIndex>,
    /// Held while what the Hall knows is being changed: what is recorded before
    /// and after a change is then true.
    changing: Mutex<()>,
    pub(in crate::serve) tally: Tally,
    pub(in crate::serve) approved: Approved,
}

impl LiveHall {
    /// Reads files and ledger, and records under what the Hall begins unless
    /// its last record says the same. Without a recorder nothing is recorded.
    pub(in crate::serve) fn open(
        files: HallFiles,
        recorder: Option<&Recorder>,
        store: &dyn Store,
    ) -> Result<LiveHall, ServeError> {
        let of_files = (files.load)().map_err(ServeError::Hall)?;
        let index = WorkerIndex::read(store)?;
        let hall = index.hall(&of_files);
        let last = since_last_reload(store, &hall)?;
        if let Some(recorder) = recorder
            && last.as_ref().map(|(digests, _)| digests) != Some(&hall.digests())
        {
            recorder.begin_hall(last, &hall)?;
            record_dropped(recorder, None, &hall)?;
        }
        Ok(LiveHall {
            name: files.name.clone(),
            files,
            of_files: RwLock::new(Arc::new(of_files)),
            current: RwLock::new(Arc::new(hall)),
            index: RwLock::new(index),
            changing: Mutex::new(()),
            tally: Tally::default(),
            approved: Approved::read(store)?,
        })
    }

    pub(in crate::serve) fn current(&self) -> Arc<Hall> {
        Arc::clone(&read(&self.current))
    }

    /// What the ledger says of workers and hashes.
    pub(in crate::serve) fn index(&self) -> RwLockReadGuard<'_, WorkerIndex> {
        read(&self.index)
    }

    /// Reads the files again, records the change, and decides with them from
    /// then on. What cannot be read or recorded changes nothing.
    pub(in crate::serve) fn reload(&self, recorder: &Recorder) -> Result<(), ServeError> {
        let of_files = (self.files.load)().map_err(ServeError::Hall)?;
        let _changing = self.change();
        let (before, hall) = (self.current(), self.index().hall(&of_files));
        recorder.reload(Some(&before), &hall, None)?;
        record_dropped(recorder, Some(&before), &hall)?;
        *write(&self.of_files) = Arc::new(of_files);
        *write(&self.current) = Arc::new(hall);
        Ok(())
    }

    pub(in crate::serve) fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a change of what the ledger says of workers, and decides with it
    /// from then on.
    pub(super) fn record(
        &self,
        recorder: &Recorder,
        outcome: &Outcome,
    ) -> Result<Receipt, RecordError> {
        let receipt = recorder.record(outcome)?;
        self.enter(outcome.kind(), outcome.payload(), receipt.ts);
        Ok(receipt)
    }

    /// Decides from then on with what a recorded outcome says.
    pub(in crate::serve) fn enter(&self, kind: &str, payload: &Object, ts: Timestamp) {
        let mut index = write(&self.index);
        index.enter(kind, payload, ts);
        let hall = index.hall(&self.of_files());
        *write(&self.current) = Arc::new(hall);
    }

    pub(super) fn of_files(&self) -> Arc<Hall> {
        Arc::clone(&read(&self.of_files))
    }
}

/// Records of the folder that were refused for what is in them, each once.
fn record_dropped(
    recorder: &Recorder,
    before: Option<&Hall>,
    after: &Hall,
) -> Result<(), RecordError> {
    let told = |record: &InvalidRecord| (record.path.clone(), record.problem.to_string());
    let known: Vec<_> = before
        .map_or(&[][..], Hall::dropped)
        .iter()
        .map(told)
        .collect();
    for record in after.dropped().iter().filter(|record| record.is_tampered()) {
        let (path, problem) = told(record);
        if !known.contains(&(path.clone(), problem.clone())) {
            recorder.record(&Outcome::dropped_record(&path.to_string_lossy(), &problem))?;
        }
    }
    Ok(())
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
