//! Under what the Hall decides: rules, configuration, policy, ban list and
//! registry, read from files, and read again when told.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use thiserror::Error;

use super::error::ServeError;
use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::ledger::members::MemberError;
use crate::ledger::parse::{ParseError, parse};
use crate::logbook::clock::Clock;
use crate::record::premises::SharedGate;
use crate::record::{Premises, Recorder};
use crate::store::query::{Filter, select};
use crate::wcp::config::HallConfig;
use crate::wcp::gate::StubGate;
use crate::wcp::registry::Registry;
use crate::wcp::rules::{RulesError, load_rules, load_rules_from_dict};

/// Where the Hall's files lie. What is not given is not there: without rules
/// every request is denied, without a policy there is no gate.
#[derive(Clone, Debug, Default)]
pub struct HallFiles {
    /// What the Hall calls itself.
    pub name: String,
    /// The routing rules.
    pub rules: Option<PathBuf>,
    /// A folder of worker records.
    pub registry_dir: Option<PathBuf>,
    /// The Hall's configuration.
    pub config: Option<PathBuf>,
    /// A policy in Rego: a file or a bundle.
    pub policy: Option<PathBuf>,
    /// Whether the stub that allows everything is the gate, in `dev` alone.
    pub stub_gate: bool,
}

/// Why the Hall's files were not taken up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PremisesError {
    /// The rules are wrong.
    #[error("{}: {error}", path.display())]
    Rules {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: RulesError,
    },
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The configuration is no JSON.
    #[error("{}: {error}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: ParseError,
    },
    /// The configuration is none.
    #[error("{}: {error}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: MemberError,
    },
    /// The policy is wrong, or this program was built without policies.
    #[error("{}: {detail}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
}
