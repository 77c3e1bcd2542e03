//! What workers' code should be and is, and whether they may be dispatched to.

use std::collections::{HashMap, HashSet};
#[cfg(feature = "files")]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Registry;
use crate::ledger::json::Value;
use crate::wcp::basis::{StandingWorker, WorkerStanding};
use crate::wcp::record::WorkerRecord;
#[cfg(feature = "files")]
use crate::wcp::worker_source::{AllowedDirs, AttestError, hash_source};

/// What is known beside the records.
#[derive(Clone, Debug, Default)]
pub(super) struct CodeRegister {
    #[cfg(feature = "files")]
    registered: HashMap<Arc<str>, Attested>,
    /// By worker: hashes that were submitted for it, and whether confirmed.
    submitted: HashMap<Arc<str>, SubmittedHash>,
    /// Those of others than [`Standing::Active`].
    standings: HashMap<Arc<str>, WorkerStanding>,
    /// Workers whose records came from elsewhere: the files that they name are
    /// opened beneath an allowed directory or not at all.
    pub(super) remote: HashSet<Arc<str>>,
    #[cfg(feature = "files")]
    allowed: Option<AllowedDirs>,
}

/// Code that was registered as good.
#[cfg(feature = "files")]
#[derive(Clone, Debug)]
struct Attested {
    source_file: PathBuf,
    sha256: String,
}

#[derive(Clone, Debug, Default)]
struct SubmittedHash {
    pending: Option<Arc<str>>,
    confirmed: Option<Arc<str>>,
}

impl Registry {
    /// Sets whether a worker may be dispatched to.
    pub fn set_standing(&mut self, worker_id: &str, standing: WorkerStanding) {
        self.code.standings.insert(worker_id.into(), standing);
    }

    /// Whether a worker may be dispatched to.
    pub fn standing(&self, worker_id: &str) -> WorkerStanding {
        let standing = self.code.standings.get(worker_id).copied();
        standing.unwrap_or_default()
    }

    /// Takes a hash that was submitted for a worker. It counts as its code hash
    /// from when it is confirmed.
    pub fn submit_hash(&mut self, worker_id: &str, sha256: &str) {
        let submitted = self.code.submitted.entry(worker_id.into()).or_default();
        submitted.pending = Some(sha256.into());
    }

    /// Takes a hash as a worker's code hash, before that of its record.
    pub fn confirm_hash(&mut self, worker_id: &str, sha256: &str) {
        let submitted = self.code.submitted.entry(worker_id.into()).or_default();
        submitted.confirmed = Some(sha256.into());
        submitted.pending.take_if(|pending| **pending == *sha256);
    }

    /// The worker that a species is dispatched to: of those that may be, the
    /// one that was enrolled last.
    pub(super) fn worker_of_species(&self, species: &str) -> Option<StandingWorker> {
        let record = self.standing_records(species).next()?;
        let submitted = self.code.submitted.get(&record.worker_id);
        Some(StandingWorker {
            worker_id: record.worker_id.clone(),
            artifact_hash: record.artifact_hash.clone(),
            standing: self.standing(&record.worker_id),
            pending_hash: submitted.and_then(|submitted| submitted.pending.clone()),
        })
    }

    /// The records of a species, the last enrolled first: those that may be
    /// dispatched to, or all where none may.
    fn standing_records(&self, species: &str) -> impl Iterator<Item = &WorkerRecord> {
        let indices = self.by_species.get(species).map_or(&[][..], Vec::as_slice);
        let records = indices.iter().rev().filter_map(|i| self.records.get(*i));
        let active =
            |record: &WorkerRecord| self.standing(&record.worker_id) == WorkerStanding::Active;
        let all = self.code.standings.is_empty() || !records.clone().any(active);
        records.filter(move |record| all || active(record))
    }

    /// The hash that is registered for a species: what was registered here, or
    /// that of its worker, confirmed or of its record.
    pub fn get_worker_hash(&self, species_id: &str) -> Option<&str> {
        #[cfg(feature = "files")]
        if let Some(attested) = self.code.registered.get(species_id) {
            return Some(&attested.sha256);
        }
        self.standing_records(species_id).find_map(|record| {
            let submitted = self.code.submitted.get(&record.worker_id);
            let confirmed = submitted.and_then(|submitted| submitted.confirmed.as_deref());
            let own = record.attestation.as_ref();
            confirmed.or_else(|| own?.code_hash.as_deref())
        })
    }

    /// Every hash that is known of a worker's code: submitted, confirmed, of its
    /// record, and live.
    pub fn hashes_of(&self, worker_id: &str) -> Vec<String> {
        let submitted = self.code.submitted.get(worker_id);
        let submitted = submitted.into_iter();
        let submitted = submitted.flat_map(|known| known.confirmed.iter().chain(&known.pending));
        let record = self.worker(worker_id);
        let own = record.and_then(|record| record.attestation.as_ref()?.code_hash.as_ref());
        let live = record.and_then(|record| self.compute_current_hash(&record.worker_species_id));
        let known = submitted.chain(own).map(|hash| hash.to_string());
        known.chain(live).collect()
    }

    /// What is known of a worker beside its record: its standing, and hashes
    /// that were submitted for it; none if nothing is.
    pub fn said_of(&self, worker_id: &str) -> Option<Value> {
        let submitted = self.code.submitted.get(worker_id);
        let standing = self.standing(worker_id);
        if submitted.is_none() && standing == WorkerStanding::Active {
            return None;
        }
        let submitted = submitted.cloned().unwrap_or_default();
        let members = [
            ("standing", Some(standing.as_str())),
            ("confirmed_hash", submitted.confirmed.as_deref()),
            ("pending_hash", submitted.pending.as_deref()),
        ];
        let members = members
            .into_iter()
            .map(|(name, text)| (name, Value::from(text)));
        Some(Value::Object(members.collect()))
    }

    /// How many species have a registered hash.
    pub(super) fn attested_count(&self) -> usize {
        let species = self.by_species.keys();
        species
            .filter(|id| self.get_worker_hash(id).is_some())
            .count()
    }
}

#[cfg(feature = "files")]
impl Registry {
    /// Restricts the source files of workers to these directories and what is
    /// below them. Holds for hashes that are computed from now on, of sources
    /// registered before too.
    ///
    /// # Errors
    /// [`AttestError`] for the first that is not a directory; nothing is changed.
    pub fn set_allowed_worker_dirs(&mut self, dirs: &[&Path]) -> Result<(), AttestError> {
        self.code.allowed = Some(AllowedDirs::new(dirs)?);
        Ok(())
    }

    /// Hashes a worker's source file and registers that as known good. Gives
    /// the hex SHA-256.
    ///
    /// # Errors
    /// [`AttestError`] if it is not a readable file in an allowed directory.
    pub fn register_attestation(
        &mut self,
        species_id: &str,
        source_file: &Path,
    ) -> Result<String, AttestError> {
        let sha256 = hash_source(source_file, self.code.allowed.as_ref())?;
        let attested = Attested {
            // Absolute, so that a later change of directory changes nothing.
            source_file: std::path::absolute(source_file).map_err(AttestError::Unreadable)?,
            sha256: sha256.clone(),
        };
        self.code.registered.insert(species_id.into(), attested);
        Ok(sha256)
    }

    /// The hash of a species' source file as it is now; none if none is known,
    /// or it is not a readable file in an allowed directory.
    pub fn compute_current_hash(&self, species_id: &str) -> Option<String> {
        let allowed = self.code.allowed.as_ref();
        let registered = self.code.registered.get(species_id);
        let source = match registered {
            Some(attested) => &attested.source_file,
            None => Path::new(self.source_file(species_id)?),
        };
        hash_source(source, allowed).ok()
    }

    /// The file that the record of a species' worker names.
    fn source_file(&self, species_id: &str) -> Option<&str> {
        let confined = self.code.allowed.is_some();
        self.standing_records(species_id).find_map(|record| {
            let trusted = confined || !self.code.remote.contains(&record.worker_id);
            let own = record.attestation.as_ref().filter(|_| trusted)?;
            own.source_file.as_deref()
        })
    }
}

#[cfg(not(feature = "files"))]
impl Registry {
    /// Files are not read in this build.
    pub fn compute_current_hash(&self, _species_id: &str) -> Option<String> {
        None
    }
}
