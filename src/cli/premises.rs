//! Rules, configuration, policy and ban list from the files that the operator
//! names: what `route` decides under, and `replay` decides under instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::ledger::json::Value;
use crate::ledger::limits;
use crate::record::Premises;
use crate::record::ban_list::BanText;
use crate::record::premises::{SharedBanList, SharedGate};
use crate::wcp::gate::StubGate;
use crate::wcp::terms::Env;
use crate::wcp::{HallConfig, Registry};

use super::document::{self, in_file};
use super::error::{CliError, ProducerError};
use super::output::Output;

#[derive(Debug, clap::Args)]
// `route` takes it in among its own, which are called the same.
#[group(skip)]
pub(super) struct Args {
    /// Routing rules
    #[arg(long, value_name = "FILE", default_value = "./rules.json")]
    rules: PathBuf,
    /// The folder of registry records
    #[arg(long, value_name = "DIR", default_value = "./enrolled")]
    registry_dir: PathBuf,
    /// The Hall's configuration [default: the reference's defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A policy gate in Rego: a file, or a bundle's folder [default: no gate]
    #[arg(long, value_name = "PATH", conflicts_with = "stub_policy")]
    policy: Option<PathBuf>,
    /// In the place of a policy gate, the stub that allows everything
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "dev")]
    stub_policy: Option<Stub>,
    /// Code hashes that must not run
    #[arg(long, value_name = "FILE")]
    banned: Option<PathBuf>,
    /// Destinations by environment, {"prod": ["api.example.com"]}
    #[arg(long, value_name = "FILE")]
    egress_allowlist: Option<PathBuf>,
}

/// Where the stub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stub {
    /// In dev only
    Dev,
    /// Wherever it is asked
    Everywhere,
}

impl Args {
    /// What decisions are taken under.
    pub(super) fn premises(&self, output: &mut Output) -> Result<Premises, CliError> {
        let rules = Arc::new(document::rules(&self.rules)?);
        let config = match &self.config {
            Some(path) => HallConfig::read(&document::json(path)?, "").map_err(in_file(path))?,
            None => HallConfig::default(),
        };
        for warning in config.warnings() {
            output.warning(&warning.to_string());
        }
        let gate = match (&self.policy, self.stub_policy) {
            (Some(path), _) => Some(policy(path)?),
            (None, Some(stub)) => {
                let everywhere = stub == Stub::Everywhere;
                Some(Arc::new(StubGate { everywhere }) as SharedGate)
            }
            (None, None) => None,
        };
        let bans = match &self.banned {
            Some(path) => {
                let text = document::read(path, limits::LINE_BYTES)?;
                let list = BanText::parse(&text);
                let list = list.map_err(|e| in_file(path)(ProducerError::from(e)))?;
                Some(Arc::new(list) as SharedBanList)
            }
            None => None,
        };
        Ok(Premises::new(rules, config, gate, bans))
    }

    /// Who and what is there.
    pub(super) fn registry(&self, output: &mut Output) -> Result<Registry, CliError> {
        let dir = &self.registry_dir;
        let loaded =
            Registry::from_dir(dir).map_err(|error| ProducerError::registry_dir(dir, error))?;
        let (mut registry, invalid) = loaded;
        for record in &invalid {
            output.warning(&format!("not enrolled: {record}"));
        }
        if let Some(path) = &self.egress_allowlist {
            for (env, list) in allowlists_in(path)? {
                registry.set_egress_allowlist(env, list);
            }
        }
        Ok(registry)
    }
}

/// The destinations in a file, by environment.
pub(super) fn allowlists_in(path: &Path) -> Result<Vec<(Env, Vec<String>)>, CliError> {
    let lists = allowlists(&document::json(path)?);
    lists.ok_or_else(|| in_file(path)(ProducerError::AllowList))
}

fn allowlists(value: &Value) -> Option<Vec<(Env, Vec<String>)>> {
    let list = |value: &Value| -> Option<Vec<String>> {
        let items = value.as_array()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let lists = value.as_object()?.iter();
    lists
        .map(|(env, value)| Some((Env::parse(env)?, list(value)?)))
        .collect()
}

/// A policy, compiled.
#[cfg(feature = "rego")]
pub(super) fn policy(path: &Path) -> Result<SharedGate, CliError> {
    use crate::wcp::rego::{RegoGate, RegoLimits, RegoSource};
    let source = RegoSource::read(path).map_err(ProducerError::from)?;
    let gate = RegoGate::new(source, RegoLimits::default());
    let gate = gate.map_err(|error| in_file(path)(ProducerError::from(error)))?;
    Ok(Arc::new(gate))
}

/// This build has no engine for policies.
#[cfg(not(feature = "rego"))]
pub(super) fn policy(path: &Path) -> Result<SharedGate, CliError> {
    Err(CliError::Argument {
        what: "policy",
        given: path.display().to_string(),
        expected: "this program was built without Rego",
    })
}
