//! Cases of a bulk run, recorded: each brings its rules and its Hall along, and
//! most bring the same ones.

use std::sync::Arc;

use super::document::Document;
use super::governance::{Governance, SharedGate};
use super::recorder::{DecisionRequest, PreparedDecision, Recorder};
use crate::attestation::BanList;
use crate::ledger::json::Value;
use crate::wcp::bulk::BulkCase;
use crate::wcp::snapshot::Snapshot;
use crate::wcp::stamp::DecisionStamp;

#[derive(Debug, Default)]
pub struct CaseGovernance {
    last: Option<Last>,
}

/// What governed the last case, and what it was made of.
#[derive(Debug)]
struct Last {
    hall: Snapshot,
    governance: Arc<Governance>,
}

impl CaseGovernance {
    pub fn of(&mut self, case: &BulkCase) -> Arc<Governance> {
        let hall = &case.hall;
        let rules_document = match &self.last {
            Some(last) if Arc::ptr_eq(last.governance.rules(), &case.rules) => {
                let same = last.hall.config == hall.config
                    && last.hall.policy_gate == hall.policy_gate
                    && last.hall.ban_list == hall.ban_list;
                if same {
                    return Arc::clone(&last.governance);
                }
                Arc::clone(&last.governance.rules_document)
            }
            _ => Arc::new(Document::new(case.rules.document().clone())),
        };
        let rules = Arc::clone(&case.rules);
        let mut governance =
            Governance::with_rules_document(rules, rules_document).with_config(hall.config.clone());
        if let Some(gate) = hall.policy_gate.clone() {
            governance = governance.with_gate(Arc::new(gate) as SharedGate);
        }
        if let Some(bans) = &hall.ban_list {
            let list = BanList::of_hashes(bans.iter().map(String::as_str));
            governance = governance.with_ban_list(Arc::new(list));
        }
        let governance = Arc::new(governance);
        self.last = Some(Last {
            hall: Snapshot {
                config: hall.config.clone(),
                policy_gate: hall.policy_gate.clone(),
                ban_list: hall.ban_list.clone(),
                ..Snapshot::default()
            },
            governance: Arc::clone(&governance),
        });
        governance
    }
}

impl Recorder {
    /// The entry of a case, asked by `actor`.
    pub fn prepare_case(
        &self,
        governance: &Governance,
        case: &BulkCase,
        actor: Option<&Value>,
        stamp: DecisionStamp,
    ) -> PreparedDecision {
        let asked = DecisionRequest {
            input: &case.input,
            approval: None,
            task_id: &case.task_id,
            actor,
            stamp,
        };
        self.prepare(governance, &case.hall, &asked)
    }
}
