//! What a decision is taken from.

use std::sync::Arc;

use super::config::HallConfig;
use super::gate::PolicyGate;
use super::rule_set::RuleSet;
use super::terms::Env;
use crate::ledger::hash::Hash;
use crate::ledger::json::{Object, Value};

/// Everything that [`make_decision`](super::make_decision) may ask. What is
/// `None` is not configured, which some rules and configurations deny.
///
/// Each source answers from memory, or is trusted to be quick: a decision waits
/// for it. The same function decides on a live Hall and, in a replay, on what
/// was recorded of one.
#[derive(Clone, Copy)]
pub struct Hall<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The floors.
    pub config: &'a HallConfig,
    /// Who and what is there.
    pub roster: &'a dyn Roster,
    /// What workers may reach.
    pub privileges: Option<&'a dyn Privileges>,
    /// What workers' code should be and is.
    pub code_hashes: Option<&'a dyn CodeHashes>,
    /// Code that must not run.
    pub ban_list: Option<&'a dyn BanList>,
    /// The policy gate.
    pub gate: Option<&'a dyn PolicyGate>,
    /// The routing task, for telemetry; `task_default` where there is none.
    pub task_id: &'a str,
}

/// The `task_id` where none is given.
pub const DEFAULT_TASK_ID: &str = "task_default";

/// Which controls and workers are there.
pub trait Roster {
    /// Whether a control is declared present.
    fn control_present(&self, control_id: &str) -> bool;

    /// Whether a worker species is enrolled and available.
    fn worker_available(&self, worker_species_id: &str) -> bool;

    /// The `artifact_hash` of the record that the species was enrolled with
    /// last; none where there are no records. It decides nothing, and is
    /// recorded.
    fn record_hash(&self, _worker_species_id: &str) -> Option<String> {
        None
    }

    /// One digest of all records; none where there are none. As above.
    fn records_digest(&self) -> Option<Hash> {
        None
    }
}

/// Which privileges workers have, and which are allowed.
pub trait Privileges {
    /// The privilege envelope of a species, if it has one.
    fn privilege_envelope(&self, worker_species_id: &str) -> Option<Arc<Object>>;

    /// The destinations that may be reached from an environment; none if
    /// nothing was configured for it.
    fn egress_allowlist(&self, env: Env) -> Option<Arc<[String]>>;
}

/// What workers' code should be and is, as 64 lower-case hex digits of SHA-256.
/// Anything else that is answered counts as malformed.
pub trait CodeHashes {
    /// The hash that is registered as good.
    fn registered_hash(&self, worker_species_id: &str) -> Option<String>;

    /// The hash of what would run now.
    fn current_hash(&self, worker_species_id: &str) -> Option<String>;
}

/// Code that must not run.
pub trait BanList {
    /// Whether code of this hash is banned.
    fn is_banned(&self, sha256: &str) -> bool;

    /// The list itself, from which anybody can tell the same; none if it
    /// cannot be had.
    fn document(&self) -> Option<Value> {
        None
    }
}
