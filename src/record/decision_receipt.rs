//! The evidence receipt of a decision that is durable, with where it stands.

use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::receipt::EvidenceReceipt;
use crate::ledger::hash::Hash;
use crate::ledger::json::Object;
use crate::ledger::key::PublicKey;
use crate::ledger::position::Seq;
use crate::ledger::shape;
use crate::ledger::time::Timestamp;
use crate::logbook::request::Receipt;

/// The evidence receipt, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionReceipt {
    pub evidence: EvidenceReceipt,
    pub entry: Receipt,
    pub log: PublicKey,
    /// The log's entry 0.
    pub genesis: Hash,
}

/// The evidence receipt with where it stands, in canonical order.
#[derive(serde::Serialize)]
struct ReceiptMembers<'r> {
    artifact_hash: Option<&'r str>,
    capability_id: &'r str,
    controls_verified: &'r [Arc<str>],
    correlation_id: &'r str,
    dispatched_at: Option<Timestamp>,
    entry_hash: Hash,
    genesis: Hash,
    log: PublicKey,
    policy_decision: &'static str,
    seq: Seq,
    worker_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker_species_id: Option<&'r str>,
}

impl Serialize for DecisionReceipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let evidence = &self.evidence;
        let members = ReceiptMembers {
            artifact_hash: evidence.artifact_hash.as_deref(),
            capability_id: &evidence.capability_id,
            controls_verified: &evidence.controls_verified,
            correlation_id: &evidence.correlation_id,
            dispatched_at: evidence.dispatched_at,
            entry_hash: self.entry.hash,
            genesis: self.genesis,
            log: self.log,
            policy_decision: evidence.policy_decision,
            seq: self.entry.seq,
            worker_id: evidence.worker_id.as_deref(),
            worker_species_id: evidence.worker_species_id.as_deref(),
        };
        members.serialize(serializer)
    }
}

impl DecisionReceipt {
    /// The evidence receipt with `seq`, `entry_hash`, `log` and `genesis`.
    pub fn to_object(&self) -> Object {
        shape::write_object(self)
    }

    pub const fn seq(&self) -> Seq {
        self.entry.seq
    }
}
