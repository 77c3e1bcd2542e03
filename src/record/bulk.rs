//! Cases of a bulk run, recorded: each brings its rules and its Hall along, and
//! most bring the same ones.

use std::collections::HashSet;
use std::sync::Arc;

use super::document::Document;
use super::premises::{Premises, SharedBanList, SharedGate, Sources};
use super::recorder::{Asked, Prepared, Recorder};
use crate::wcp::bulk::Case;
use crate::wcp::config::HallConfig;
use crate::wcp::gate::FixedGate;
use crate::wcp::hall::{CodeHashes, Privileges};
use crate::wcp::stamp::Stamp;

/// Remembers the premises of the last case.
#[derive(Debug, Default)]
pub struct CasePremises {
    last: Option<Last>,
}

/// The last premises, and what they were made of.
#[derive(Debug)]
struct Last {
    config: HallConfig,
    gate: Option<FixedGate>,
    bans: Option<HashSet<String>>,
    premises: Arc<Premises>,
}

impl CasePremises {
    /// The premises of a case.
    pub fn of(&mut self, case: &Case) -> Arc<Premises> {
        let hall = &case.hall;
        let rules_document = match &self.last {
            Some(last) if Arc::ptr_eq(last.premises.rules(), &case.rules) => {
                let same = last.config == hall.config
                    && last.gate == hall.policy_gate
                    && last.bans == hall.ban_list;
                if same {
                    return Arc::clone(&last.premises);
                }
                Arc::clone(&last.premises.rules_document)
            }
            _ => Arc::new(Document::new(case.rules.document().clone())),
        };
        let gate = hall.policy_gate.clone();
        let bans = hall.ban_list.clone();
        let premises = Arc::new(Premises::with_rules_document(
            Arc::clone(&case.rules),
            rules_document,
            hall.config.clone(),
            gate.clone().map(|gate| Arc::new(gate) as SharedGate),
            bans.clone().map(|list| Arc::new(list) as SharedBanList),
        ));
        self.last = Some(Last {
            config: hall.config.clone(),
            gate,
            bans,
            premises: Arc::clone(&premises),
        });
        premises
    }
}

impl Recorder {
    /// Decides a case and makes its entry.
    #[must_use]
    pub fn prepare_case(&self, premises: &Premises, case: &Case, stamp: Stamp) -> Prepared {
        let hall = &case.hall;
        let privileges = hall.privilege_envelopes.as_ref();
        let code_hashes = hall.worker_hashes.as_ref();
        let asked = Asked {
            input: &case.input,
            sources: Sources {
                roster: hall,
                privileges: privileges.map(|_| hall as &dyn Privileges),
                code_hashes: code_hashes.map(|hashes| hashes as &dyn CodeHashes),
            },
            task_id: &case.task_id,
            actor: None,
            stamp,
        };
        self.prepare(premises, &asked)
    }
}
