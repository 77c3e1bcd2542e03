//! What a decision is taken from.

use std::sync::Arc;

use super::config::HallConfig;
use super::gate::PolicyGate;
use super::rule_set::RuleSet;
use super::terms::Env;
use crate::ledger::hash::Hash;
use crate::ledger::json::Object;
use crate::ledger::words::words;

/// Everything that [`make_decision`](super::make_decision) may ask.
///
/// The same function decides on a live Hall and, in a replay, on what was
/// recorded of one.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    pub rules: &'a RuleSet,
    pub config: &'a HallConfig,
    pub registry: &'a dyn RegistryView,
    /// The policy gate, if one is configured.
    pub gate: Option<&'a dyn PolicyGate>,
    /// The hash of the entry in which a human approves this very request. The
    /// caller checks that it exists, is of this request and holds.
    pub approval: Option<&'a str>,
    /// The routing task, for telemetry; `task_default` where there is none.
    pub task_id: &'a str,
}

/// The `task_id` where none is given.
pub const DEFAULT_TASK_ID: &str = "task_default";

/// How a registry answers the router. What it says nothing of is not
/// configured, which some rules and configurations deny.
///
/// An answer comes from memory or is quick: a decision waits for it. Code
/// hashes are 64 lower-case hex digits of SHA-256; anything else counts as
/// malformed.
pub trait RegistryView {
    fn control_present(&self, control_id: &str) -> bool;

    /// Whether a worker species is enrolled and available.
    fn worker_available(&self, worker_species_id: &str) -> bool;

    /// The worker that a species is dispatched to, and whether it may be.
    fn worker_of(&self, _worker_species_id: &str) -> Option<StandingWorker> {
        None
    }

    fn has_privileges(&self) -> bool {
        false
    }

    fn privilege_envelope(&self, _worker_species_id: &str) -> Option<Arc<Object>> {
        None
    }

    /// The destinations that may be reached from an environment, if any were
    /// configured for it.
    fn egress_allowlist(&self, _env: Env) -> Option<Arc<[String]>> {
        None
    }

    fn has_code_hashes(&self) -> bool {
        false
    }

    /// The code hash that is registered as good.
    fn registered_hash(&self, _worker_species_id: &str) -> Option<String> {
        None
    }

    /// The hash of the code that would run now.
    fn current_hash(&self, _worker_species_id: &str) -> Option<String> {
        None
    }

    fn has_bans(&self) -> bool {
        false
    }

    /// Whether code of this hash is banned.
    fn is_banned(&self, _sha256: &str) -> bool {
        false
    }

    /// One digest of all records, if there are records. It decides nothing, and
    /// is recorded.
    fn records_digest(&self) -> Option<Hash> {
        None
    }
}

/// The worker that stands for a species.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingWorker {
    pub worker_id: Arc<str>,
    /// The `artifact_hash` of its record.
    pub artifact_hash: Arc<str>,
    /// Whether it may be dispatched to.
    pub standing: WorkerStanding,
    /// A package hash that was submitted for it and is not confirmed. It never
    /// clears a worker; if it is banned, it denies.
    pub pending_hash: Option<Arc<str>>,
}

words! {
    /// Whether a worker may be dispatched to.
    #[derive(Default)]
    pub enum WorkerStanding: "active, revoked or banned" {
        /// It may.
        #[default]
        Active = "active",
        Revoked = "revoked",
        Banned = "banned",
    }
}

impl WorkerStanding {
    pub fn is_active(&self) -> bool {
        *self == WorkerStanding::Active
    }
}
