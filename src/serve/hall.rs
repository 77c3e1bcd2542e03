//! The Hall: under what it decides, whom it knows, what it has decided.
//!
//! Rules, configuration, policy and the folder of workers come from files that
//! are read again when told. Workers that are enrolled here, packages that are
//! attested and hashes that are reported are entries of the ledger: what the
//! Hall knows of them is read from there when it begins, and is added to only
//! when the entry is durable.

pub(super) mod approvals;
mod approved;
pub(super) mod discovery;
pub(super) mod dispatches;
pub(super) mod enrol;
pub(super) mod ingest;
pub(super) mod registry;
mod roll;
pub(super) mod route;
pub(super) mod status;
mod tally;

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::endpoint::Endpoint;
use super::error::ServeError;
use crate::ledger::json::Value;
use crate::record::{Premises, Recorder, kind};
use crate::store::Store;
use crate::store::query::{Filter, select};
use crate::wcp::Registry;

use approved::Approved;
use roll::Roll;
use tally::Tally;

pub(super) use tally::count_on;

/// What the Hall's files say.
#[derive(Debug)]
pub struct Loaded {
    /// Rules, configuration, policy gate, ban list.
    pub premises: Premises,
    /// The workers of the folder, and what is configured of them.
    pub registry: Registry,
}

/// Why the files were not taken up.
pub type LoadError = Box<dyn Error + Send + Sync>;

/// The Hall's files, read whenever this is called.
pub struct HallFiles {
    /// What the Hall calls itself.
    pub name: String,
    /// Reads them.
    pub load: Box<dyn Fn() -> Result<Loaded, LoadError> + Send + Sync>,
}

/// The Hall as it stands: what one decision sees of it does not change.
pub(super) struct Standing {
    pub(super) premises: Premises,
    /// Of the folder and of the ledger together.
    pub(super) registry: Registry,
}

pub(super) struct Hall {
    pub(super) name: String,
    files: HallFiles,
    standing: RwLock<Arc<Standing>>,
    roll: RwLock<Roll>,
    /// Held while what the Hall knows is being changed: what is recorded before
    /// and after a change is then true.
    changing: Mutex<()>,
    pub(super) tally: Tally,
    pub(super) approved: Approved,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        status::endpoints(),
        dispatches::endpoints(),
        enrol::endpoints(),
        ingest::endpoints(),
        route::endpoints(),
        approvals::endpoints(),
        discovery::endpoints(),
        registry::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Hall {
    /// Reads files and ledger, and records under what the Hall begins unless
    /// its last record says the same.
    pub(super) fn open(files: HallFiles, recorder: &Recorder) -> Result<Hall, ServeError> {
        let loaded = (files.load)().map_err(ServeError::Hall)?;
        let store = Arc::clone(recorder.logbook().store());
        let roll = Roll::read(&*store)?;
        let digests = loaded.premises.digests();
        if last_premises(&*store)?.as_ref() != Some(&digests) {
            recorder.reload(None, &loaded.premises, None)?;
        }
        let standing = stand(loaded, &roll);
        Ok(Hall {
            name: files.name.clone(),
            files,
            standing: RwLock::new(Arc::new(standing)),
            roll: RwLock::new(roll),
            changing: Mutex::new(()),
            tally: Tally::default(),
            approved: Approved::read(&*store)?,
        })
    }

    /// The Hall as it stands now.
    pub(super) fn standing(&self) -> Arc<Standing> {
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&standing)
    }

    /// What the ledger says of workers and hashes.
    pub(super) fn roll(&self) -> std::sync::RwLockReadGuard<'_, Roll> {
        self.roll.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the files again, records the change, and stands on it from then
    /// on. What cannot be read or recorded changes nothing.
    pub(super) fn reload(&self, recorder: &Recorder) -> Result<(), ServeError> {
        let loaded = (self.files.load)().map_err(ServeError::Hall)?;
        let _changing = self.change();
        let before = self.standing();
        recorder.reload(Some(&before.premises), &loaded.premises, None)?;
        let standing = stand(loaded, &self.roll());
        self.put(standing);
        Ok(())
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, standing: Standing) {
        let mut held = self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(standing);
    }

    /// Adds to what the ledger says.
    fn enter(&self, add: impl FnOnce(&mut Roll)) {
        add(&mut self.roll.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The workers of the ledger come after those of the folder, and replace them.
fn stand(loaded: Loaded, roll: &Roll) -> Standing {
    let mut registry = loaded.registry;
    for enrolled in roll.enrolled() {
        registry.enroll_record(enrolled.record.clone());
    }
    Standing {
        premises: loaded.premises,
        registry,
    }
}

/// The digests that the last `hall.reload` of premises names.
fn last_premises(store: &dyn Store) -> Result<Option<Value>, ServeError> {
    let filter = Filter {
        kinds: vec![kind::RELOAD.to_owned()],
        reverse: true,
        ..Filter::default()
    };
    for item in select(store, &filter)? {
        let (_, entry) = item?;
        let payload = entry.check_payload().ok();
        let after = payload.and_then(|payload| payload.get("after").cloned());
        // That of a single worker names no rules.
        if let Some(after) = after.filter(|after| after.get("rules").is_some()) {
            return Ok(Some(after));
        }
    }
    Ok(None)
}
