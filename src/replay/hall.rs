//! A registry as a decision's entry records it: it answers what it answered
//! then, and notes what was not recorded.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::attestation::BanList;
use crate::ledger::json::Object;
use crate::record::DecisionRecord;
use crate::record::slice::{Candidate, RegistrySlice};
use crate::wcp::basis::{RegistryView, StandingWorker, WorkerStanding};
use crate::wcp::gate::{GateAnswer, GateContext, GateError, PolicyGate};
use crate::wcp::terms::Env;

pub(super) struct RecordedHall<'r> {
    record: &'r DecisionRecord,
    slice: &'r RegistrySlice,
    bans: &'r Bans,
    /// What was asked and is not recorded.
    beyond: RefCell<BTreeSet<String>>,
}

/// What stood behind the ban list.
pub(super) enum Bans {
    None,
    List(Arc<BanList>),
    /// A list of which only the answer is recorded.
    Recorded,
}

impl<'r> RecordedHall<'r> {
    pub(super) fn new(
        record: &'r DecisionRecord,
        slice: &'r RegistrySlice,
        bans: &'r Bans,
    ) -> RecordedHall<'r> {
        RecordedHall {
            record,
            slice,
            bans,
            beyond: RefCell::default(),
        }
    }

    /// What was asked so far and is not recorded.
    pub(super) fn beyond(&self) -> Vec<String> {
        self.beyond.borrow().iter().cloned().collect()
    }

    fn unknown<T>(&self, what: String) -> Option<T> {
        self.beyond.borrow_mut().insert(what);
        None
    }

    pub(super) fn approval(&self) -> Option<&'r str> {
        self.record.answers.approval.as_deref()
    }

    fn candidate(&self, species: &str) -> Option<&'r Candidate> {
        self.slice.candidate(species)
    }
}

impl RegistryView for RecordedHall<'_> {
    fn control_present(&self, control_id: &str) -> bool {
        let mut controls = self.slice.controls.iter();
        let recorded = controls.find(|(id, _)| **id == *control_id);
        let recorded = recorded.map(|(_, present)| *present);
        recorded
            .or_else(|| self.unknown(format!("control {control_id}")))
            .unwrap_or(false)
    }

    fn worker_available(&self, worker_species_id: &str) -> bool {
        let recorded = self.candidate(worker_species_id);
        recorded
            .map(|candidate| candidate.available)
            .or_else(|| self.unknown(format!("availability of {worker_species_id}")))
            .unwrap_or(false)
    }

    fn worker_of(&self, worker_species_id: &str) -> Option<StandingWorker> {
        let candidate = self.candidate(worker_species_id)?;
        let worker_id = candidate.worker_id.clone()?;
        // The list's own word counts, where it is at hand.
        let standing = match self.bans {
            Bans::List(list) if list.find_worker(&worker_id).is_some() => WorkerStanding::Banned,
            Bans::List(_) | Bans::None if candidate.standing == WorkerStanding::Banned => {
                WorkerStanding::Active
            }
            _ => candidate.standing,
        };
        Some(StandingWorker {
            worker_id,
            artifact_hash: candidate.artifact_hash.clone()?,
            standing,
            pending_hash: candidate.pending_hash.clone(),
        })
    }

    fn has_privileges(&self) -> bool {
        self.slice.privileges_configured
    }

    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>> {
        match self.candidate(worker_species_id) {
            Some(candidate) => candidate.envelope.clone(),
            None => self.unknown(format!("envelope of {worker_species_id}")),
        }
    }

    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>> {
        if self.slice.candidates.is_empty() {
            return self.unknown(format!("allow-list of {env}"));
        }
        self.slice.egress_allowlist.clone()
    }

    fn has_code_hashes(&self) -> bool {
        self.slice.attestation_configured
    }

    fn registered_hash(&self, worker_species_id: &str) -> Option<String> {
        match self.candidate(worker_species_id) {
            Some(candidate) => candidate.registered_hash.clone(),
            None => self.unknown(format!("registered hash of {worker_species_id}")),
        }
    }

    fn current_hash(&self, worker_species_id: &str) -> Option<String> {
        let mut hashes = self.record.answers.live_hashes.iter();
        match hashes.find(|(id, _)| **id == *worker_species_id) {
            Some((_, hash)) => hash.clone(),
            None => self.unknown(format!("live hash of {worker_species_id}")),
        }
    }

    fn has_bans(&self) -> bool {
        !matches!(self.bans, Bans::None)
    }

    fn is_banned(&self, sha256: &str) -> bool {
        match self.bans {
            Bans::None => false,
            Bans::List(list) => list.is_banned(sha256),
            Bans::Recorded => {
                let recorded = self.record.answers.banned;
                recorded
                    .or_else(|| self.unknown("the ban list's answer".to_owned()))
                    .unwrap_or(true)
            }
        }
    }
}

/// A gate of which only the answer is recorded.
impl PolicyGate for RecordedHall<'_> {
    fn evaluate(&self, _: &GateContext<'_>) -> Result<GateAnswer, GateError> {
        match &self.record.answers.gate {
            Some(answer) => answer.clone(),
            None => {
                let _: Option<()> = self.unknown("the policy gate's answer".to_owned());
                Err(GateError::Undefined)
            }
        }
    }
}
