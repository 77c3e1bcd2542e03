//! What a decision asked, and what it was answered.

use std::sync::Arc;

use super::gate::{GateAnswer, GateError};
use crate::ledger::json::Object;

/// The answers that a decision depended on, each present only if it was asked
/// for: with them, the rules and the configuration, anybody can take the same
/// decision again.
///
/// It holds hashes of workers' code, which a decision never does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consulted {
    pub controls: Vec<(Arc<str>, bool)>,
    pub gate: Option<Result<GateAnswer, GateError>>,
    /// The approval that stood for a human, where one was wanted.
    pub approval: Option<Arc<str>>,
    /// Each candidate that the rule names and whether it was available, in
    /// rank order.
    pub workers: Vec<(Arc<str>, bool)>,
    pub code: Option<ConsultedCode>,
    /// Whether one of those hashes was on the ban list.
    pub banned: Option<bool>,
    pub privileges: Option<ConsultedPrivileges>,
}

/// What was said of a worker's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsultedCode {
    /// The registered hash, malformed or not.
    pub registered: Option<String>,
    /// The live hash, malformed or not; not asked for where the registered one
    /// was already no good.
    pub current: Option<String>,
}

/// What was said of a worker's privileges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsultedPrivileges {
    pub envelope: Option<Arc<Object>>,
    /// What may be reached from the environment of the request.
    pub egress_allowlist: Option<Arc<[String]>>,
}
