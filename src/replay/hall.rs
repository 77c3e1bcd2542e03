//! The Hall as a decision's entry records it: it answers what it answered then,
//! and notes what nobody recorded.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ledger::json::Object;
use crate::record::DecisionRecord;
use crate::wcp::gate::{GateAnswer, GateContext, GateError, PolicyGate};
use crate::wcp::hall::{BanList, CodeHashes, Privileges, Roster};
use crate::wcp::terms::Env;

/// Answers from a record.
pub(super) struct RecordedHall<'r> {
    record: &'r DecisionRecord,
    /// What was asked and is not recorded.
    beyond: RefCell<BTreeSet<String>>,
}

impl<'r> RecordedHall<'r> {
    pub(super) fn new(record: &'r DecisionRecord) -> RecordedHall<'r> {
        RecordedHall {
            record,
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

    pub(super) fn privileges(&self) -> Option<&dyn Privileges> {
        let configured = self.record.context.registry.privileges_configured;
        configured.then_some(self as &dyn Privileges)
    }

    pub(super) fn code_hashes(&self) -> Option<&dyn CodeHashes> {
        let configured = self.record.context.registry.attestation_configured;
        configured.then_some(self as &dyn CodeHashes)
    }
}

impl Roster for RecordedHall<'_> {
    fn control_present(&self, control_id: &str) -> bool {
        let mut controls = self.record.context.registry.controls.iter();
        let recorded = controls.find(|(id, _)| **id == *control_id);
        let recorded = recorded.map(|(_, present)| *present);
        recorded
            .or_else(|| self.unknown(format!("control {control_id}")))
            .unwrap_or(false)
    }

    fn worker_available(&self, worker_species_id: &str) -> bool {
        let recorded = self.record.context.registry.candidate(worker_species_id);
        recorded
            .map(|candidate| candidate.available)
            .or_else(|| self.unknown(format!("availability of {worker_species_id}")))
            .unwrap_or(false)
    }
}

impl Privileges for RecordedHall<'_> {
    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>> {
        match self.record.context.registry.candidate(worker_species_id) {
            Some(candidate) => candidate.envelope.clone(),
            None => self.unknown(format!("envelope of {worker_species_id}")),
        }
    }

    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>> {
        if self.record.context.registry.candidates.is_empty() {
            return self.unknown(format!("allow-list of {env}"));
        }
        self.record.context.registry.egress_allowlist.clone()
    }
}

impl CodeHashes for RecordedHall<'_> {
    fn registered_hash(&self, worker_species_id: &str) -> Option<String> {
        match self.record.context.registry.candidate(worker_species_id) {
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
}

/// A ban list of which only the answer is recorded.
impl BanList for RecordedHall<'_> {
    fn is_banned(&self, _sha256: &str) -> bool {
        let recorded = self.record.answers.banned;
        recorded
            .or_else(|| self.unknown("the ban list's answer".to_owned()))
            .unwrap_or(true)
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
